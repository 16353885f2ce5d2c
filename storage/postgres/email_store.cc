#include "storage/postgres/email_store.h"

#include "absl/algorithm/container.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "storage/postgres/array_param.h"
#include "storage/postgres/chunk_rows.h"
#include "storage/postgres/chunk_store_sql.h"
#include "storage/postgres/email_query.h"
#include "storage/postgres/email_rows.h"
#include "storage/postgres/email_store_sql.h"
#include "storage/postgres/transaction.h"

namespace herald::storage {
namespace {

using Rows = absl::StatusOr<pqxx::result>;

TransactionOptions Api(TenantId tenant, const char* name, bool read_only) {
  return {.role = DatabaseRole::kApi, .tenants = {tenant}, .read_only = read_only, .name = name};
}

absl::Status NotFound() { return absl::NotFoundError("no such email"); }

// The one record of `rows`.
absl::StatusOr<EmailRecord> TheRecord(const Rows& rows, TenantKeys& keys) {
  if (!rows.ok()) return StoreError(rows.status());
  if (rows->empty()) return NotFound();
  return RecordOf((*rows)[0], keys);
}

// The look-up hash of the query's recipient, empty when it names none.
absl::StatusOr<std::string> RecipientHash(TenantKeys& keys, TenantId tenant,
                                          const EmailQuery& query) {
  if (query.recipient_normalised.empty()) return std::string();
  absl::StatusOr<std::shared_ptr<const TenantCipher>> cipher = keys.For(tenant);
  if (!cipher.ok()) return cipher.status();
  return (*cipher)->LookupHash(query.recipient_normalised);
}

// An email as a change finds it, its chunk and its queue row locked if there is one.
struct Current {
  bool found = false;
  bool queued = false;  // waits, alone or in a chunk
  absl::optional<ChunkId> chunk;
  bool leased = false;
  bool open_attempt = false;
  int attempts = 0;
  EmailState state = EmailState::kQueued;
  absl::Time expire_time;
};

Current LockCurrent(Transaction& transaction, TenantId tenant, EmailId id) {
  Current current;
  const pqxx::result chunk = transaction.Exec(chunk_sql::kLockOfEmail, tenant, id);
  if (!chunk.empty()) {
    current.queued = true;
    current.chunk = ChunkId{Int64Of(chunk[0][0])};
    current.leased = BoolOf(chunk[0][1]);
    current.attempts = IntOf(chunk[0][2]);
  }
  const pqxx::result queued = transaction.Exec(email_sql::kLockQueued, tenant, id);
  if (!queued.empty()) {
    current.queued = true;
    current.leased = BoolOf(queued[0][0]);
    current.attempts = IntOf(queued[0][1]);
  }
  const pqxx::result stored = transaction.Exec(email_sql::kStoredState, tenant, id);
  if (stored.empty()) return current;
  current.found = true;
  current.state = static_cast<EmailState>(IntOf(stored[0][0]));
  current.open_attempt = BoolOf(stored[0][1]);
  current.expire_time = TimeOf(stored[0][2]);
  return current;
}

void LeaveChunk(Transaction& transaction, TenantId tenant, EmailId id, const Current& email) {
  if (email.chunk.has_value()) DropMembers(transaction, {{{tenant, *email.chunk}, id}});
}

bool WaitsUnattempted(EmailState state) {
  return state == EmailState::kScheduled || state == EmailState::kQueued;
}

}  // namespace

absl::StatusOr<std::vector<std::shared_ptr<const EmailRecord>>> PostgresEmailStore::FindReplays(
    TenantId tenant, absl::Span<const KeyedRequest> requests) {
  ArrayParam tenants(requests.size()), keys(requests.size(), 40);
  for (const KeyedRequest& request : requests) {
    tenants.AddInt(tenant.value);
    keys.AddText(request.idempotency_key);
  }
  const std::string tenant_array = tenants.Take(), key_array = keys.Take();
  std::vector<EmailId> holders;
  const Rows rows = RunTransaction(
      pool_, Api(tenant, "find_replays", true), [&](Transaction& transaction) -> Rows {
        holders.assign(requests.size(), EmailId());
        ArrayParam holder_array;
        for (const pqxx::row& row :
             transaction.Call(email_sql::kReadKeys, tenant_array, key_array)) {
          const auto i = static_cast<size_t>(Int64Of(row[0])) - 1;
          if (BytesOf(row[2]) == requests[i].request_hash) holders[i] = EmailId{Int64Of(row[1])};
          holder_array.AddInt(holders[i].value);
        }
        return FindEmailsById(transaction, tenant_array, holder_array.Take());
      });
  if (!rows.ok()) return StoreError(rows.status());
  const absl::StatusOr<std::vector<EmailRecord>> records = RecordsOf(*rows, keys_);
  if (!records.ok()) return StoreError(records.status());
  std::vector<std::shared_ptr<const EmailRecord>> found(requests.size());
  for (const EmailRecord& record : *records) {
    const auto shared = std::make_shared<const EmailRecord>(record);
    for (size_t i = 0; i < holders.size(); ++i) {
      if (holders[i] == record.id) found[i] = shared;
    }
  }
  return found;
}

absl::StatusOr<EmailRecord> PostgresEmailStore::GetEmail(TenantId tenant, EmailId id) {
  return TheRecord(RunTransaction(pool_, Api(tenant, "get_email", true),
                                  [&](Transaction& transaction) -> Rows {
                                    return FindEmail(transaction, tenant, id);
                                  }),
                   keys_);
}

absl::StatusOr<std::vector<EmailRecord>> PostgresEmailStore::ListEmails(TenantId tenant,
                                                                        const EmailQuery& query) {
  const absl::StatusOr<std::string> hash = RecipientHash(keys_, tenant, query);
  if (!hash.ok()) return StoreError(hash.status());
  const Rows rows = RunTransaction(
      pool_, Api(tenant, "list_emails", true), [&](Transaction& transaction) -> Rows {
        return FindEmails(transaction, tenant, query, *hash, EmailOrder::kNewestFirst);
      });
  if (!rows.ok()) return StoreError(rows.status());
  return RecordsOf(*rows, keys_);
}

absl::StatusOr<std::vector<EmailEventRow>> PostgresEmailStore::ListEvents(TenantId tenant,
                                                                          EmailId id) {
  const Rows rows = RunTransaction(pool_, Api(tenant, "list_events", true),
                                   [&](Transaction& transaction) -> Rows {
                                     return transaction.Exec(email_sql::kListEvents, tenant, id);
                                   });
  if (!rows.ok()) return StoreError(rows.status());
  if (rows->empty()) return NotFound();
  std::vector<EmailEventRow> events;
  for (const pqxx::row& row : *rows) events.push_back(EventOf(row));
  return events;
}

absl::StatusOr<FeedPage> PostgresEmailStore::ReadFeed(TenantId tenant, FeedCursor cursor,
                                                      int limit) {
  const Rows rows =
      RunTransaction(pool_, Api(tenant, "read_feed", true), [&](Transaction& transaction) -> Rows {
        return transaction.Exec(email_sql::kReadFeed, tenant, absl::StrCat(cursor.transaction),
                                cursor.sequence, limit);
      });
  if (!rows.ok()) return StoreError(rows.status());
  FeedPage page;
  page.next = cursor;
  for (const pqxx::row& row : *rows) page.events.push_back(EventOf(row));
  if (!rows->empty()) {
    const pqxx::row last = rows->back();
    if (!absl::SimpleAtoi(TextOf(last["xact"]), &page.next.transaction)) {
      return absl::InternalError("read_feed: not a transaction id");
    }
    page.next.sequence = Int64Of(last["seq"]);
  }
  return page;
}

absl::StatusOr<FeedCursor> PostgresEmailStore::FeedEnd(TenantId tenant) {
  const Rows rows = RunTransaction(
      pool_, Api(tenant, "feed_end", true),
      [&](Transaction& transaction) -> Rows { return transaction.Exec(email_sql::kFeedEnd); });
  if (!rows.ok()) return StoreError(rows.status());
  FeedCursor end;  // sequences begin at 1
  if (!absl::SimpleAtoi(TextOf((*rows)[0][0]), &end.transaction)) {
    return absl::InternalError("feed_end: not a transaction id");
  }
  return end;
}

absl::StatusOr<EmailRecord> PostgresEmailStore::CancelEmail(TenantId tenant, EmailId id) {
  return TheRecord(
      RunTransaction(
          pool_, Api(tenant, "cancel_email", false),
          [&](Transaction& transaction) -> Rows {
            const Current email = LockCurrent(transaction, tenant, id);
            if (!email.found) return NotFound();
            if (email.state != EmailState::kCancelled) {
              if (!email.queued || email.open_attempt || !WaitsUnattempted(email.state)) {
                return absl::FailedPreconditionError("the email can no longer be cancelled");
              }
              LeaveChunk(transaction, tenant, id, email);
              FinishEmails(transaction, {{.tenant = tenant,
                                          .email = id,
                                          .state = EmailState::kCancelled,
                                          .reason = "",
                                          .event = EventType::kCancelled,
                                          .event_key = absl::StrCat(email.attempts, ":4"),
                                          .detail = ""}});
            }
            return FindEmail(transaction, tenant, id);
          }),
      keys_);
}

absl::StatusOr<EmailRecord> PostgresEmailStore::RescheduleEmail(TenantId tenant, EmailId id,
                                                                absl::Time send_time) {
  return TheRecord(
      RunTransaction(pool_, Api(tenant, "reschedule_email", false),
                     [&](Transaction& transaction) -> Rows {
                       const Current email = LockCurrent(transaction, tenant, id);
                       if (!email.found) return NotFound();
                       if (!email.queued || email.leased || email.attempts > 0 ||
                           !WaitsUnattempted(email.state)) {
                         return absl::FailedPreconditionError(
                             "the email can no longer be rescheduled");
                       }
                       if (send_time >= email.expire_time) {
                         return absl::FailedPreconditionError("the email expires before send_time");
                       }
                       LeaveChunk(transaction, tenant, id, email);
                       if (email.chunk.has_value()) {
                         transaction.Exec(chunk_sql::kQueueAlone, tenant, id);
                       }
                       transaction.Exec(email_sql::kReschedule, tenant, id, send_time);
                       return FindEmail(transaction, tenant, id);
                     }),
      keys_);
}

absl::StatusOr<std::vector<EmailId>> PostgresEmailStore::RedriveEmails(TenantId tenant,
                                                                       const EmailQuery& query,
                                                                       absl::Duration lifetime,
                                                                       absl::string_view actor) {
  if (!query.states.empty() && absl::c_count(query.states, EmailState::kDead) == 0) {
    return std::vector<EmailId>();
  }
  const absl::StatusOr<std::string> hash = RecipientHash(keys_, tenant, query);
  if (!hash.ok()) return StoreError(hash.status());
  EmailQuery dead = query;
  dead.states = {EmailState::kDead};

  using Ids = absl::StatusOr<std::vector<EmailId>>;
  Ids redriven = RunTransaction(
      pool_, Api(tenant, "redrive_emails", false), [&](Transaction& transaction) -> Ids {
        ArrayParam found;
        for (const pqxx::row& row :
             FindEmails(transaction, tenant, dead, *hash, EmailOrder::kOldestFirst)) {
          found.AddInt(Int64Of(row["email_id"]));
        }
        std::vector<EmailId> ids;
        for (const pqxx::row& row :
             transaction.Exec(email_sql::kRedrive, tenant, found.Take(),
                              std::to_string(absl::ToDoubleSeconds(lifetime)))) {
          ids.push_back(EmailId{Int64Of(row[0])});
        }
        if (!ids.empty()) {
          transaction.Exec(email_sql::kAudit, tenant, actor, "herald.v1.EmailService/RedriveEmails",
                           absl::StrCat(ids.size(), " emails from ", FormatEmailId(ids.front())));
        }
        return ids;
      });
  if (!redriven.ok()) return StoreError(redriven.status());
  return redriven;
}

absl::StatusOr<EmailRecord> PostgresEmailStore::RedriveEmail(TenantId tenant, EmailId id,
                                                             absl::Duration lifetime,
                                                             absl::string_view actor) {
  return TheRecord(
      RunTransaction(pool_, Api(tenant, "redrive_email", false),
                     [&](Transaction& transaction) -> Rows {
                       const pqxx::result redriven = transaction.Exec(
                           email_sql::kRedrive, tenant, ArrayParam().AddInt(id.value).Take(),
                           std::to_string(absl::ToDoubleSeconds(lifetime)));
                       pqxx::result found = FindEmail(transaction, tenant, id);
                       if (found.empty()) return NotFound();
                       if (redriven.empty()) {
                         return absl::FailedPreconditionError("the email is not DEAD");
                       }
                       transaction.Exec(email_sql::kAudit, tenant, actor,
                                        "herald.v1.EmailService/RedriveEmail", FormatEmailId(id));
                       return found;
                     }),
      keys_);
}

}  // namespace herald::storage

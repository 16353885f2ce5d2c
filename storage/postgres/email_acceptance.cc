#include "storage/postgres/email_acceptance.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "model/steady_time.h"
#include "storage/postgres/array_param.h"
#include "storage/postgres/binary_array.h"
#include "storage/postgres/chunk_assignment.h"
#include "storage/postgres/email_query.h"
#include "storage/postgres/email_rows.h"
#include "storage/postgres/email_store_sql.h"
#include "storage/postgres/metadata_json.h"
#include "storage/postgres/transaction.h"

namespace herald::storage {
namespace {

// How often a group is run again when its link broke, and how late such a run may begin.
constexpr int kRepeatsMax = 2;
constexpr absl::Duration kRepeatWindow = absl::Seconds(3);

using RowKey = std::pair<int64_t, int64_t>;  // tenant, email
using Group = absl::Span<const Candidate>;

RowKey KeyOf(const NewEmail& email) { return {email.tenant.value, email.id.value}; }

bool IsRowError(const absl::Status& status) {
  return absl::IsInvalidArgument(status) || absl::IsAlreadyExists(status);
}

absl::flat_hash_set<RowKey> TakeKeys(Transaction& transaction, Group group) {
  const size_t n = group.size();
  BinaryArray tenants(ElementType::kBigint, n), keys(ElementType::kText, n, 36),
      hashes(ElementType::kBytea, n, 32), emails(ElementType::kBigint, n),
      expiries(ElementType::kTimestamptz, n);
  for (const Candidate& candidate : group) {
    tenants.AddInt(candidate.email->tenant.value);
    keys.AddText(candidate.email->idempotency_key);
    hashes.AddBytes(candidate.email->request_hash);
    emails.AddInt(candidate.email->id.value);
    expiries.AddTime(candidate.email->key_expire_time);
  }
  absl::flat_hash_set<RowKey> winners;
  for (const pqxx::row& row : transaction.Call(email_sql::kTakeKeys, tenants.Take(), keys.Take(),
                                               hashes.Take(), emails.Take(), expiries.Take())) {
    winners.emplace(Int64Of(row[0]), Int64Of(row[1]));
  }
  return winners;
}

// Replay, conflict, or our own email from a run whose COMMIT was in doubt. Returns the rows of the
// emails that were there before.
pqxx::result JudgeLosers(Transaction& transaction, Group group, const std::vector<size_t>& losers,
                         std::vector<Settled>& settled) {
  ArrayParam tenants(losers.size()), keys(losers.size(), 40);
  for (size_t i : losers) {
    tenants.AddInt(group[i].email->tenant.value);
    keys.AddText(group[i].email->idempotency_key);
    settled[i].result.error = absl::UnavailableError("the idempotency key is gone again");
  }
  ArrayParam existing_tenants, existing_emails;
  for (const pqxx::row& row : transaction.Call(email_sql::kReadKeys, tenants.Take(), keys.Take())) {
    const size_t i = losers[static_cast<size_t>(Int64Of(row[0])) - 1];
    const NewEmail& email = *group[i].email;
    settled[i].holder = EmailId{Int64Of(row[1])};
    settled[i].holder_hash = BytesOf(row[2]);
    AcceptResult& result = settled[i].result;
    result.error = absl::OkStatus();
    if (settled[i].holder_hash != email.request_hash) {
      result.kind = AcceptResult::Kind::kConflict;
      continue;
    }
    result.kind = settled[i].holder == email.id ? AcceptResult::Kind::kAccepted
                                                : AcceptResult::Kind::kReplayed;
    existing_tenants.AddInt(email.tenant.value);
    existing_emails.AddInt(settled[i].holder.value);
  }
  return FindEmailsById(transaction, existing_tenants.Take(), existing_emails.Take());
}

pqxx::result InsertRows(Transaction& transaction, Group group, const std::vector<size_t>& winners) {
  const size_t n = winners.size();
  using Type = ElementType;
  BinaryArray tenants(Type::kBigint, n), ids(Type::kBigint, n), lanes(Type::kSmallint, n),
      tests(Type::kBoolean, n), versions(Type::kInteger, n), sends(Type::kTimestamptz, n),
      expiries(Type::kTimestamptz, n), creates(Type::kTimestamptz, n),
      categories(Type::kText, n, 16), templates(Type::kText, n, 16), users(Type::kText, n, 16),
      from_addresses(Type::kText, n, 26), from_names(Type::kText, n, 16), keys(Type::kText, n, 36),
      metadata(Type::kText, n, 36), traces(Type::kText, n, 55), hashes(Type::kBytea, n, 32),
      recipients(Type::kBytea, n, 64), contents(Type::kBytea, n, 600), marks(Type::kBigint, n),
      chunks(Type::kBigint, n);
  std::vector<const NewEmail*> accepted;
  accepted.reserve(n);
  for (size_t i : winners) accepted.push_back(group[i].email);
  for (const absl::optional<int64_t>& chunk : AssignChunks(accepted)) chunks.AddInt(chunk);
  for (size_t i : winners) {
    const Candidate& candidate = group[i];
    const NewEmail& email = *candidate.email;
    tenants.AddInt(email.tenant.value);
    ids.AddInt(email.id.value);
    lanes.AddInt(static_cast<int64_t>(email.lane));
    tests.AddBool(email.test);
    versions.AddInt(email.template_version);
    sends.AddTime(email.send_time);
    expiries.AddTime(email.expire_time);
    creates.AddTime(email.create_time);
    categories.AddText(email.category);
    templates.AddText(email.template_key);
    users.AddText(email.user_id);
    from_addresses.AddText(email.from_address);
    from_names.AddText(email.from_name);
    keys.AddText(email.idempotency_key);
    metadata.AddText(MetadataToJson(email.metadata));
    traces.AddText(email.traceparent);
    hashes.AddBytes(candidate.recipient_hash);
    recipients.AddBytes(candidate.recipient_sealed);
    contents.AddBytes(candidate.content_sealed);
    marks.AddInt(candidate.recipient_mark);
  }
  return transaction.Call(email_sql::kInsertEmails, tenants.Take(), ids.Take(), lanes.Take(),
                          tests.Take(), versions.Take(), sends.Take(), expiries.Take(),
                          creates.Take(), categories.Take(), templates.Take(), users.Take(),
                          from_addresses.Take(), from_names.Take(), keys.Take(), metadata.Take(),
                          traces.Take(), hashes.Take(), recipients.Take(), contents.Take(),
                          marks.Take(), chunks.Take());
}

void Insert(Transaction& transaction, Group group, const std::vector<size_t>& winners,
            std::vector<Settled>& settled) {
  absl::flat_hash_map<RowKey, size_t> position;
  for (size_t i : winners) {
    const NewEmail& email = *group[i].email;
    position[KeyOf(email)] = i;
    settled[i].holder = email.id;
    settled[i].holder_hash = email.request_hash;
    settled[i].result.kind = AcceptResult::Kind::kAccepted;
  }
  for (const pqxx::row& row : InsertRows(transaction, group, winners)) {
    AcceptResult& result = settled[position.at({Int64Of(row[0]), Int64Of(row[1])})].result;
    result.state = static_cast<EmailState>(IntOf(row[2]));
    result.state_reason = TextOf(row[3]);
  }
}

}  // namespace

// A group's transaction: what it knows of each candidate, and the rows of earlier emails.
struct Acceptance::Outcome {
  std::vector<Settled> settled;
  pqxx::result existing;
};

absl::StatusOr<std::vector<Settled>> Acceptance::Run(Group group) {
  absl::StatusOr<Outcome> outcome = RunDespiteBrokenLinks(group);
  if (outcome.ok()) return Settle(group, *std::move(outcome));
  if (!IsRowError(outcome.status())) return StoreError(outcome.status());
  if (group.size() == 1) {
    Settled refused;
    refused.result.error = outcome.status();
    return std::vector<Settled>{std::move(refused)};
  }
  std::vector<Settled> settled;
  for (Group half : {group.first(group.size() / 2), group.subspan(group.size() / 2)}) {
    absl::StatusOr<std::vector<Settled>> part = Run(half);
    if (!part.ok()) {
      // The other half may be durable already: only these are unknown.
      Settled unknown;
      unknown.result.error = part.status();
      part = std::vector<Settled>(half.size(), unknown);
    }
    std::move(part->begin(), part->end(), std::back_inserter(settled));
  }
  return settled;
}

// A group that is run again meets its own keys where the lost run was committed.
absl::StatusOr<Acceptance::Outcome> Acceptance::RunDespiteBrokenLinks(Group group) {
  std::set<TenantId> tenants;
  for (const Candidate& candidate : group) tenants.insert(candidate.email->tenant);
  const TransactionOptions options = {.role = DatabaseRole::kApi,
                                      .tenants = {tenants.begin(), tenants.end()},
                                      .read_only = false,
                                      .name = "accept_emails"};
  const auto run = [&](Transaction& transaction) -> absl::StatusOr<Outcome> {
    Outcome outcome;
    outcome.settled.resize(group.size());
    const absl::flat_hash_set<RowKey> won = TakeKeys(transaction, group);
    std::vector<size_t> winners, losers;
    for (size_t i = 0; i < group.size(); ++i) {
      (won.count(KeyOf(*group[i].email)) > 0 ? winners : losers).push_back(i);
    }
    if (!losers.empty()) {
      outcome.existing = JudgeLosers(transaction, group, losers, outcome.settled);
    }
    if (!winners.empty()) Insert(transaction, group, winners, outcome.settled);
    return outcome;
  };
  const absl::Time start = SteadyNow();
  for (int repeats = 0;; ++repeats) {
    absl::StatusOr<Outcome> outcome = RunTransaction(pool_, options, run);
    const bool broken = IsInDoubt(outcome.status()) || absl::IsUnavailable(outcome.status());
    if (!broken || repeats == kRepeatsMax || SteadyNow() - start > kRepeatWindow) return outcome;
  }
}

absl::StatusOr<std::vector<Settled>> Acceptance::Settle(Group group, Outcome outcome) {
  absl::StatusOr<std::vector<EmailRecord>> records = RecordsOf(outcome.existing, keys_);
  if (!records.ok()) return StoreError(records.status());
  if (records->empty()) return std::move(outcome.settled);
  std::map<RowKey, const EmailRecord*> by_key;
  for (const EmailRecord& record : *records) {
    by_key[{record.tenant.value, record.id.value}] = &record;
  }
  for (size_t i = 0; i < group.size(); ++i) {
    const auto found = by_key.find({group[i].email->tenant.value, outcome.settled[i].holder.value});
    if (found == by_key.end()) continue;
    AcceptResult& result = outcome.settled[i].result;
    if (result.kind == AcceptResult::Kind::kReplayed) {
      result.existing = std::make_shared<const EmailRecord>(*found->second);
    } else if (result.kind == AcceptResult::Kind::kAccepted) {
      result.state = found->second->state;
      result.state_reason = found->second->state_reason;
    }
  }
  return std::move(outcome.settled);
}

}  // namespace herald::storage

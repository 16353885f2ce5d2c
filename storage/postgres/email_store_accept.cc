// Acceptance: sealing, and duplicates within one call.

#include <algorithm>
#include <map>
#include <numeric>
#include <string>
#include <tuple>
#include <utility>

#include "storage/postgres/array_param.h"
#include "storage/postgres/email_acceptance.h"
#include "storage/postgres/email_query.h"
#include "storage/postgres/email_rows.h"
#include "storage/postgres/email_store.h"
#include "storage/postgres/transaction.h"

namespace herald::storage {
namespace {

// Text columns cannot hold a NUL byte, and an array that contains one would fail whole.
bool HoldsNul(const NewEmail& email) {
  for (const std::string* text :
       {&email.idempotency_key, &email.category, &email.template_key, &email.user_id,
        &email.from_address, &email.from_name, &email.traceparent}) {
    if (text->find('\0') != std::string::npos) return true;
  }
  return false;
}

absl::StatusOr<Candidate> Prepare(const NewEmail& email, TenantKeys& keys) {
  if (HoldsNul(email)) return absl::InvalidArgumentError("a text field holds a NUL byte");
  const absl::StatusOr<std::shared_ptr<const TenantCipher>> cipher = keys.For(email.tenant);
  if (!cipher.ok()) return cipher.status();
  const absl::StatusOr<int64_t> mark = keys.MarkOf(email.recipient_normalised);
  if (!mark.ok()) return mark.status();
  return Candidate{
      .email = &email,
      .recipient_hash = (*cipher)->LookupHash(email.recipient_normalised),
      .recipient_sealed = (*cipher)->Seal(kRecipientField, email.id.value, email.recipient),
      .content_sealed = (*cipher)->Seal(kContentField, email.id.value, email.content),
      .recipient_mark = *mark};
}

// The emails of a call by key: the first of a key stands for all, which then follow it.
struct Folded {
  std::vector<Candidate> candidates;  // sorted by (tenant, key)
  std::vector<size_t> leaders;        // the email of each candidate
  struct Follower {
    size_t email = 0;
    size_t candidate = 0;
  };
  std::vector<Follower> followers;
};

// Emails that cannot be prepared are refused in `results` and lead nobody.
Folded Fold(absl::Span<const NewEmail> emails, TenantKeys& keys,
            std::vector<AcceptResult>& results) {
  std::vector<size_t> order(emails.size());
  std::iota(order.begin(), order.end(), size_t{0});
  const auto key = [&](size_t i) { return std::tie(emails[i].tenant, emails[i].idempotency_key); };
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return key(a) < key(b); });
  Folded folded;
  for (size_t i : order) {
    if (!folded.leaders.empty() && key(folded.leaders.back()) == key(i)) {
      folded.followers.push_back({i, folded.leaders.size() - 1});
      continue;
    }
    absl::StatusOr<Candidate> candidate = Prepare(emails[i], keys);
    if (!candidate.ok()) {
      results[i].error = StoreError(candidate.status());
      continue;
    }
    folded.candidates.push_back(*std::move(candidate));
    folded.leaders.push_back(i);
  }
  return folded;
}

using Records = absl::StatusOr<std::vector<EmailRecord>>;

Records ReadHolders(ConnectionPool& pool, TenantKeys& keys, absl::Span<const NewEmail> emails,
                    const Folded& folded, const std::vector<Settled>& settled) {
  TransactionOptions options = {
      .role = DatabaseRole::kApi, .tenants = {}, .read_only = true, .name = "read_key_holders"};
  ArrayParam tenants, ids;
  for (const Folded::Follower& follower : folded.followers) {
    options.tenants.push_back(emails[follower.email].tenant);
    tenants.AddInt(emails[follower.email].tenant.value);
    ids.AddInt(settled[follower.candidate].holder.value);
  }
  const std::string tenant_array = tenants.Take(), id_array = ids.Take();
  const absl::StatusOr<pqxx::result> rows =
      RunTransaction(pool, options, [&](Transaction& transaction) -> absl::StatusOr<pqxx::result> {
        return FindEmailsById(transaction, tenant_array, id_array);
      });
  if (!rows.ok()) return StoreError(rows.status());
  return RecordsOf(*rows, keys);
}

// What a follower is told, by who holds the key it shares.
AcceptResult Follow(const NewEmail& email, const Settled& leader, const Records& holders) {
  AcceptResult result;
  if (leader.holder_hash != email.request_hash) {
    result.kind = AcceptResult::Kind::kConflict;
    return result;
  }
  if (!holders.ok()) {
    result.error = holders.status();
    return result;
  }
  result.kind = AcceptResult::Kind::kReplayed;
  for (const EmailRecord& record : *holders) {
    if (record.tenant == email.tenant && record.id == leader.holder) {
      result.existing = std::make_shared<const EmailRecord>(record);
    }
  }
  return result;
}

}  // namespace

absl::StatusOr<std::vector<AcceptResult>> PostgresEmailStore::AcceptEmails(
    absl::Span<const NewEmail> emails) {
  std::vector<AcceptResult> results(emails.size());
  const Folded folded = Fold(emails, keys_, results);
  if (folded.candidates.empty()) return results;
  absl::StatusOr<std::vector<Settled>> settled = Acceptance(pool_, keys_).Run(folded.candidates);
  if (!settled.ok()) return settled.status();
  if (folded.followers.empty()) {
    for (size_t k = 0; k < settled->size(); ++k) {
      results[folded.leaders[k]] = std::move((*settled)[k].result);
    }
    return results;
  }
  for (size_t k = 0; k < settled->size(); ++k) results[folded.leaders[k]] = (*settled)[k].result;

  const Records holders = ReadHolders(pool_, keys_, emails, folded, *settled);
  std::vector<NewEmail> again;  // those whose leader was refused try for themselves
  std::vector<size_t> again_index;
  for (const Folded::Follower& follower : folded.followers) {
    const Settled& leader = (*settled)[follower.candidate];
    if (leader.result.kind == AcceptResult::Kind::kRefused) {
      again.push_back(emails[follower.email]);
      again_index.push_back(follower.email);
    } else {
      results[follower.email] = Follow(emails[follower.email], leader, holders);
    }
  }
  if (again.empty()) return results;
  absl::StatusOr<std::vector<AcceptResult>> retried = AcceptEmails(again);
  for (size_t k = 0; k < again.size(); ++k) {
    if (retried.ok()) {
      results[again_index[k]] = std::move((*retried)[k]);
    } else {
      results[again_index[k]].error = retried.status();
    }
  }
  return results;
}

}  // namespace herald::storage

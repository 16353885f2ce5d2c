#include "storage/postgres/rate_limit_store.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "storage/crypto/sha256.h"
#include "storage/postgres/array_param.h"
#include "storage/postgres/email_rows.h"
#include "storage/postgres/rate_limit_sql.h"
#include "storage/postgres/transaction.h"

namespace herald::storage {
namespace {

// A bucket that was pruned between its insertion and its lock is inserted again.
constexpr int kLockTries = 3;

using Key = std::tuple<int64_t, int, std::string>;

Key KeyOf(const LimitBucket& bucket) {
  return {bucket.tenant.value, static_cast<int>(bucket.scope), bucket.key};
}

// Equal on every replica and in every release: it is stored with parked emails.
int64_t FingerprintOf(const LimitBucket& bucket) {
  const std::string digest = Sha256(
      absl::StrCat(bucket.tenant.value, "\n", static_cast<int>(bucket.scope), "\n", bucket.key));
  uint64_t number = 0;
  for (size_t i = 0; i < sizeof(number); ++i) {
    number = number << 8 | static_cast<unsigned char>(digest[i]);
  }
  return static_cast<int64_t>(number);
}

struct KeyArrays {
  std::string tenants, scopes, keys;
};

// A transaction's locked buckets, each read and written once.
class LockedBuckets {
 public:
  void Want(const LimitBucket& bucket) { paces_.emplace(KeyOf(bucket), bucket.pace); }
  void Want(absl::Span<const SlotRequest> requests) {
    for (const SlotRequest& request : requests) {
      for (const LimitBucket& bucket : request.buckets) Want(bucket);
    }
  }

  absl::Status Lock(Transaction& transaction);
  void Save(Transaction& transaction);

  RateBucket& Of(const LimitBucket& bucket) { return buckets_.at(KeyOf(bucket)); }
  // The database's clock when everything was locked.
  absl::Time now() const { return now_; }

 private:
  KeyArrays Keys() const;

  std::map<Key, Pace> paces_;  // sorted: all transactions lock in this order
  std::map<Key, RateBucket> buckets_;
  absl::Time now_ = absl::InfinitePast();
};

KeyArrays LockedBuckets::Keys() const {
  ArrayParam tenants(paces_.size()), scopes(paces_.size()), keys(paces_.size(), 24);
  for (const auto& [key, pace] : paces_) {
    tenants.AddInt(std::get<0>(key));
    scopes.AddInt(std::get<1>(key));
    keys.AddText(std::get<2>(key));
  }
  return {tenants.Take(), scopes.Take(), keys.Take()};
}

absl::Status LockedBuckets::Lock(Transaction& transaction) {
  const KeyArrays keys = Keys();
  for (int i = 0; i < kLockTries; ++i) {
    transaction.Exec(rate_limit_sql::kEnsure, keys.tenants, keys.scopes, keys.keys);
    const pqxx::result rows =
        transaction.Exec(rate_limit_sql::kLock, keys.tenants, keys.scopes, keys.keys);
    if (rows.size() < paces_.size()) continue;
    auto next = paces_.begin();
    int64_t position = 1;
    for (const pqxx::row& row : rows) {
      for (; position < Int64Of(row[0]); ++position) ++next;
      buckets_.emplace(next->first, RateBucket(next->second, IntArrayOf(row[1])));
      now_ = std::max(now_, TimeOf(row[2]));
    }
    return absl::OkStatus();
  }
  return absl::UnavailableError("buckets were pruned while they were locked");
}

void LockedBuckets::Save(Transaction& transaction) {
  ArrayParam tenants, scopes, keys, states(0, 200), idle_times;
  bool any = false;
  for (const auto& [key, bucket] : buckets_) {
    if (!bucket.changed()) continue;
    any = true;
    tenants.AddInt(std::get<0>(key));
    scopes.AddInt(std::get<1>(key));
    keys.AddText(std::get<2>(key));
    states.AddText(absl::StrCat("{", absl::StrJoin(bucket.state(), ","), "}"));
    idle_times.AddTime(bucket.idle_time());
  }
  if (!any) return;
  transaction.Exec(rate_limit_sql::kSave, tenants.Take(), scopes.Take(), keys.Take(), states.Take(),
                   idle_times.Take());
}

// What holds the email up, if anything does; `slot` is set then.
const LimitBucket* FindBusy(const SlotRequest& request, LockedBuckets& locked, SlotAnswer& answer) {
  const absl::Time now = locked.now();
  for (const LimitBucket& limit : request.buckets) {
    RateBucket& bucket = locked.Of(limit);
    const bool held = !answer.held.empty() &&
                      std::count(answer.held.begin(), answer.held.end(), FingerprintOf(limit)) > 0;
    if (held) {
      const absl::optional<absl::Time> moved = bucket.Redeem(request.lane, now);
      if (!moved.has_value() || *moved <= now) continue;
      answer.slot = *moved;
      return &limit;
    }
    answer.slot = bucket.SlotOf(request.lane, now);
    if (answer.slot <= now) continue;
    if (answer.slot <= request.expire_time) {
      bucket.Book(request.lane, now);
      answer.held.push_back(FingerprintOf(limit));
    }
    return &limit;
  }
  return nullptr;
}

SlotAnswer AnswerTo(const SlotRequest& request, LockedBuckets& locked) {
  SlotAnswer answer;
  answer.held = request.held;
  if (const LimitBucket* busy = FindBusy(request, locked, answer); busy != nullptr) {
    answer.go = false;
    answer.limit = busy->scope;
    answer.delay = answer.slot - locked.now();
    return answer;
  }
  for (const LimitBucket& limit : request.buckets) {
    if (!answer.held.empty() &&
        std::count(answer.held.begin(), answer.held.end(), FingerprintOf(limit)) > 0) {
      continue;
    }
    locked.Of(limit).Take(request.lane, locked.now());
  }
  return answer;
}

TransactionOptions Engine(const char* name) {
  return {.role = DatabaseRole::kEngine, .tenants = {}, .read_only = false, .name = name};
}

}  // namespace

absl::StatusOr<std::vector<SlotAnswer>> PostgresRateLimitStore::Reserve(
    absl::Span<const SlotRequest> requests) {
  using Answers = absl::StatusOr<std::vector<SlotAnswer>>;
  Answers answers =
      RunTransaction(pool_, Engine("reserve_slots"), [&](Transaction& transaction) -> Answers {
        LockedBuckets locked;
        locked.Want(requests);
        if (absl::Status status = locked.Lock(transaction); !status.ok()) return status;
        std::vector<SlotAnswer> told;
        told.reserve(requests.size());
        for (const SlotRequest& request : requests) told.push_back(AnswerTo(request, locked));
        locked.Save(transaction);
        return told;
      });
  if (!answers.ok()) return StoreError(answers.status());
  return answers;
}

absl::StatusOr<bool> PostgresRateLimitStore::ReserveTogether(
    absl::Span<const SlotRequest> requests) {
  absl::StatusOr<bool> go = RunTransaction(
      pool_, Engine("reserve_together"), [&](Transaction& transaction) -> absl::StatusOr<bool> {
        LockedBuckets locked;
        locked.Want(requests);
        if (absl::Status status = locked.Lock(transaction); !status.ok()) return status;
        for (const SlotRequest& request : requests) {
          // What was taken and booked so far is not saved.
          if (!AnswerTo(request, locked).go) return false;
        }
        locked.Save(transaction);
        return true;
      });
  if (!go.ok()) return StoreError(go.status());
  return go;
}

absl::StatusOr<TokenLease> PostgresRateLimitStore::LeaseTokens(const LimitBucket& bucket, int need,
                                                               int want) {
  using Result = absl::StatusOr<TokenLease>;
  const TransactionOptions options{.role = DatabaseRole::kApi,
                                   .tenants = {bucket.tenant},
                                   .read_only = false,
                                   .name = "lease_tokens"};
  Result lease = RunTransaction(pool_, options, [&](Transaction& transaction) -> Result {
    LockedBuckets locked;
    locked.Want(bucket);
    if (absl::Status status = locked.Lock(transaction); !status.ok()) return status;
    const RateBucket::Grant grant = locked.Of(bucket).TakeUpTo(need, want, locked.now());
    locked.Save(transaction);
    return TokenLease{grant.tokens, grant.wait};
  });
  if (!lease.ok()) return StoreError(lease.status());
  return lease;
}

absl::StatusOr<absl::Time> PostgresRateLimitStore::WarmUpStart(TenantId tenant,
                                                               absl::string_view sender_domain) {
  using Result = absl::StatusOr<absl::Time>;
  Result start =
      RunTransaction(pool_, Engine("warm_up_start"), [&](Transaction& transaction) -> Result {
        transaction.Exec(rate_limit_sql::kBeginWarmUp, tenant, sender_domain);
        const pqxx::result rows =
            transaction.Exec(rate_limit_sql::kWarmUpStart, tenant, sender_domain);
        if (rows.empty()) return absl::NotFoundError("the domain's warm-up");
        return TimeOf(rows[0][0]);
      });
  if (!start.ok()) return StoreError(start.status());
  return start;
}

absl::StatusOr<int> PostgresRateLimitStore::PruneIdle(int limit) {
  absl::StatusOr<int> pruned = RunTransaction(
      pool_, Engine("prune_buckets"), [&](Transaction& transaction) -> absl::StatusOr<int> {
        return static_cast<int>(transaction.Exec(rate_limit_sql::kPrune, limit).affected_rows());
      });
  if (!pruned.ok()) return StoreError(pruned.status());
  return pruned;
}

}  // namespace herald::storage

#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "model/ids.h"
#include "storage/crypto/master_keys.h"
#include "storage/crypto/tenant_cipher.h"
#include "storage/postgres/connection_pool.h"

namespace herald::storage {

class Transaction;

// What the keys of a tenant are for; the numbers of herald.tenant_keys.purpose.
enum class KeyPurpose : int { kSealing = 1, kLookup = 2 };

// Tenants' keys: loaded, unwrapped, and kept for a minute, after which an erased tenant's values no
// longer open here; for longer only while the database does not answer. Thread-safe, blocking.
class TenantKeys {
 public:
  using Clock = std::function<absl::Time()>;
  // `pool` and `master` outlive this.
  TenantKeys(ConnectionPool& pool, const MasterKeys& master, Clock clock = absl::Now);

  // kNotFound: the tenant has no keys (there is no such tenant, or it was erased).
  // kFailedPrecondition: its master key is not configured. kDataLoss: a key was changed.
  // kUnavailable: the database is away. Takes a connection of the pool when it has to load: never
  // call it from within a transaction.
  absl::StatusOr<std::shared_ptr<const TenantCipher>> For(TenantId tenant);

  // Makes the next For load again: when Open answered kNotFound, a key may have been added since.
  void Forget(TenantId tenant);

  // By which a normalised address is found in herald.global_suppressions: the same for every
  // tenant, kept with no email. Creates the service's own keys when there are none. Errors and
  // connection as For.
  absl::StatusOr<int64_t> MarkOf(absl::string_view normalised_address);
  // The service's own keys, as if it were a tenant.
  absl::StatusOr<std::shared_ptr<const TenantCipher>> ForService();

  // Writes the first keys of a new tenant, as part of the transaction that creates it.
  void Create(Transaction& transaction, TenantId tenant) const;

 private:
  struct Entry {
    std::shared_ptr<const TenantCipher> cipher;
    absl::Time load_time;
  };
  absl::StatusOr<std::shared_ptr<const TenantCipher>> Load(TenantId tenant);

  // Constant after construction.
  ConnectionPool& pool_;
  const MasterKeys& master_;
  const Clock clock_;

  absl::Mutex mu_;
  absl::flat_hash_map<TenantId, Entry> cache_ ABSL_GUARDED_BY(mu_);
  // Until then all that is known serves, however old, since the database did not answer.
  absl::Time ask_again_ ABSL_GUARDED_BY(mu_) = absl::InfinitePast();
};

}  // namespace herald::storage

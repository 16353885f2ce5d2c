#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "model/steady_time.h"
#include "server/identity/caller.h"
#include "server/identity/lru_map.h"
#include "server/identity/token.h"
#include "storage/tenant_store.h"

namespace herald::identity {

struct AuthenticatorOptions {
  std::vector<Digest> operator_tokens;  // hashes of whole tokens, see ParseServiceToken
  std::vector<Digest> sidecar_tokens;
  // A proven token is believed for so long: the bound on how late a revocation, a suspension or a
  // change of the tenant takes effect.
  absl::Duration ttl = absl::Seconds(2);
  // From this age on a hit asks to be refreshed, so that a busy token never waits for the database.
  absl::Duration refresh_after = absl::Seconds(1);
  // While the database is away, proven tokens are believed for so long: callers are then told that
  // the database is away (UNAVAILABLE), not that they are unknown.
  absl::Duration stale_max = absl::Seconds(60);
  // How long a refusal is remembered.
  absl::Duration refusal_ttl = absl::Seconds(1);
  size_t callers_max = 10'000;
  size_t refusals_max = 10'000;
};

// Who holds a token. Thread-safe. Errors carry their details: UNAUTHENTICATED (TOKEN_MISSING,
// TOKEN_INVALID, TOKEN_EXPIRED), PERMISSION_DENIED (TENANT_SUSPENDED), UNAVAILABLE.
//
// The cache is keyed by the token's SHA-256: it holds no secret, and a look-up's time tells
// nothing about known tokens.
class Authenticator {
 public:
  using Clock = std::function<absl::Time()>;
  using Result = absl::StatusOr<std::shared_ptr<const Caller>>;
  struct Hit {
    Result result;
    bool refresh = false;  // answered once per refresh: call Load soon, on a thread that may block
  };

  // `store` outlives this. `clock` tells when a token has expired, and nothing else: how long an
  // answer is believed goes by `steady`, whatever happens to a clock that somebody sets.
  Authenticator(storage::TenantStore& store, AuthenticatorOptions options, Clock clock,
                Clock steady = SteadyNow);

  // Never blocks. nullopt: ask Load.
  absl::optional<Hit> TryCached(absl::string_view token);
  // Asks the database. Blocks.
  Result Load(absl::string_view token);

 private:
  struct Entry {
    std::shared_ptr<const Caller> caller;
    absl::Time expire_time;     // by clock_; the others by steady_
    absl::Time proven_at;       // when the look-up that proved it began
    absl::Time believed_until;  // TryCached answers until then
    absl::Time refresh_at;
  };
  struct Refusal {
    absl::Status status;
    absl::Time until;
  };

  std::shared_ptr<const Caller> ServiceCaller(const Digest& digest) const;
  Result Prove(const ParsedToken& parsed, Entry& entry);
  Result Remember(const Digest& digest, Result result, Entry entry);

  // Constant after construction.
  storage::TenantStore& store_;
  const AuthenticatorOptions options_;
  const Clock clock_;
  const Clock steady_;
  const std::shared_ptr<const Caller> operator_;
  const std::shared_ptr<const Caller> sidecar_;

  absl::Mutex mu_;
  LruMap<Entry> callers_ ABSL_GUARDED_BY(mu_);
  // Apart from the callers, so that nobody can push those out by guessing.
  LruMap<Refusal> refusals_ ABSL_GUARDED_BY(mu_);
};

}  // namespace herald::identity

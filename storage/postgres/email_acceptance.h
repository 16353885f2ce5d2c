#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "storage/email_store.h"
#include "storage/postgres/connection_pool.h"
#include "storage/postgres/tenant_keys.h"

namespace herald::storage {

// An email ready to be written. `email` is not owned.
struct Candidate {
  const NewEmail* email = nullptr;
  std::string recipient_hash;
  std::string recipient_sealed;
  std::string content_sealed;
  int64_t recipient_mark = 0;  // see TenantKeys::MarkOf
};

// What became of a candidate, and who holds its key: unset when it was refused.
struct Settled {
  AcceptResult result;
  EmailId holder;
  std::string holder_hash;
};

// Makes candidates durable. Not within a transaction.
class Acceptance {
 public:
  // Both must outlive it.
  Acceptance(ConnectionPool& pool, TenantKeys& keys) : pool_(pool), keys_(keys) {}

  // Result i is for group[i]; the group is sorted by (tenant, key), each key once. A row that the
  // database refuses is separated from its neighbours by halving the group. kUnavailable: nothing
  // is known to be durable.
  absl::StatusOr<std::vector<Settled>> Run(absl::Span<const Candidate> group);

 private:
  struct Outcome;
  absl::StatusOr<Outcome> RunDespiteBrokenLinks(absl::Span<const Candidate> group);
  absl::StatusOr<std::vector<Settled>> Settle(absl::Span<const Candidate> group, Outcome outcome);

  ConnectionPool& pool_;
  TenantKeys& keys_;
};

}  // namespace herald::storage

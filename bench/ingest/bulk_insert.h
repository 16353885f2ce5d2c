#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace herald::bench {

// What the database alone can take: the rows that heraldd writes for one email, already sealed,
// inserted by heraldd's own statements in groups of 500 over two connections, as the superuser, so
// that no policy is checked.
class BulkInsert {
 public:
  // Takes everything but keys, ids, users, hashes and times from the email that heraldd stored
  // under the idempotency key `sample`. `run` tells the keys from those of others.
  static absl::StatusOr<std::unique_ptr<BulkInsert>> Create(const std::string& dsn,
                                                            const std::string& sample,
                                                            std::string run);
  ~BulkInsert();

  // Rows per second, after a warm-up.
  absl::StatusOr<double> Run(absl::Duration warm_up, absl::Duration duration);

 private:
  class Impl;
  explicit BulkInsert(std::unique_ptr<Impl> impl);
  const std::unique_ptr<Impl> impl_;
};

}  // namespace herald::bench

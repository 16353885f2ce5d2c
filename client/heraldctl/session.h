#pragma once

#include <iosfwd>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "client/herald_client.h"
#include "client/heraldctl/connection_options.h"

namespace herald::heraldctl {

// Flags that stand before or after any command.
struct GlobalFlags {
  ConnectionFlags connection;
  bool json = false;
};

// One run of one command: where it talks to and where it prints.
class Session {
 public:
  // `flags` and the streams must outlive the session.
  Session(const GlobalFlags& flags, Environment environment, std::ostream& out, std::ostream& err);

  // A client with the tenant's token, with the operator's token, or without any. UsageError when
  // the token or the address is missing. Valid until the next call of any of the three.
  absl::StatusOr<const client::Client*> ForTenant();
  absl::StatusOr<const client::Client*> ForOperator();
  absl::StatusOr<const client::Client*> WithoutToken();

  std::ostream& out() { return out_; }
  std::ostream& err() { return err_; }
  bool json() const { return flags_.json; }
  absl::Time now() const;

 private:
  enum class Who { kTenant, kOperator, kNobody };
  absl::StatusOr<const client::Client*> Connect(Who who);

  const GlobalFlags& flags_;
  const Environment environment_;
  std::ostream& out_;
  std::ostream& err_;
  absl::optional<client::Client> client_;
};

}  // namespace herald::heraldctl

#pragma once

#include <grpcpp/impl/service_type.h>

#include "server/rpc/method_set.h"

namespace herald::rpc {

// One service of the API, as the server mounts it.
class Served {
 public:
  virtual ~Served() = default;
  // Full name, e.g. "herald.v1.EmailService".
  virtual const char* name() const = 0;
  virtual grpc::Service& grpc_service() = 0;
  virtual const MethodSet& methods() const = 0;
};

}  // namespace herald::rpc

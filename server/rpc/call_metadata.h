#pragma once

#include <grpcpp/server_context.h>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace herald::rpc {

// What a caller sends beside the request. The views live as long as `context`.

// The token of `authorization: Bearer <token>`, or empty.
absl::string_view BearerToken(const grpc::ServerContextBase& context);
// `traceparent`, or empty when there is none or it is malformed.
absl::string_view TraceParent(const grpc::ServerContextBase& context);
// InfiniteFuture when the caller set none.
absl::Time Deadline(const grpc::ServerContextBase& context);

// W3C Trace Context, version 00: "00-<32 hex>-<16 hex>-<2 hex>" in lower case, neither id zero.
bool IsTraceParent(absl::string_view text);

}  // namespace herald::rpc

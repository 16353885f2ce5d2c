#include "server/rpc/wire_status.h"

#include "server/status/status_details.h"

namespace herald::rpc {

google::rpc::Status ToRpcStatus(const absl::Status& status) {
  google::rpc::Status wire;
  if (status.ok()) return wire;
  const absl::Status detailed = FromStorage(status);
  wire.set_code(static_cast<int>(detailed.code()));
  wire.set_message(std::string(detailed.message()));
  detailed.ForEachPayload([&wire](absl::string_view url, const absl::Cord& payload) {
    if (!IsPublicDetail(url)) return;
    google::protobuf::Any* detail = wire.add_details();
    detail->set_type_url(std::string(url));
    detail->set_value(std::string(payload));
  });
  return wire;
}

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  const google::rpc::Status wire = ToRpcStatus(status);
  return grpc::Status(static_cast<grpc::StatusCode>(wire.code()), wire.message(),
                      wire.SerializeAsString());
}

}  // namespace herald::rpc

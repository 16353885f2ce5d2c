#include "tests/unit/rpc/server_fixture.h"

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace herald::rpc {
namespace {

google::rpc::Status Details(const grpc::Status& status) {
  google::rpc::Status details;
  EXPECT_TRUE(details.ParseFromString(status.error_details()));
  EXPECT_EQ(details.code(), static_cast<int>(status.error_code()));
  return details;
}

}  // namespace

std::string Reason(const grpc::Status& status) {
  int found = 0;
  google::rpc::ErrorInfo info;
  const google::rpc::Status details = Details(status);
  for (const auto& detail : details.details()) {
    if (detail.UnpackTo(&info)) ++found;
  }
  EXPECT_EQ(found, 1) << status.error_message();
  EXPECT_EQ(info.domain(), "herald");
  return info.reason();
}

std::map<std::string, std::string> Metadata(const grpc::Status& status) {
  google::rpc::ErrorInfo info;
  const google::rpc::Status details = Details(status);
  for (const auto& detail : details.details()) {
    if (detail.UnpackTo(&info)) return {info.metadata().begin(), info.metadata().end()};
  }
  return {};
}

std::vector<std::string> Fields(const grpc::Status& status) {
  std::vector<std::string> fields;
  google::rpc::BadRequest bad;
  const google::rpc::Status details = Details(status);
  for (const auto& detail : details.details()) {
    if (!detail.UnpackTo(&bad)) continue;
    for (const auto& violation : bad.field_violations()) fields.push_back(violation.field());
  }
  return fields;
}

}  // namespace herald::rpc

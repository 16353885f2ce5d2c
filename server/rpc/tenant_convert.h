#pragma once

#include <string>
#include <vector>

#include "google/protobuf/repeated_ptr_field.h"
#include "herald/v1/tenant_service.pb.h"
#include "server/rpc/request_check.h"
#include "storage/tenant_store.h"

namespace herald::rpc {

// Lower-case A-labels, without repeats.
std::vector<std::string> ToDomains(absl::string_view field,
                                   const google::protobuf::RepeatedPtrField<std::string>& texts,
                                   RequestCheck& check);
// Id and secret hash are left to the caller.
storage::ApiToken ToApiToken(const v1::CreateApiTokenRequest& request, absl::Time now,
                             RequestCheck& check);

void ToProto(const storage::Tenant& tenant, v1::Tenant& message);
void ToProto(const storage::ApiToken& token, v1::ApiToken& message);
void ToProto(const storage::AuditEntry& entry, v1::AuditEntry& message);
void ToProto(const storage::LaneLedger& ledger, v1::LaneLedger& message);

}  // namespace herald::rpc

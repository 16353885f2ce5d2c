#pragma once

#include "herald/v1/tenant_service.pb.h"
#include "server/rpc/request_check.h"
#include "storage/tenant_limits.h"

namespace herald::rpc {

storage::TenantLimits ToTenantLimits(const v1::TenantLimits& message, RequestCheck& check);
void ToProto(const storage::TenantLimits& limits, v1::TenantLimits& message);

}  // namespace herald::rpc

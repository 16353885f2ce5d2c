#pragma once

#include "herald/v1/route.pb.h"
#include "server/rpc/request_check.h"
#include "storage/account_health_store.h"
#include "storage/tenant_route_store.h"

namespace herald::rpc {

void ToProto(const storage::AccountReport& report, absl::Time now, v1::ProviderAccount& message);

// The tenant is left to the caller. Fields are named below "route".
storage::TenantRoute ToTenantRoute(const v1::TenantRoute& message, RequestCheck& check);
void ToProto(const storage::TenantRoute& route, v1::TenantRoute& message);

}  // namespace herald::rpc

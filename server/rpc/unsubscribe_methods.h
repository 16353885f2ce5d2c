#pragma once

#include "absl/time/time.h"
#include "herald/v1/delivery_event_service.pb.h"
#include "server/rpc/call.h"
#include "server/rpc/preference_parts.h"
#include "storage/tenant_store.h"

namespace herald::rpc {

// The methods of DeliveryEventService behind unsubscribe links. The tenant and the recipient come
// from the token.
class UnsubscribeMethods {
 public:
  // `tenants` outlives this.
  UnsubscribeMethods(const PreferenceParts& parts, storage::TenantStore& tenants,
                     std::function<absl::Time()> clock)
      : parts_(parts), tenants_(tenants), clock_(std::move(clock)) {}

  absl::Status Resolve(const Call& call, const v1::ResolveUnsubscribeTokenRequest& request,
                       v1::UnsubscribePage& response);
  absl::Status Unsubscribe(const Call& call, const v1::UnsubscribeRequest& request,
                           v1::UnsubscribePage& response);

 private:
  absl::Status FillPage(const preferences::UnsubscribeSubject& subject,
                        const storage::Preferences& held, v1::UnsubscribePage& page);

  const PreferenceParts parts_;
  storage::TenantStore& tenants_;
  const std::function<absl::Time()> clock_;
};

}  // namespace herald::rpc

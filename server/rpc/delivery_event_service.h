#pragma once

#include "herald/v1/delivery_event_service.pb.h"
#include "server/rpc/served.h"
#include "server/rpc/unsubscribe_methods.h"
#include "storage/delivery_event_store.h"

namespace herald::rpc {

// herald.v1.DeliveryEventService, for the sidecar.
class DeliveryEventService final : public Served {
 public:
  // `store` outlives the service.
  DeliveryEventService(storage::DeliveryEventStore& store, UnsubscribeMethods unsubscribe);
  ~DeliveryEventService() override;

  const char* name() const override;
  grpc::Service& grpc_service() override;
  const MethodSet& methods() const override { return methods_; }

 private:
  class Async;

  absl::Status RecordDeliveryEvents(const Call& call,
                                    const v1::RecordDeliveryEventsRequest& request,
                                    v1::RecordDeliveryEventsResponse& response);

  storage::DeliveryEventStore& store_;
  UnsubscribeMethods unsubscribe_;
  const std::unique_ptr<Async> async_;
  MethodSet methods_;
};

}  // namespace herald::rpc

#include "server/rpc/delivery_event_service.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "herald/v1/delivery_event_service.grpc.pb.h"
#include "server/rpc/delivery_event_convert.h"

namespace herald::rpc {
namespace {

constexpr int kEventsMax = 1000;

}  // namespace

class DeliveryEventService::Async final : public v1::DeliveryEventService::AsyncService {};

DeliveryEventService::DeliveryEventService(storage::DeliveryEventStore& store,
                                           UnsubscribeMethods unsubscribe)
    : store_(store), unsubscribe_(std::move(unsubscribe)), async_(std::make_unique<Async>()) {
  methods_.Add("herald.v1.DeliveryEventService/ResolveUnsubscribeToken", *async_,
               &Async::RequestResolveUnsubscribeToken,
               std::bind_front(&UnsubscribeMethods::Resolve, &unsubscribe_));
  methods_.Add("herald.v1.DeliveryEventService/Unsubscribe", *async_, &Async::RequestUnsubscribe,
               std::bind_front(&UnsubscribeMethods::Unsubscribe, &unsubscribe_));
  methods_.Add("herald.v1.DeliveryEventService/RecordDeliveryEvents", *async_,
               &Async::RequestRecordDeliveryEvents,
               std::bind_front(&DeliveryEventService::RecordDeliveryEvents, this));
}

DeliveryEventService::~DeliveryEventService() = default;

const char* DeliveryEventService::name() const {
  return v1::DeliveryEventService::service_full_name();
}

grpc::Service& DeliveryEventService::grpc_service() { return *async_; }

absl::Status DeliveryEventService::RecordDeliveryEvents(
    const Call&, const v1::RecordDeliveryEventsRequest& request,
    v1::RecordDeliveryEventsResponse& response) {
  RequestCheck check;
  if (request.events().empty() || request.events_size() > kEventsMax) {
    check.Add("events", absl::StrCat("must have 1 to ", kEventsMax, " items"));
    return check.status();
  }
  std::vector<storage::ProviderEvent> events;
  events.reserve(static_cast<size_t>(request.events_size()));
  for (int i = 0; i < request.events_size(); ++i) {
    events.push_back(ToProviderEvent(request.events(i), absl::StrCat("events[", i, "]."), check));
  }
  if (!check.ok()) return check.status();
  const auto recorded = store_.RecordEvents(events);
  if (!recorded.ok()) return recorded.status();
  response.set_recorded_count(recorded->recorded);
  response.set_duplicate_count(recorded->duplicates);
  response.set_unmatched_count(recorded->unmatched);
  return absl::OkStatus();
}

}  // namespace herald::rpc

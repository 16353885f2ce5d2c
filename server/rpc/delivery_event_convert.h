#pragma once

#include "absl/strings/string_view.h"
#include "herald/v1/delivery_event_service.pb.h"
#include "server/rpc/request_check.h"
#include "storage/delivery_event_store.h"

namespace herald::rpc {

// `path` is put before the names of refused fields ("events[3].").
storage::ProviderEvent ToProviderEvent(const v1::DeliveryEvent& event, absl::string_view path,
                                       RequestCheck& check);

}  // namespace herald::rpc

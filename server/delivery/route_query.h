#pragma once

#include "providers/provider.h"
#include "server/delivery/router.h"
#include "storage/queue_store.h"

namespace herald::delivery {

// What `email`, rendered as `message`, asks of an account. The accounts that just failed it are
// excluded.
RouteQuery QueryFor(const storage::LeasedEmail& email, const providers::OutboundMessage& message);

}  // namespace herald::delivery

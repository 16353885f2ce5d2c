#pragma once

#include "herald/v1/email_service.pb.h"
#include "server/rpc/request_check.h"
#include "storage/email_store.h"

namespace herald::rpc {

// Adds a violation for each value that no email can have.
storage::EmailQuery ToQuery(const v1::EmailFilter& filter, RequestCheck& check);

}  // namespace herald::rpc

#pragma once

#include <string>

#include "herald/v1/email_service.pb.h"

namespace herald::acceptance {

// What CanonicalRequestHash must be, written a second time over the request's descriptor: it knows
// no field by name but the key, which is left out, so it misses none that is added.
std::string ReflectedRequestHash(const v1::SendEmailRequest& request, bool test);

}  // namespace herald::acceptance

#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "herald/v1/email_service.pb.h"

namespace herald::acceptance {

// SHA-256, 32 bytes, of what the request asks for, the idempotency key left out: equal for equal
// content, whatever the order of maps, the client's language or the release. Written down in
// docs/adr/2026-11-21-canonical-request-hash.md; the golden values in its test may never change,
// or keys that are still kept would turn into conflicts. A send with a test token differs from one
// with a live token, and one with a prefix before its subject from one without.
std::string CanonicalRequestHash(const v1::SendEmailRequest& request, bool test,
                                 absl::string_view subject_prefix = "");

}  // namespace herald::acceptance

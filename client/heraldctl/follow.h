#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/heraldctl/session.h"
#include "herald/v1/email_service.pb.h"

namespace herald::heraldctl {

// Whether an email in `state` has reached `wanted` or come past it: what was DELIVERED was SENT.
bool HasReached(v1::Email::State state, v1::Email::State wanted);

// Whether nothing more is to be expected without somebody's doing.
bool IsSettled(v1::Email::State state);

// Prints the timeline of an email as it grows until the email reaches `wanted`. kAborted when it
// settles elsewhere or `patience` runs out: the message says where it stands.
absl::Status FollowUntil(Session& session, const client::Client& client,
                         const std::string& email_id, v1::Email::State wanted,
                         absl::Duration patience);

}  // namespace herald::heraldctl

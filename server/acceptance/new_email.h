#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "herald/v1/email_service.pb.h"
#include "model/ids.h"
#include "server/acceptance/request_validation.h"
#include "server/identity/caller.h"
#include "storage/email.h"

namespace herald::acceptance {

// What an accepted email is made from. References: valid during the call only.
struct NewEmailParts {
  const identity::Caller& caller;
  const v1::SendEmailRequest& request;
  const CheckedRequest& checked;
  int template_version = 0;
  absl::string_view subject_prefix;
  absl::string_view traceparent;
  std::string unsubscribe_url;  // marketing only
  EmailId id;
  absl::Time now;
};

// The email to store: content packed, request hashed, key retention set.
storage::NewEmail BuildNewEmail(const NewEmailParts& parts);

// The same email as a reader would see it right after acceptance.
storage::EmailRecord RecordOf(storage::NewEmail email);

}  // namespace herald::acceptance

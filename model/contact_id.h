#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "model/ids.h"

namespace herald {

// A contact of a tenant. Made as email ids are, so that it tells when the contact was created.
using ContactId = Id<struct ContactTag>;

// "co_" and 13 characters, as the other ids.
std::string FormatContactId(ContactId id);
absl::optional<ContactId> ParseContactId(absl::string_view text);

// When the contact was created, to the millisecond.
absl::Time ContactIdTime(ContactId id);
// The lowest id made at `time`, or at the next millisecond when it lies between two.
ContactId FirstContactIdAt(absl::Time time);

// Makes contact ids. Safe for concurrent use; see EmailIdGenerator for `node`.
class ContactIdGenerator {
 public:
  explicit ContactIdGenerator(int node) : ids_(node) {}
  ContactId Next(absl::Time now) { return ContactId{ids_.Next(now).value}; }

 private:
  EmailIdGenerator ids_;
};

}  // namespace herald

#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "model/contact_id.h"

namespace herald::storage {

// The numbers of herald.contacts.state and of the proto.
enum class ContactState { kSubscribed = 1, kUnsubscribed = 2 };

// A contact to be written, every field checked.
struct NewContact {
  ContactId id;                  // for the case that the address is new
  std::string email;             // as it goes on the wire
  std::string email_normalised;  // what it is found by
  std::string name;
  std::string user_id;
  std::string locale;
  std::string time_zone;
  std::vector<std::string> tags;  // sorted, each once
  std::string attributes = "{}";  // JSON object
  absl::optional<ContactState> state;
};

// A contact as it is stored.
struct ContactRecord {
  ContactId id;
  std::string email;
  std::string name;
  std::string user_id;
  std::string locale;
  std::string time_zone;
  std::vector<std::string> tags;
  std::string attributes;
  ContactState state = ContactState::kSubscribed;
  absl::Time update_time;  // the creation time is in the id
};

// What becomes of a contact; what is unset stays.
struct ContactChange {
  struct NewAddress {
    std::string email;
    std::string normalised;
  };
  absl::optional<NewAddress> address;
  absl::optional<std::string> name;
  absl::optional<std::string> user_id;
  absl::optional<std::string> locale;
  absl::optional<std::string> time_zone;
  absl::optional<std::vector<std::string>> tags;
  absl::optional<std::string> attributes;
  absl::optional<ContactState> state;
};

}  // namespace herald::storage

#include "server/audience/contact_rules.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "model/address.h"
#include "server/audience/attributes_codec.h"
#include "server/config/limits.h"

namespace herald::audience {
namespace {

bool HasControl(absl::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return absl::ascii_iscntrl(static_cast<unsigned char>(c)); });
}

// Whether every character is a letter, a digit or one of `others`.
bool IsMadeOf(absl::string_view text, absl::string_view others) {
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
           others.find(c) != absl::string_view::npos;
  });
}

// Looks at one field each, and gives what is stored of it.
class Checker {
 public:
  Checker(absl::string_view prefix, std::vector<FieldViolation>& violations)
      : prefix_(prefix), violations_(violations) {}

  storage::ContactChange::NewAddress Email(const std::string& email) {
    const absl::StatusOr<Address> address = ParseAddress(email);
    if (!address.ok()) {
      Add("email", email.empty() ? "is required" : address.status().message());
      return {};
    }
    return {address->ToString(), address->Normalised()};
  }

  std::string Name(const std::string& name) {
    if (name.size() > limits::kDisplayNameBytesMax) Add("name", "longer than 128 characters");
    if (HasControl(name)) Add("name", "has a control character");
    return name;
  }

  std::string UserId(const std::string& user_id) {
    if (user_id.size() > limits::kUserIdBytesMax || HasControl(user_id)) {
      Add("user_id", "longer than 128 bytes, or has a control character");
    }
    return user_id;
  }

  std::string Locale(const std::string& locale) {
    if (locale.size() > limits::kLocaleBytesMax || !IsMadeOf(locale, "-")) {
      Add("locale", "is not a language tag such as pt-BR");
    }
    return locale;
  }

  std::string TimeZone(const std::string& zone) {
    if (zone.size() > limits::kTimeZoneBytesMax || !IsMadeOf(zone, "_+-/")) {
      Add("time_zone", "is not a name such as America/Sao_Paulo");
    }
    return zone;
  }

  std::vector<std::string> Tags(const google::protobuf::RepeatedPtrField<std::string>& tags) {
    if (tags.size() > limits::kTagsMax) {
      Add("tags", "more than 100");
      return {};
    }
    std::vector<std::string> sorted;
    for (int i = 0; i < tags.size(); ++i) {
      if (tags[i].empty() || tags[i].size() > limits::kTagBytesMax || !IsMadeOf(tags[i], "_.:/-")) {
        Add(absl::StrCat("tags[", i, "]"), "is not 1 to 64 letters, digits and _ . : / -");
      }
      sorted.push_back(tags[i]);
    }
    std::sort(sorted.begin(), sorted.end());
    sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
    return sorted;
  }

  std::string Attributes(const google::protobuf::Struct& attributes) {
    absl::StatusOr<std::string> json = EncodeAttributes(attributes);
    if (json.ok()) return *std::move(json);
    Add("attributes", json.status().message());
    return "{}";
  }

  absl::optional<storage::ContactState> State(v1::Contact::State state) {
    if (state == v1::Contact::STATE_UNSPECIFIED) return absl::nullopt;
    if (state != v1::Contact::STATE_SUBSCRIBED && state != v1::Contact::STATE_UNSUBSCRIBED) {
      Add("state", "is not a state");
      return absl::nullopt;
    }
    return static_cast<storage::ContactState>(state);
  }

  void Add(absl::string_view field, absl::string_view description) {
    violations_.push_back({absl::StrCat(prefix_, field), std::string(description)});
  }

 private:
  const absl::string_view prefix_;
  std::vector<FieldViolation>& violations_;
};

// False for a field that cannot be changed.
bool CheckPath(absl::string_view path, const v1::Contact& contact, Checker& checker,
               storage::ContactChange& change) {
  if (path == "email") {
    change.address = checker.Email(contact.email());
  } else if (path == "name") {
    change.name = checker.Name(contact.name());
  } else if (path == "user_id") {
    change.user_id = checker.UserId(contact.user_id());
  } else if (path == "locale") {
    change.locale = checker.Locale(contact.locale());
  } else if (path == "time_zone") {
    change.time_zone = checker.TimeZone(contact.time_zone());
  } else if (path == "tags") {
    change.tags = checker.Tags(contact.tags());
  } else if (path == "attributes") {
    change.attributes = checker.Attributes(contact.attributes());
  } else if (path == "state") {
    change.state = checker.State(contact.state());
    if (contact.state() == v1::Contact::STATE_UNSPECIFIED) checker.Add("state", "is required");
  } else {
    return false;
  }
  return true;
}

}  // namespace

storage::NewContact CheckContact(const v1::Contact& contact, absl::string_view prefix,
                                 std::vector<FieldViolation>& violations) {
  Checker checker(prefix, violations);
  storage::NewContact checked;
  storage::ContactChange::NewAddress address = checker.Email(contact.email());
  checked.email = std::move(address.email);
  checked.email_normalised = std::move(address.normalised);
  checked.name = checker.Name(contact.name());
  checked.user_id = checker.UserId(contact.user_id());
  checked.locale = checker.Locale(contact.locale());
  checked.time_zone = checker.TimeZone(contact.time_zone());
  checked.tags = checker.Tags(contact.tags());
  checked.attributes = checker.Attributes(contact.attributes());
  checked.state = checker.State(contact.state());
  return checked;
}

absl::StatusOr<storage::ContactChange> CheckChange(const v1::Contact& contact,
                                                   const google::protobuf::FieldMask& mask) {
  std::vector<FieldViolation> violations;
  Checker checker("contact.", violations);
  storage::ContactChange change;
  if (mask.paths().empty()) violations.push_back({"update_mask", "is required"});
  for (int i = 0; i < mask.paths_size(); ++i) {
    if (!CheckPath(mask.paths(i), contact, checker, change)) {
      violations.push_back(
          {absl::StrCat("update_mask.paths[", i, "]"), "names no field that can be changed"});
    }
  }
  if (!violations.empty()) return InvalidRequest(violations);
  return change;
}

}  // namespace herald::audience

#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"

namespace herald::webhook {

// What the page behind an unsubscribe link shows.
struct UnsubscribeView {
  struct Choice {
    std::string category;
    std::string display_name;
    std::string description;
    bool receives = false;
  };
  std::string sender;
  std::string category;  // of the email with the link
  std::vector<Choice> choices;
  bool unsubscribed = false;  // from all of them
};

// Where unsubscribes take effect: heraldd, or a fake in tests. Thread-safe.
class UnsubscribeGateway {
 public:
  // kNotFound: no token of ours; kFailedPrecondition: it has expired; anything else passes.
  using Done = std::function<void(absl::StatusOr<UnsubscribeView>)>;
  // The categories to get, the others being left; nullopt: one click, which leaves the email's.
  using Selection = absl::optional<std::vector<std::string>>;

  // Returns after the last `done`.
  virtual ~UnsubscribeGateway() = default;
  // Changes nothing. `done` runs exactly once, on any thread, within a deadline of its own.
  virtual void Resolve(const std::string& token, Done done) = 0;
  // In force once `done` gets OK. May be repeated.
  virtual void Unsubscribe(const std::string& token, const Selection& selection, Done done) = 0;
};

}  // namespace herald::webhook

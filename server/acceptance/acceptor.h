#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "herald/v1/email_service.pb.h"
#include "server/identity/caller.h"
#include "storage/email.h"

namespace herald::acceptance {

// Stands before the subject of a test send.
inline constexpr char kTestSubjectPrefix[] = "[Test] ";

struct Accepted {
  storage::EmailRecord email;
  bool replayed = false;
};

// Everything between a request and its durable email: validates, pins the template's version,
// hashes the canonical request, and commits in a group with other requests. Thread-safe.
//
// Errors carry their details (server/status): they are what the caller is told.
class Acceptor {
 public:
  using Done = std::function<void(absl::StatusOr<Accepted>)>;
  using ManyDone = std::function<void(std::vector<absl::StatusOr<Accepted>>)>;

  virtual ~Acceptor() = default;

  // May be called on a thread that must not block: validation runs here, a template that is not in
  // the cache is fetched elsewhere. `done` runs exactly once, here for what is refused at once,
  // else on a committing thread, and must not block. `request` must live until it has run.
  virtual void Accept(std::shared_ptr<const identity::Caller> caller,
                      const v1::SendEmailRequest& request, absl::string_view traceparent,
                      absl::Time deadline, Done done) = 0;
  // As Accept for each; `done` gets result i for requests[i].
  virtual void AcceptMany(std::shared_ptr<const identity::Caller> caller,
                          const google::protobuf::RepeatedPtrField<v1::SendEmailRequest>& requests,
                          absl::string_view traceparent, absl::Time deadline, ManyDone done) = 0;
  // Accepts a test send of a template: as Accept, with kTestSubjectPrefix before the subject, which
  // makes it another email than the same request without.
  virtual void AcceptTest(std::shared_ptr<const identity::Caller> caller,
                          const v1::SendEmailRequest& request, absl::string_view traceparent,
                          absl::Time deadline, Done done) = 0;
};

}  // namespace herald::acceptance

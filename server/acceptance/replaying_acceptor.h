#pragma once

#include <functional>

#include "server/acceptance/acceptor.h"
#include "storage/email_store.h"

namespace herald::acceptance {

// An Acceptor that answers a repetition even where it would be refused as a new request: what the
// first one relied on may be gone, since its expire_time has passed, a template has a new variable,
// a category or a sender's domain was taken away. Before such a refusal is told, the key is looked
// up; the email that the same content has led to is the answer.
class ReplayingAcceptor final : public Acceptor {
 public:
  // Runs a task that may block on another thread; false when too many wait.
  using Defer = std::function<bool(std::function<void()>)>;

  // References outlive this.
  ReplayingAcceptor(Acceptor& next, storage::EmailStore& emails, Defer defer)
      : next_(next), emails_(emails), defer_(std::move(defer)) {}

  void Accept(std::shared_ptr<const identity::Caller> caller, const v1::SendEmailRequest& request,
              absl::string_view traceparent, absl::Time deadline, Done done) override;
  void AcceptMany(std::shared_ptr<const identity::Caller> caller,
                  const google::protobuf::RepeatedPtrField<v1::SendEmailRequest>& requests,
                  absl::string_view traceparent, absl::Time deadline, ManyDone done) override;
  void AcceptTest(std::shared_ptr<const identity::Caller> caller,
                  const v1::SendEmailRequest& request, absl::string_view traceparent,
                  absl::Time deadline, Done done) override;

 private:
  // What decides, with the key, whether a request is the same.
  struct Sender {
    TenantId tenant;
    bool test = false;
    absl::string_view subject_prefix = "";
  };
  struct Refused {
    const v1::SendEmailRequest* request;
    absl::StatusOr<Accepted>* result;
  };

  static Sender SenderOf(const identity::Caller& caller, absl::string_view subject_prefix = "");
  Done Reconsidering(Sender sender, const v1::SendEmailRequest& request, Done done);
  void Reconsider(Sender sender, const std::vector<Refused>& refused) const;

  Acceptor& next_;
  storage::EmailStore& emails_;
  const Defer defer_;
};

}  // namespace herald::acceptance

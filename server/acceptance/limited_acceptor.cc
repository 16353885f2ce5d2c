#include "server/acceptance/limited_acceptor.h"

#include <string>
#include <utility>
#include <vector>

namespace herald::acceptance {

void LimitedAcceptor::Accept(std::shared_ptr<const identity::Caller> caller,
                             const v1::SendEmailRequest& request, absl::string_view traceparent,
                             absl::Time deadline, Done done) {
  AcceptOne(Kind::kLive, std::move(caller), request, traceparent, deadline, std::move(done));
}

void LimitedAcceptor::AcceptTest(std::shared_ptr<const identity::Caller> caller,
                                 const v1::SendEmailRequest& request, absl::string_view traceparent,
                                 absl::Time deadline, Done done) {
  AcceptOne(Kind::kTest, std::move(caller), request, traceparent, deadline, std::move(done));
}

absl::Status LimitedAcceptor::Refuse(absl::Status status, int count) const {
  if (absl::IsResourceExhausted(status)) on_refused_(count);
  return status;
}

void LimitedAcceptor::Forward(Kind kind, std::shared_ptr<const identity::Caller> caller,
                              const v1::SendEmailRequest& request, absl::string_view traceparent,
                              absl::Time deadline, Done done) {
  if (kind == Kind::kTest) {
    return next_.AcceptTest(std::move(caller), request, traceparent, deadline, std::move(done));
  }
  next_.Accept(std::move(caller), request, traceparent, deadline, std::move(done));
}

void LimitedAcceptor::AcceptOne(Kind kind, std::shared_ptr<const identity::Caller> caller,
                                const v1::SendEmailRequest& request, absl::string_view traceparent,
                                absl::Time deadline, Done done) {
  const TenantId tenant = caller->tenant;
  if (const absl::optional<absl::Status> known = limiter_.TryAdmit(tenant, 1)) {
    if (!known->ok()) return done(Refuse(*known, 1));
    return Forward(kind, std::move(caller), request, traceparent, deadline, std::move(done));
  }
  limiter_.Admit(
      tenant, 1,
      [this, kind, caller = std::move(caller), &request, trace = std::string(traceparent), deadline,
       done = std::move(done)](const absl::Status& status) mutable {
        if (!status.ok()) return done(Refuse(status, 1));
        Forward(kind, std::move(caller), request, trace, deadline, std::move(done));
      });
}

void LimitedAcceptor::AcceptMany(
    std::shared_ptr<const identity::Caller> caller,
    const google::protobuf::RepeatedPtrField<v1::SendEmailRequest>& requests,
    absl::string_view traceparent, absl::Time deadline, ManyDone done) {
  const TenantId tenant = caller->tenant;
  const int count = requests.size();
  const auto refuse = [this, count](const absl::Status& status, const ManyDone& refused) {
    refused(
        std::vector<absl::StatusOr<Accepted>>(static_cast<size_t>(count), Refuse(status, count)));
  };
  if (const absl::optional<absl::Status> known = limiter_.TryAdmit(tenant, count)) {
    if (!known->ok()) return refuse(*known, done);
    return next_.AcceptMany(std::move(caller), requests, traceparent, deadline, std::move(done));
  }
  limiter_.Admit(
      tenant, count,
      [this, refuse, caller = std::move(caller), &requests, trace = std::string(traceparent),
       deadline, done = std::move(done)](const absl::Status& status) mutable {
        if (!status.ok()) return refuse(status, done);
        next_.AcceptMany(std::move(caller), requests, trace, deadline, std::move(done));
      });
}

}  // namespace herald::acceptance

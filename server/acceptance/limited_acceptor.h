#pragma once

#include <functional>

#include "server/acceptance/acceptor.h"
#include "server/limits/ingest_limiter.h"

namespace herald::acceptance {

// An Acceptor behind a tenant's ingest limit, which counts what is handed in: also what turns out
// to be invalid or a repetition, since that costs nearly as much. A batch is admitted as a whole or
// every item of it is refused.
class LimitedAcceptor final : public Acceptor {
 public:
  // References outlive this. `on_refused` sees the number of emails of each refusal.
  LimitedAcceptor(Acceptor& next, limits::IngestLimiter& limiter,
                  std::function<void(int count)> on_refused)
      : next_(next), limiter_(limiter), on_refused_(std::move(on_refused)) {}

  void Accept(std::shared_ptr<const identity::Caller> caller, const v1::SendEmailRequest& request,
              absl::string_view traceparent, absl::Time deadline, Done done) override;
  void AcceptMany(std::shared_ptr<const identity::Caller> caller,
                  const google::protobuf::RepeatedPtrField<v1::SendEmailRequest>& requests,
                  absl::string_view traceparent, absl::Time deadline, ManyDone done) override;
  void AcceptTest(std::shared_ptr<const identity::Caller> caller,
                  const v1::SendEmailRequest& request, absl::string_view traceparent,
                  absl::Time deadline, Done done) override;

 private:
  enum class Kind { kLive, kTest };
  void AcceptOne(Kind kind, std::shared_ptr<const identity::Caller> caller,
                 const v1::SendEmailRequest& request, absl::string_view traceparent,
                 absl::Time deadline, Done done);
  void Forward(Kind kind, std::shared_ptr<const identity::Caller> caller,
               const v1::SendEmailRequest& request, absl::string_view traceparent,
               absl::Time deadline, Done done);
  absl::Status Refuse(absl::Status status, int count) const;

  Acceptor& next_;
  limits::IngestLimiter& limiter_;
  const std::function<void(int count)> on_refused_;
};

}  // namespace herald::acceptance

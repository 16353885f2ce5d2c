#include "server/acceptance/replaying_acceptor.h"

#include <utility>

#include "server/acceptance/overload.h"
#include "server/acceptance/request_hash.h"
#include "server/config/limits.h"
#include "server/status/status_details.h"

namespace herald::acceptance {
namespace {

// Whether a refusal may be one that an earlier, equal request did not meet. The others (a conflict,
// overload, a database that is away) are the truth whatever the key has led to.
bool MayBeRepetition(const absl::Status& refusal, const v1::SendEmailRequest& request) {
  const std::string& key = request.idempotency_key();
  if (key.empty() || key.size() > limits::kIdempotencyKeyBytesMax ||
      key.find('\0') != std::string::npos) {
    return false;
  }
  switch (refusal.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kPermissionDenied:
      return true;
    default:
      return false;
  }
}

}  // namespace

void ReplayingAcceptor::Accept(std::shared_ptr<const identity::Caller> caller,
                               const v1::SendEmailRequest& request, absl::string_view traceparent,
                               absl::Time deadline, Done done) {
  const Sender sender = SenderOf(*caller);
  next_.Accept(std::move(caller), request, traceparent, deadline,
               Reconsidering(sender, request, std::move(done)));
}

void ReplayingAcceptor::AcceptTest(std::shared_ptr<const identity::Caller> caller,
                                   const v1::SendEmailRequest& request,
                                   absl::string_view traceparent, absl::Time deadline, Done done) {
  const Sender sender = SenderOf(*caller, kTestSubjectPrefix);
  next_.AcceptTest(std::move(caller), request, traceparent, deadline,
                   Reconsidering(sender, request, std::move(done)));
}

void ReplayingAcceptor::AcceptMany(
    std::shared_ptr<const identity::Caller> caller,
    const google::protobuf::RepeatedPtrField<v1::SendEmailRequest>& requests,
    absl::string_view traceparent, absl::Time deadline, ManyDone done) {
  using Results = std::vector<absl::StatusOr<Accepted>>;
  const Sender sender = SenderOf(*caller);
  const auto reconsider = [this, sender, &requests, done = std::move(done)](Results results) {
    const auto kept = std::make_shared<Results>(std::move(results));
    std::vector<Refused> refused;
    for (size_t i = 0; i < kept->size(); ++i) {
      const v1::SendEmailRequest& request = requests[static_cast<int>(i)];
      if (MayBeRepetition((*kept)[i].status(), request)) refused.push_back({&request, &(*kept)[i]});
    }
    if (refused.empty()) return done(std::move(*kept));
    const bool deferred = defer_([this, sender, refused, kept, done] {
      Reconsider(sender, refused);
      done(std::move(*kept));
    });
    if (deferred) return;
    for (const Refused& item : refused) *item.result = TooManyCallsWait();
    done(std::move(*kept));
  };
  next_.AcceptMany(std::move(caller), requests, traceparent, deadline, reconsider);
}

ReplayingAcceptor::Sender ReplayingAcceptor::SenderOf(const identity::Caller& caller,
                                                      absl::string_view subject_prefix) {
  return {caller.tenant, caller.mode == storage::TokenMode::kTest, subject_prefix};
}

Acceptor::Done ReplayingAcceptor::Reconsidering(Sender sender, const v1::SendEmailRequest& request,
                                                Done done) {
  return [this, sender, &request, done = std::move(done)](absl::StatusOr<Accepted> result) {
    if (!MayBeRepetition(result.status(), request)) return done(std::move(result));
    const bool deferred = defer_([this, sender, &request, refusal = result.status(), done] {
      absl::StatusOr<Accepted> answer = refusal;
      Reconsider(sender, {{&request, &answer}});
      done(std::move(answer));
    });
    if (!deferred) done(TooManyCallsWait());
  };
}

// Refusals stay where no earlier request has led to an email.
void ReplayingAcceptor::Reconsider(Sender sender, const std::vector<Refused>& refused) const {
  std::vector<storage::KeyedRequest> requests;
  requests.reserve(refused.size());
  for (const Refused& item : refused) {
    requests.push_back({item.request->idempotency_key(),
                        CanonicalRequestHash(*item.request, sender.test, sender.subject_prefix)});
  }
  const auto found = emails_.FindReplays(sender.tenant, requests);
  for (size_t i = 0; i < refused.size(); ++i) {
    if (!found.ok()) {
      *refused[i].result = FromStorage(found.status());
    } else if ((*found)[i] != nullptr) {
      *refused[i].result = Accepted{*(*found)[i], true};
    }
  }
}

}  // namespace herald::acceptance

#include "server/webhook/grpc_unsubscribe_gateway.h"

#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "herald/v1/delivery_event_service.grpc.pb.h"
#include "server/webhook/grpc_channel.h"

namespace herald::webhook {
namespace {

namespace pb = herald::v1;

// The state of one call, deleted in its completion.
template <class Request>
struct Call {
  grpc::ClientContext context;
  Request request;
  pb::UnsubscribePage response;
  UnsubscribeGateway::Done done;
};

absl::StatusOr<UnsubscribeView> ViewOf(const grpc::Status& status,
                                       const pb::UnsubscribePage& page) {
  if (!status.ok()) {
    return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
  }
  UnsubscribeView view{page.sender(), page.category(), {}, page.unsubscribed()};
  for (const pb::UnsubscribePage::Choice& choice : page.choices()) {
    view.choices.push_back(
        {choice.category(), choice.display_name(), choice.description(), choice.receives()});
  }
  return view;
}

}  // namespace

struct GrpcUnsubscribeGateway::Impl {
  Impl(const GrpcDeliveryEventSink::Options& options_in, GrpcDeliveryEventSink::Token token_in)
      : options(options_in),
        token(std::move(token_in)),
        stub(pb::DeliveryEventService::NewStub(Connect(options_in))) {}

  bool NoneRunning() const ABSL_SHARED_LOCKS_REQUIRED(mutex) { return calls == 0; }

  // A call ready to be started, counted; nullptr when there is no token, and `done` has run.
  template <class Request>
  Call<Request>* Begin(Done done) {
    const auto bearer = token();
    if (!bearer.ok()) {
      done(absl::UnavailableError(bearer.status().message()));
      return nullptr;
    }
    auto* call = new Call<Request>;
    call->done = std::move(done);
    call->context.AddMetadata("authorization", absl::StrCat("Bearer ", *bearer));
    call->context.set_deadline(absl::ToChronoTime(absl::Now() + options.record_timeout));
    absl::MutexLock lock(&mutex);
    ++calls;
    return call;
  }
  template <class Request>
  void End(Call<Request>* call, const grpc::Status& status) {
    call->done(ViewOf(status, call->response));
    delete call;
    absl::MutexLock lock(&mutex);
    --calls;
  }

  // Constant after construction.
  const GrpcDeliveryEventSink::Options options;
  const GrpcDeliveryEventSink::Token token;
  const std::unique_ptr<pb::DeliveryEventService::Stub> stub;

  absl::Mutex mutex;
  int calls ABSL_GUARDED_BY(mutex) = 0;
};

GrpcUnsubscribeGateway::GrpcUnsubscribeGateway(const GrpcDeliveryEventSink::Options& options,
                                               GrpcDeliveryEventSink::Token token)
    : impl_(std::make_unique<Impl>(options, std::move(token))) {}

GrpcUnsubscribeGateway::~GrpcUnsubscribeGateway() {
  absl::MutexLock lock(&impl_->mutex);
  impl_->mutex.Await(absl::Condition(impl_.get(), &Impl::NoneRunning));
}

void GrpcUnsubscribeGateway::Resolve(const std::string& token, Done done) {
  auto* call = impl_->Begin<pb::ResolveUnsubscribeTokenRequest>(std::move(done));
  if (call == nullptr) return;
  call->request.set_token(token);
  impl_->stub->async()->ResolveUnsubscribeToken(
      &call->context, &call->request, &call->response,
      [impl = impl_.get(), call](const grpc::Status& status) { impl->End(call, status); });
}

void GrpcUnsubscribeGateway::Unsubscribe(const std::string& token, const Selection& selection,
                                         Done done) {
  auto* call = impl_->Begin<pb::UnsubscribeRequest>(std::move(done));
  if (call == nullptr) return;
  call->request.set_token(token);
  if (selection.has_value()) {
    auto* wanted = call->request.mutable_selection();
    for (const std::string& category : *selection) wanted->add_categories(category);
  }
  impl_->stub->async()->Unsubscribe(
      &call->context, &call->request, &call->response,
      [impl = impl_.get(), call](const grpc::Status& status) { impl->End(call, status); });
}

}  // namespace herald::webhook

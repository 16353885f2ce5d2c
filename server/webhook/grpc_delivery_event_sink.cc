#include "server/webhook/grpc_delivery_event_sink.h"

#include <grpcpp/grpcpp.h>

#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "herald/v1/delivery_event_service.grpc.pb.h"
#include "server/webhook/grpc_channel.h"

namespace herald::webhook {
namespace {

namespace pb = herald::v1;
namespace health = grpc::health::v1;

// The state of one call, deleted in its completion.
template <class Request, class Response>
struct Call {
  grpc::ClientContext context;
  Request request;
  Response response;
  DeliveryEventSink::Done done;
};
using RecordCall = Call<pb::RecordDeliveryEventsRequest, pb::RecordDeliveryEventsResponse>;
using HealthCall = Call<health::HealthCheckRequest, health::HealthCheckResponse>;

// gRPC's codes and Abseil's have the same numbers.
absl::Status ToStatus(const grpc::Status& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

void Convert(const ReceivedEvent& received, pb::DeliveryEvent* out) {
  const providers::DecodedEvent& event = received.event;
  out->set_account(received.account);
  out->set_provider_event_id(event.provider_event_id);
  // The numbers are those of the wire (model/event.h).
  out->set_type(static_cast<pb::EventType>(event.type));
  out->set_bounce_class(static_cast<pb::BounceClass>(event.bounce_class));
  const absl::Time whole = absl::FromUnixSeconds(absl::ToUnixSeconds(event.event_time));
  out->mutable_event_time()->set_seconds(absl::ToUnixSeconds(whole));
  out->mutable_event_time()->set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(event.event_time - whole)));
  if (event.tenant_id.has_value()) out->set_tenant_id(FormatTenantId(*event.tenant_id));
  if (event.email_id.has_value()) out->set_email_id(FormatEmailId(*event.email_id));
  out->set_provider_message_id(event.provider_message_id);
  out->set_provider_type(event.provider_type);
  out->set_diagnostic(event.diagnostic);
}

}  // namespace

struct GrpcDeliveryEventSink::Impl {
  Impl(const Options& options_in, Token token_in)
      : options(options_in),
        token(std::move(token_in)),
        channel(Connect(options_in)),
        events(pb::DeliveryEventService::NewStub(channel)),
        health_stub(health::Health::NewStub(channel)) {}

  // Takes the call over.
  void Send(absl::string_view bearer, RecordCall* call, absl::Duration timeout) {
    call->context.AddMetadata("authorization", absl::StrCat("Bearer ", bearer));
    call->context.set_deadline(absl::ToChronoTime(absl::Now() + timeout));
    Began();
    events->async()->RecordDeliveryEvents(&call->context, &call->request, &call->response,
                                          [this, call](const grpc::Status& status) {
                                            NoteToken(status.error_code());
                                            call->done(ToStatus(status));
                                            delete call;
                                            Ended();
                                          });
  }

  // A request without events: whose token is taken is told that it is invalid, and nothing is
  // recorded.
  void TryToken(absl::string_view bearer, Done done) {
    auto* call = new RecordCall;
    call->done = [done = std::move(done)](const absl::Status& status) {
      const bool taken = status.ok() || absl::IsInvalidArgument(status);
      done(taken ? absl::OkStatus() : absl::UnavailableError("heraldd does not take the token"));
    };
    Send(bearer, call, options.ready_timeout);
  }

  // What an answer to a call with the token says of the token.
  void NoteToken(grpc::StatusCode code) {
    absl::MutexLock lock(&mutex);
    if (code == grpc::StatusCode::OK || code == grpc::StatusCode::INVALID_ARGUMENT) {
      token_taken = true;
    } else if (code == grpc::StatusCode::UNAUTHENTICATED ||
               code == grpc::StatusCode::PERMISSION_DENIED) {
      token_taken = false;
    }
  }
  bool TokenTaken() {
    absl::MutexLock lock(&mutex);
    return token_taken;
  }

  void Began() {
    absl::MutexLock lock(&mutex);
    ++calls;
  }
  void Ended() {
    absl::MutexLock lock(&mutex);
    --calls;
  }
  bool NoneRunning() const ABSL_SHARED_LOCKS_REQUIRED(mutex) { return calls == 0; }

  // Constant after construction.
  const Options options;
  const Token token;
  const std::shared_ptr<grpc::Channel> channel;
  const std::unique_ptr<pb::DeliveryEventService::Stub> events;
  const std::unique_ptr<health::Health::Stub> health_stub;

  absl::Mutex mutex;
  int calls ABSL_GUARDED_BY(mutex) = 0;
  // By the last answer that tells; false before the first.
  bool token_taken ABSL_GUARDED_BY(mutex) = false;
};

GrpcDeliveryEventSink::GrpcDeliveryEventSink(const Options& options, Token token)
    : impl_(std::make_unique<Impl>(options, std::move(token))) {}

GrpcDeliveryEventSink::~GrpcDeliveryEventSink() {
  absl::MutexLock lock(&impl_->mutex);
  impl_->mutex.Await(absl::Condition(impl_.get(), &Impl::NoneRunning));
}

void GrpcDeliveryEventSink::Record(absl::Span<const ReceivedEvent> events, Done done) {
  const auto token = impl_->token();
  if (!token.ok()) return done(absl::UnavailableError(token.status().message()));
  auto* call = new RecordCall;
  call->done = std::move(done);
  for (const ReceivedEvent& event : events) Convert(event, call->request.add_events());
  impl_->Send(*token, call, impl_->options.record_timeout);
}

void GrpcDeliveryEventSink::CheckReady(Done done) {
  const auto token = impl_->token();
  if (!token.ok()) return done(absl::UnavailableError(token.status().message()));
  auto* call = new HealthCall;
  call->done = std::move(done);
  call->context.set_deadline(absl::ToChronoTime(absl::Now() + impl_->options.ready_timeout));
  impl_->Began();
  impl_->health_stub->async()->Check(
      &call->context, &call->request, &call->response,
      [impl = impl_.get(), call, bearer = *token](const grpc::Status& status) {
        const bool serving =
            status.ok() && call->response.status() == health::HealthCheckResponse::SERVING;
        if (!serving) {
          call->done(absl::UnavailableError("heraldd is not serving"));
        } else if (impl->TokenTaken()) {
          call->done(absl::OkStatus());
        } else {
          impl->TryToken(bearer, std::move(call->done));
        }
        delete call;
        impl->Ended();
      });
}

}  // namespace herald::webhook

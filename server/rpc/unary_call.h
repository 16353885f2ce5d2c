#pragma once

#include <google/protobuf/arena.h>

#include <memory>
#include <utility>

#include "server/rpc/call.h"

namespace herald::rpc {

// A unary method as it is served: how a call of it is requested, and what it does.
template <class Request, class Response>
struct UnaryMethod;

// One unary call with its types. Request and response live on an arena whose first block is part
// of the call, so that a small call allocates once.
template <class Request, class Response>
class UnaryCall final : public Call {
 public:
  using Method = UnaryMethod<Request, Response>;

  // Posts a call of `method`, which outlives it.
  static void Post(const Method& method, CallShell& shell, CompletionLoop& loop) {
    if (!loop.accepts()) return;
    auto* call = new UnaryCall(method, shell, loop);
    method.request(&call->context(), call->request_, &call->responder_, loop.queue(),
                   static_cast<CompletionTag*>(call));
  }

  const Request& request() const { return *request_; }
  Response& response() { return *response_; }
  // Answers with the response, or with the error. Exactly once, from any thread; the call is gone
  // afterwards.
  void Finish(const absl::Status& status) { FinishWith(status); }
  // Has `answer` fill in the response and finish, on the polling thread: many answers that become
  // ready together, on another thread, then share one wake-up.
  void AnswerOnLoop(std::function<void()> answer) { loop_.RunOnLoop(std::move(answer)); }

 private:
  UnaryCall(const Method& method, CallShell& shell, CompletionLoop& loop)
      : Call(shell, method.policy), method_(method), shell_(shell), loop_(loop) {}

  void PostNext() override { Post(method_, shell_, loop_); }
  void RunHandler() override { method_.handler(*this); }
  void FinishWith(const absl::Status& status) override {
    grpc::Status wire = Close(status);
    if (!shell_.last_answers.holds()) return Answer(wire);
    shell_.last_answers.Hold(context().peer(), [this, wire = std::move(wire)] { Answer(wire); });
  }
  void Answer(const grpc::Status& wire) {
    void* tag = static_cast<CompletionTag*>(this);
    if (wire.ok()) {
      responder_.Finish(*response_, wire, tag);
    } else {
      responder_.FinishWithError(wire, tag);
    }
  }

  static google::protobuf::ArenaOptions BlockOptions(char* block, size_t size) {
    google::protobuf::ArenaOptions options;
    options.initial_block = block;
    options.initial_block_size = size;
    return options;
  }

  const Method& method_;
  CallShell& shell_;
  CompletionLoop& loop_;
  grpc::ServerAsyncResponseWriter<Response> responder_{&context()};
  alignas(8) char block_[2048];
  google::protobuf::Arena arena_{BlockOptions(block_, sizeof block_)};
  Request* const request_ = google::protobuf::Arena::CreateMessage<Request>(&arena_);
  Response* const response_ = google::protobuf::Arena::CreateMessage<Response>(&arena_);
};

template <class Request, class Response>
struct UnaryMethod {
  const MethodPolicy& policy;
  std::function<void(grpc::ServerContext*, Request*, grpc::ServerAsyncResponseWriter<Response>*,
                     grpc::ServerCompletionQueue*, void* tag)>
      request;
  std::function<void(UnaryCall<Request, Response>&)> handler;
};

}  // namespace herald::rpc

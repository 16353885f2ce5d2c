#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "server/rpc/unary_call.h"

namespace herald::rpc {

// The unary methods of one service. Filled before the server starts, constant afterwards.
class MethodSet {
 public:
  // A method that answers by itself, on any thread: `handler` calls Finish exactly once.
  template <class Service, class Base, class Request, class Response>
  void AddAsync(absl::string_view name, Service& service,
                void (Base::*request)(grpc::ServerContext*, Request*,
                                      grpc::ServerAsyncResponseWriter<Response>*,
                                      grpc::CompletionQueue*, grpc::ServerCompletionQueue*, void*),
                std::type_identity_t<std::function<void(UnaryCall<Request, Response>&)>> handler) {
    auto method = std::make_shared<UnaryMethod<Request, Response>>(UnaryMethod<Request, Response>{
        PolicyOf(name),
        [&service, request](grpc::ServerContext* context, Request* message,
                            grpc::ServerAsyncResponseWriter<Response>* responder,
                            grpc::ServerCompletionQueue* queue, void* tag) {
          (service.*request)(context, message, responder, queue, queue, tag);
        },
        std::move(handler)});
    posts_.push_back([method](CallShell& shell, CompletionLoop& loop) {
      UnaryCall<Request, Response>::Post(*method, shell, loop);
    });
  }

  // A method that is done when `handler` returns.
  template <class Service, class Base, class Request, class Response>
  void Add(absl::string_view name, Service& service,
           void (Base::*request)(grpc::ServerContext*, Request*,
                                 grpc::ServerAsyncResponseWriter<Response>*, grpc::CompletionQueue*,
                                 grpc::ServerCompletionQueue*, void*),
           std::type_identity_t<
               std::function<absl::Status(const Call&, const Request&, Response&)>>
               handler) {
    AddAsync(name, service, request,
             [handler = std::move(handler)](UnaryCall<Request, Response>& call) {
               call.Finish(handler(call, call.request(), call.response()));
             });
  }

  // Posts `count` calls of each method.
  void Post(CallShell& shell, CompletionLoop& loop, int count) const {
    for (const auto& post : posts_) {
      for (int i = 0; i < count; ++i) post(shell, loop);
    }
  }

 private:
  std::vector<std::function<void(CallShell&, CompletionLoop&)>> posts_;
};

}  // namespace herald::rpc

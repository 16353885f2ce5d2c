#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "herald/v1/delivery_event_service.grpc.pb.h"

namespace herald::webhook {

// DeliveryEventService and health on a real socket, without anything behind them. Thread-safe.
class FakeHeraldd final : public v1::DeliveryEventService::Service {
 public:
  FakeHeraldd() {
    grpc::EnableDefaultHealthCheckService(true);
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  ~FakeHeraldd() override { Stop(); }

  grpc::Status RecordDeliveryEvents(grpc::ServerContext* context,
                                    const v1::RecordDeliveryEventsRequest* request,
                                    v1::RecordDeliveryEventsResponse* /*response*/) override {
    absl::MutexLock lock(&mutex_);
    const auto token = context->client_metadata().find("authorization");
    if (token != context->client_metadata().end()) {
      authorization_.assign(token->second.data(), token->second.size());
    }
    timeout_ = absl::FromChrono(context->deadline()) - absl::Now();
    if (!status_.ok()) return status_;
    for (const v1::DeliveryEvent& event : request->events()) events_.push_back(event);
    return grpc::Status::OK;
  }

  std::string target() const { return absl::StrCat("127.0.0.1:", port_); }
  void Stop() {
    if (server_ != nullptr) server_->Shutdown(std::chrono::system_clock::now());
    server_.reset();
  }
  void Serving(bool serving) { server_->GetHealthCheckService()->SetServingStatus(serving); }
  void Fail(grpc::Status status) {
    absl::MutexLock lock(&mutex_);
    status_ = std::move(status);
  }

  std::vector<v1::DeliveryEvent> events() {
    absl::MutexLock lock(&mutex_);
    return events_;
  }
  std::string authorization() {
    absl::MutexLock lock(&mutex_);
    return authorization_;
  }
  absl::Duration timeout() {
    absl::MutexLock lock(&mutex_);
    return timeout_;
  }

 private:
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;

  absl::Mutex mutex_;
  grpc::Status status_ ABSL_GUARDED_BY(mutex_);
  std::vector<v1::DeliveryEvent> events_ ABSL_GUARDED_BY(mutex_);
  std::string authorization_ ABSL_GUARDED_BY(mutex_);
  absl::Duration timeout_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace herald::webhook

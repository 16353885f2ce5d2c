#include "tests/unit/client/fake_herald.h"

#include <chrono>

#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace herald::client {
namespace {

std::string Metadata(const grpc::ServerContext& context, const char* name) {
  const auto found = context.client_metadata().find(name);
  if (found == context.client_metadata().end()) return "";
  return {found->second.data(), found->second.size()};
}

absl::Duration Left(const grpc::ServerContext& context) {
  if (context.deadline() == std::chrono::system_clock::time_point::max()) {
    return absl::InfiniteDuration();
  }
  return absl::FromChrono(context.deadline() - std::chrono::system_clock::now());
}

}  // namespace

grpc::Status FakeError::ToStatus() const {
  google::rpc::Status status;
  status.set_code(code);
  status.set_message(message);
  if (!reason.empty()) {
    google::rpc::ErrorInfo info;
    info.set_reason(reason);
    info.set_domain("herald");
    info.mutable_metadata()->insert(metadata.begin(), metadata.end());
    status.add_details()->PackFrom(info);
  }
  if (!violations.empty()) {
    google::rpc::BadRequest bad_request;
    for (const auto& [field, description] : violations) {
      auto* violation = bad_request.add_field_violations();
      violation->set_field(field);
      violation->set_description(description);
    }
    status.add_details()->PackFrom(bad_request);
  }
  if (retry_delay) {
    google::rpc::RetryInfo retry;
    retry.mutable_retry_delay()->set_seconds(absl::ToInt64Seconds(*retry_delay));
    retry.mutable_retry_delay()->set_nanos(
        static_cast<int32_t>(absl::ToInt64Nanoseconds(*retry_delay % absl::Seconds(1))));
    status.add_details()->PackFrom(retry);
  }
  return {code, message, status.SerializeAsString()};
}

class FakeHerald::Emails : public v1::EmailService::Service {
 public:
  explicit Emails(FakeHerald& fake) : fake_(fake) {}

  grpc::Status SendEmail(grpc::ServerContext* context, const v1::SendEmailRequest* request,
                         v1::Email* email) override {
    if (const auto status = fake_.Arrive(*context, "SendEmail"); !status.ok()) return status;
    if (fake_.replay) context->AddInitialMetadata("herald-replayed", "true");
    if (fake_.on_send) return fake_.on_send(*request, email);
    email->set_id("em_1");
    email->set_state(v1::Email::STATE_QUEUED);
    email->set_idempotency_key(request->idempotency_key());
    return grpc::Status::OK;
  }
  grpc::Status SendEmails(grpc::ServerContext* context, const v1::SendEmailsRequest* request,
                          v1::SendEmailsResponse* response) override {
    if (const auto status = fake_.Arrive(*context, "SendEmails"); !status.ok()) return status;
    return fake_.on_send_many(*request, response);
  }
  grpc::Status GetEmail(grpc::ServerContext* context, const v1::GetEmailRequest* request,
                        v1::Email* email) override {
    if (const auto status = fake_.Arrive(*context, "GetEmail"); !status.ok()) return status;
    if (fake_.on_get) return fake_.on_get(*request, email);
    email->set_id(request->id());
    return grpc::Status::OK;
  }
  grpc::Status ListEmails(grpc::ServerContext* context, const v1::ListEmailsRequest* request,
                          v1::ListEmailsResponse* response) override {
    if (const auto status = fake_.Arrive(*context, "ListEmails"); !status.ok()) return status;
    return fake_.on_list(*request, response);
  }
  grpc::Status ListEmailEvents(grpc::ServerContext* context,
                               const v1::ListEmailEventsRequest* request,
                               v1::ListEmailEventsResponse* response) override {
    if (const auto status = fake_.Arrive(*context, "ListEmailEvents"); !status.ok()) return status;
    return fake_.on_events ? fake_.on_events(*request, response) : grpc::Status::OK;
  }
  grpc::Status RedriveEmail(grpc::ServerContext* context, const v1::RedriveEmailRequest*,
                            v1::Email*) override {
    return fake_.Arrive(*context, "RedriveEmail");
  }
  grpc::Status RedriveEmails(grpc::ServerContext* context, const v1::RedriveEmailsRequest* request,
                             v1::RedriveEmailsResponse* response) override {
    if (const auto status = fake_.Arrive(*context, "RedriveEmails"); !status.ok()) return status;
    return fake_.on_redrive_many(*request, response);
  }
  grpc::Status WatchEmailEvents(grpc::ServerContext* context,
                                const v1::WatchEmailEventsRequest* request,
                                grpc::ServerWriter<v1::WatchEmailEventsResponse>* writer) override {
    if (const auto status = fake_.Arrive(*context, "WatchEmailEvents"); !status.ok()) return status;
    return fake_.on_watch(*context, *request, *writer);
  }

 private:
  FakeHerald& fake_;
};

class FakeHerald::Templates : public v1::TemplateService::Service {
 public:
  explicit Templates(FakeHerald& fake) : fake_(fake) {}

  grpc::Status GetTemplate(grpc::ServerContext* context, const v1::GetTemplateRequest*,
                           v1::Template*) override {
    if (const auto status = fake_.Arrive(*context, "GetTemplate"); !status.ok()) return status;
    return FakeError{grpc::NOT_FOUND, "no such template", "TEMPLATE_NOT_FOUND"}.ToStatus();
  }
  grpc::Status CreateTemplate(grpc::ServerContext* context,
                              const v1::CreateTemplateRequest* request,
                              v1::Template* created) override {
    if (const auto status = fake_.Arrive(*context, "CreateTemplate"); !status.ok()) return status;
    created->set_key(request->key());
    created->set_latest_version(1);
    created->set_published_version(request->unpublished() ? 0 : 1);
    return grpc::Status::OK;
  }

 private:
  FakeHerald& fake_;
};

class FakeHerald::Tenants : public v1::TenantService::Service {
 public:
  explicit Tenants(FakeHerald& fake) : fake_(fake) {}

  grpc::Status GetTenant(grpc::ServerContext* context, const v1::GetTenantRequest* request,
                         v1::Tenant* tenant) override {
    if (const auto status = fake_.Arrive(*context, "GetTenant"); !status.ok()) return status;
    tenant->set_id("tn_1");
    tenant->set_slug(request->id());
    tenant->set_state(v1::Tenant::STATE_ACTIVE);
    tenant->add_allowed_sender_domains("shop.example.com");
    return grpc::Status::OK;
  }
  grpc::Status UpdateTenant(grpc::ServerContext* context, const v1::UpdateTenantRequest* request,
                            v1::Tenant* tenant) override {
    if (const auto status = fake_.Arrive(*context, "UpdateTenant"); !status.ok()) return status;
    return fake_.on_update_tenant(*request, tenant);
  }

 private:
  FakeHerald& fake_;
};

class FakeHerald::Health : public grpc::health::v1::Health::Service {
 public:
  explicit Health(FakeHerald& fake) : fake_(fake) {}

  grpc::Status Check(grpc::ServerContext*, const grpc::health::v1::HealthCheckRequest*,
                     grpc::health::v1::HealthCheckResponse* response) override {
    using Response = grpc::health::v1::HealthCheckResponse;
    response->set_status(fake_.serving ? Response::SERVING : Response::NOT_SERVING);
    return grpc::Status::OK;
  }

 private:
  FakeHerald& fake_;
};

FakeHerald::FakeHerald() {
  services_.push_back(std::make_unique<Emails>(*this));
  services_.push_back(std::make_unique<Templates>(*this));
  services_.push_back(std::make_unique<Tenants>(*this));
  services_.push_back(std::make_unique<Health>(*this));
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  for (const auto& service : services_) builder.RegisterService(service.get());
  server_ = builder.BuildAndStart();
  target_ = absl::StrCat("127.0.0.1:", port);
}

FakeHerald::~FakeHerald() { server_->Shutdown(std::chrono::system_clock::now()); }

void FakeHerald::FailNext(FakeError error) {
  absl::MutexLock lock(&mu_);
  failures_.push_back(std::move(error));
}

std::vector<SeenCall> FakeHerald::seen() const {
  absl::MutexLock lock(&mu_);
  return seen_;
}

grpc::Status FakeHerald::Arrive(const grpc::ServerContext& context, const char* method) {
  absl::MutexLock lock(&mu_);
  seen_.push_back({method, Metadata(context, "authorization"), Metadata(context, "traceparent"),
                   Left(context)});
  if (failures_.empty()) return grpc::Status::OK;
  const grpc::Status status = failures_.front().ToStatus();
  failures_.pop_front();
  return status;
}

}  // namespace herald::client

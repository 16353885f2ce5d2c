#pragma once

#include "herald/v1/template_service.pb.h"
#include "server/acceptance/acceptor.h"
#include "server/catalog/template_catalog.h"
#include "server/rpc/page_token.h"
#include "server/rpc/request_check.h"
#include "server/rpc/served.h"
#include "server/templates/render_limits.h"
#include "storage/template_store.h"

namespace herald::rpc {

// herald.v1.TemplateService. The tenant is always the caller's.
class TemplateService final : public Served {
 public:
  // All references outlive the service.
  TemplateService(storage::TemplateStore& store, catalog::TemplateCatalog& catalog,
                  acceptance::Acceptor& acceptor, const PageTokens& tokens,
                  const templates::RenderLimits& limits);
  ~TemplateService() override;

  const char* name() const override;
  grpc::Service& grpc_service() override;
  const MethodSet& methods() const override { return methods_; }

 private:
  class Async;

  void AddReading();
  void AddChanging();

  absl::Status CreateTemplate(const Call& call, const v1::CreateTemplateRequest& request,
                              v1::Template& response);
  absl::Status GetTemplate(const Call& call, const v1::GetTemplateRequest& request,
                           v1::Template& response);
  absl::Status ListTemplates(const Call& call, const v1::ListTemplatesRequest& request,
                             v1::ListTemplatesResponse& response);
  absl::Status DeleteTemplate(const Call& call, const v1::DeleteTemplateRequest& request,
                              v1::DeleteTemplateResponse& response);
  absl::Status CreateVersion(const Call& call, const v1::CreateTemplateVersionRequest& request,
                             v1::TemplateVersion& response);
  absl::Status GetVersion(const Call& call, const v1::GetTemplateVersionRequest& request,
                          v1::TemplateVersion& response);
  absl::Status ListVersions(const Call& call, const v1::ListTemplateVersionsRequest& request,
                            v1::ListTemplateVersionsResponse& response);
  absl::Status Publish(const Call& call, const v1::PublishTemplateVersionRequest& request,
                       v1::Template& response);
  absl::Status Render(const Call& call, const v1::RenderTemplateRequest& request,
                      v1::RenderTemplateResponse& response);
  void SendTestEmail(UnaryCall<v1::SendTestEmailRequest, v1::Email>& call);

  // Compiles, so that nothing is stored that cannot be rendered.
  absl::StatusOr<storage::TemplateVersionRow> ToRow(absl::string_view key,
                                                    const v1::TemplateContent& content,
                                                    RequestCheck& check) const;
  absl::StatusOr<std::shared_ptr<const templates::CompiledTemplate>> ToCompiled(
      TenantId tenant, const v1::RenderTemplateRequest& request);

  storage::TemplateStore& store_;
  catalog::TemplateCatalog& catalog_;
  acceptance::Acceptor& acceptor_;
  const PageTokens& tokens_;
  const templates::RenderLimits limits_;
  const std::unique_ptr<Async> async_;
  MethodSet methods_;
};

}  // namespace herald::rpc

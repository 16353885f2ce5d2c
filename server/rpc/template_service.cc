#include "server/rpc/template_service.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "herald/v1/template_service.grpc.pb.h"
#include "server/catalog/variable_codec.h"
#include "server/rpc/email_convert.h"
#include "server/rpc/template_convert.h"
#include "server/status/status_details.h"

namespace herald::rpc {
namespace {

constexpr int kPageDefault = 50;
constexpr int kPageMax = 200;
constexpr int kVersionPageDefault = 20;
constexpr int kVersionPageMax = 100;
constexpr size_t kDisplayNameMax = 256;

// What a store's error means to the caller; the store's message says what was not found.
absl::Status TemplateError(const absl::Status& status) {
  if (!ErrorReason(status).empty()) return status;
  if (absl::IsNotFound(status)) {
    const bool version = status.message() == "version";
    return MakeError(absl::StatusCode::kNotFound,
                     version ? "TEMPLATE_VERSION_NOT_FOUND" : "TEMPLATE_NOT_FOUND",
                     version ? "the template has no such version" : "there is no such template");
  }
  if (absl::IsAlreadyExists(status)) {
    return MakeError(absl::StatusCode::kAlreadyExists, "TEMPLATE_EXISTS",
                     "there is a template with this key");
  }
  return FromStorage(status);
}

absl::Status RenderError(const absl::Status& status) {
  if (absl::IsResourceExhausted(status)) {
    return MakeError(absl::StatusCode::kResourceExhausted, "RENDER_LIMIT", status.message());
  }
  if (absl::IsInvalidArgument(status)) return InvalidField("variables", status.message());
  return status;
}

absl::Status KeyStatus(absl::string_view field, absl::string_view key) {
  RequestCheck check;
  CheckTemplateKey(field, key, check);
  return check.status();
}

// The store names what was changed.
storage::AuditEntry AuditOf(const Call& call) {
  return {call.caller()->tenant, call.caller()->Actor(), std::string(call.method()), {}, {}};
}

}  // namespace

class TemplateService::Async final : public v1::TemplateService::AsyncService {};

TemplateService::TemplateService(storage::TemplateStore& store, catalog::TemplateCatalog& catalog,
                                 acceptance::Acceptor& acceptor, const PageTokens& tokens,
                                 const templates::RenderLimits& limits)
    : store_(store),
      catalog_(catalog),
      acceptor_(acceptor),
      tokens_(tokens),
      limits_(limits),
      async_(std::make_unique<Async>()) {
  AddReading();
  AddChanging();
}

TemplateService::~TemplateService() = default;

const char* TemplateService::name() const { return v1::TemplateService::service_full_name(); }

grpc::Service& TemplateService::grpc_service() { return *async_; }

void TemplateService::AddReading() {
  methods_.Add("herald.v1.TemplateService/GetTemplate", *async_, &Async::RequestGetTemplate,
               std::bind_front(&TemplateService::GetTemplate, this));
  methods_.Add("herald.v1.TemplateService/ListTemplates", *async_, &Async::RequestListTemplates,
               std::bind_front(&TemplateService::ListTemplates, this));
  methods_.Add("herald.v1.TemplateService/GetTemplateVersion", *async_,
               &Async::RequestGetTemplateVersion,
               std::bind_front(&TemplateService::GetVersion, this));
  methods_.Add("herald.v1.TemplateService/ListTemplateVersions", *async_,
               &Async::RequestListTemplateVersions,
               std::bind_front(&TemplateService::ListVersions, this));
  methods_.Add("herald.v1.TemplateService/RenderTemplate", *async_, &Async::RequestRenderTemplate,
               std::bind_front(&TemplateService::Render, this));
}

void TemplateService::AddChanging() {
  methods_.Add("herald.v1.TemplateService/CreateTemplate", *async_, &Async::RequestCreateTemplate,
               std::bind_front(&TemplateService::CreateTemplate, this));
  methods_.Add("herald.v1.TemplateService/DeleteTemplate", *async_, &Async::RequestDeleteTemplate,
               std::bind_front(&TemplateService::DeleteTemplate, this));
  methods_.Add("herald.v1.TemplateService/CreateTemplateVersion", *async_,
               &Async::RequestCreateTemplateVersion,
               std::bind_front(&TemplateService::CreateVersion, this));
  methods_.Add("herald.v1.TemplateService/PublishTemplateVersion", *async_,
               &Async::RequestPublishTemplateVersion,
               std::bind_front(&TemplateService::Publish, this));
  methods_.AddAsync("herald.v1.TemplateService/SendTestEmail", *async_,
                    &Async::RequestSendTestEmail, [this](auto& call) { SendTestEmail(call); });
}

absl::StatusOr<storage::TemplateVersionRow> TemplateService::ToRow(
    absl::string_view key, const v1::TemplateContent& content, RequestCheck& check) const {
  const templates::TemplateSource source = ToSource(content, check);
  if (!check.ok()) return check.status();
  const auto compiled = templates::CompiledTemplate::Compile(source, limits_);
  if (!compiled.ok()) return CompileError(compiled.status());
  storage::TemplateVersionRow row;
  row.template_key = std::string(key);
  row.subject = source.subject;
  row.html = source.html;
  row.text = source.text;
  row.variables = catalog::EncodeVariables((*compiled)->variables());
  return row;
}

absl::Status TemplateService::CreateTemplate(const Call& call,
                                             const v1::CreateTemplateRequest& request,
                                             v1::Template& response) {
  RequestCheck check;
  CheckTemplateKey("key", request.key(), check);
  check.AtMost("display_name", request.display_name(), kDisplayNameMax);
  const auto version = ToRow(request.key(), request.content(), check);
  if (!version.ok()) return version.status();
  storage::TemplateRow row;
  row.key = request.key();
  row.display_name = request.display_name();
  const auto created = store_.CreateTemplate(call.caller()->tenant, row, *version,
                                             !request.unpublished(), AuditOf(call));
  if (!created.ok()) return TemplateError(created.status());
  catalog_.Forget(call.caller()->tenant, request.key());
  ToProto(*created, response);
  return absl::OkStatus();
}

absl::Status TemplateService::GetTemplate(const Call& call, const v1::GetTemplateRequest& request,
                                          v1::Template& response) {
  const absl::Status key = KeyStatus("key", request.key());
  if (!key.ok()) return key;
  const auto row = store_.GetTemplate(call.caller()->tenant, request.key());
  if (!row.ok()) return TemplateError(row.status());
  ToProto(*row, response);
  return absl::OkStatus();
}

absl::Status TemplateService::ListTemplates(const Call& call,
                                            const v1::ListTemplatesRequest& request,
                                            v1::ListTemplatesResponse& response) {
  RequestCheck check;
  const int page = PageSize(request.page_size(), kPageDefault, kPageMax, check);
  const TenantId tenant = call.caller()->tenant;
  const std::string list = ListName(call.method(), tenant);
  std::string after;
  if (!request.page_token().empty()) {
    const absl::optional<std::string> opened = tokens_.Open(list, request.page_token());
    if (!opened.has_value()) check.Add("page_token", "was not given by this list");
    after = opened.value_or("");
  }
  if (!check.ok()) return check.status();
  const auto rows = store_.ListTemplates(tenant, page + 1, after);
  if (!rows.ok()) return TemplateError(rows.status());
  for (const storage::TemplateRow& row : *rows) {
    if (response.templates_size() == page) {
      response.set_next_page_token(tokens_.Seal(list, response.templates(page - 1).key()));
      break;
    }
    ToProto(row, *response.add_templates());
  }
  return absl::OkStatus();
}

absl::Status TemplateService::DeleteTemplate(const Call& call,
                                             const v1::DeleteTemplateRequest& request,
                                             v1::DeleteTemplateResponse&) {
  const absl::Status key = KeyStatus("key", request.key());
  if (!key.ok()) return key;
  const absl::Status deleted =
      store_.DeleteTemplate(call.caller()->tenant, request.key(), AuditOf(call));
  if (!deleted.ok()) return TemplateError(deleted);
  catalog_.Forget(call.caller()->tenant, request.key());
  return absl::OkStatus();
}

absl::Status TemplateService::CreateVersion(const Call& call,
                                            const v1::CreateTemplateVersionRequest& request,
                                            v1::TemplateVersion& response) {
  RequestCheck check;
  CheckTemplateKey("template_key", request.template_key(), check);
  const auto version = ToRow(request.template_key(), request.content(), check);
  if (!version.ok()) return version.status();
  const auto created =
      store_.CreateVersion(call.caller()->tenant, *version, request.publish(), AuditOf(call));
  if (!created.ok()) return TemplateError(created.status());
  catalog_.Forget(call.caller()->tenant, request.template_key());
  return ToProto(*created, response);
}

absl::Status TemplateService::GetVersion(const Call& call,
                                         const v1::GetTemplateVersionRequest& request,
                                         v1::TemplateVersion& response) {
  RequestCheck check;
  CheckTemplateKey("template_key", request.template_key(), check);
  if (request.version() < 0) check.Add("version", "is negative");
  if (!check.ok()) return check.status();
  const TenantId tenant = call.caller()->tenant;
  // Versions outlive their template, for the emails that pinned them; the API shows them no more,
  // nor when the key is used again.
  const auto row = store_.GetTemplate(tenant, request.template_key());
  if (!row.ok()) return TemplateError(row.status());
  const int wanted = request.version() == 0 ? row->published_version : request.version();
  if (wanted < row->first_version || wanted > row->latest_version) {
    return TemplateError(absl::NotFoundError("version"));
  }
  const auto version = store_.GetVersion(tenant, request.template_key(), wanted);
  if (!version.ok()) return TemplateError(version.status());
  return ToProto(*version, response);
}

absl::Status TemplateService::ListVersions(const Call& call,
                                           const v1::ListTemplateVersionsRequest& request,
                                           v1::ListTemplateVersionsResponse& response) {
  RequestCheck check;
  CheckTemplateKey("template_key", request.template_key(), check);
  const int page = PageSize(request.page_size(), kVersionPageDefault, kVersionPageMax, check);
  const TenantId tenant = call.caller()->tenant;
  const std::string list = absl::StrCat(ListName(call.method(), tenant), request.template_key());
  int before = 0;
  if (!request.page_token().empty()) {
    const absl::optional<int64_t> opened = tokens_.OpenNumber(list, request.page_token());
    if (!opened.has_value()) check.Add("page_token", "was not given by this list");
    before = static_cast<int>(opened.value_or(0));
  }
  if (!check.ok()) return check.status();
  const auto row = store_.GetTemplate(tenant, request.template_key());
  if (!row.ok()) return TemplateError(row.status());
  const auto versions = store_.ListVersions(tenant, request.template_key(), page + 1, before);
  if (!versions.ok()) return TemplateError(versions.status());
  size_t bytes = 0;
  for (const storage::TemplateVersionRow& version : *versions) {
    if (response.versions_size() == page || bytes >= kPageBytes) {
      const int last = response.versions(response.versions_size() - 1).version();
      response.set_next_page_token(tokens_.SealNumber(list, last));
      break;
    }
    v1::TemplateVersion& shown = *response.add_versions();
    const absl::Status converted = ToProto(version, shown);
    if (!converted.ok()) return converted;
    bytes += shown.ByteSizeLong();
  }
  return absl::OkStatus();
}

absl::Status TemplateService::Publish(const Call& call,
                                      const v1::PublishTemplateVersionRequest& request,
                                      v1::Template& response) {
  RequestCheck check;
  CheckTemplateKey("template_key", request.template_key(), check);
  if (request.version() < 1) check.Add("version", "is required");
  if (!check.ok()) return check.status();
  const auto row = store_.Publish(call.caller()->tenant, request.template_key(), request.version(),
                                  AuditOf(call));
  if (!row.ok()) return TemplateError(row.status());
  catalog_.Forget(call.caller()->tenant, request.template_key());
  ToProto(*row, response);
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<const templates::CompiledTemplate>> TemplateService::ToCompiled(
    TenantId tenant, const v1::RenderTemplateRequest& request) {
  RequestCheck check;
  if (request.has_template_()) {
    CheckTemplateKey("template.key", request.template_().key(), check);
    if (request.template_().version() < 0) check.Add("template.version", "is negative");
    if (!check.ok()) return check.status();
    const auto pinned =
        catalog_.LoadForSending(tenant, request.template_().key(), request.template_().version());
    if (!pinned.ok()) return pinned.status();
    return (*pinned)->compiled;
  }
  if (!request.has_content()) return InvalidField("source", "a template or content is required");
  const templates::TemplateSource source = ToSource(request.content(), check);
  if (!check.ok()) return check.status();
  auto compiled = templates::CompiledTemplate::Compile(source, limits_);
  if (!compiled.ok()) return CompileError(compiled.status());
  return compiled;
}

absl::Status TemplateService::Render(const Call& call, const v1::RenderTemplateRequest& request,
                                     v1::RenderTemplateResponse& response) {
  const auto compiled = ToCompiled(call.caller()->tenant, request);
  if (!compiled.ok()) return compiled.status();
  RequestCheck check;
  for (const templates::Violation& violation : (*compiled)->Check(request.variables())) {
    check.Add(violation.field, violation.description);
  }
  if (!check.ok()) return check.status();
  auto rendered = (*compiled)->Render(request.variables());
  if (!rendered.ok()) return RenderError(rendered.status());
  ToProto(*std::move(rendered), response);
  return absl::OkStatus();
}

void TemplateService::SendTestEmail(UnaryCall<v1::SendTestEmailRequest, v1::Email>& call) {
  if (!call.request().has_template_()) {
    return call.Finish(InvalidField("template", "is required"));
  }
  // Lives until the acceptor is done with it.
  auto request = std::make_shared<v1::SendEmailRequest>();
  request->set_idempotency_key(call.request().idempotency_key());
  *request->mutable_template_() = call.request().template_();
  *request->mutable_variables() = call.request().variables();
  *request->mutable_from() = call.request().from();
  *request->mutable_recipient() = call.request().recipient();
  request->set_lane(v1::LANE_TRANSACTIONAL);
  acceptor_.AcceptTest(call.caller(), *request, call.traceparent(), call.deadline(),
                       [&call, request](absl::StatusOr<acceptance::Accepted> accepted) {
                         if (!accepted.ok()) return call.Finish(accepted.status());
                         if (accepted->replayed)
                           call.AddResponseMetadata("herald-replayed", "true");
                         ToProto(accepted->email, Reveal::kRedacted, call.response());
                         call.Finish(absl::OkStatus());
                       });
}

}  // namespace herald::rpc

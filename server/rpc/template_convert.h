#pragma once

#include "absl/status/statusor.h"
#include "herald/v1/template_service.pb.h"
#include "server/rpc/request_check.h"
#include "server/templates/rendered_content.h"
#include "server/templates/template_source.h"
#include "storage/template_store.h"

namespace herald::rpc {

// `[a-z0-9][a-z0-9_.-]{0,127}`, or a violation.
bool CheckTemplateKey(absl::string_view field, absl::string_view key, RequestCheck& check);
templates::TemplateSource ToSource(const v1::TemplateContent& content, RequestCheck& check);
// An error of CompiledTemplate::Compile ("html: line 3, …") as a violation of that part.
absl::Status CompileError(const absl::Status& status);

void ToProto(const storage::TemplateRow& row, v1::Template& message);
// kDataLoss: the stored variables cannot be read.
absl::Status ToProto(const storage::TemplateVersionRow& row, v1::TemplateVersion& message);
void ToProto(templates::RenderedContent content, v1::RenderTemplateResponse& message);

}  // namespace herald::rpc

#include "server/rpc/template_convert.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "server/catalog/variable_codec.h"
#include "server/config/limits.h"

namespace herald::rpc {
namespace {

using templates::VariableType;

constexpr size_t kDescriptionMax = 256;

struct TypePair {
  v1::TemplateVariable::Type wire;
  VariableType type;
};
constexpr std::array<TypePair, 7> kTypes = {{
    {v1::TemplateVariable::TYPE_ANY, VariableType::kAny},
    {v1::TemplateVariable::TYPE_STRING, VariableType::kString},
    {v1::TemplateVariable::TYPE_NUMBER, VariableType::kNumber},
    {v1::TemplateVariable::TYPE_BOOLEAN, VariableType::kBoolean},
    {v1::TemplateVariable::TYPE_LIST, VariableType::kList},
    {v1::TemplateVariable::TYPE_OBJECT, VariableType::kObject},
    {v1::TemplateVariable::TYPE_UNSPECIFIED, VariableType::kAny},
}};

v1::TemplateVariable::Type ToWire(VariableType type) {
  const auto* pair = std::find_if(kTypes.begin(), kTypes.end(),
                                  [type](const TypePair& entry) { return entry.type == type; });
  return pair == kTypes.end() ? v1::TemplateVariable::TYPE_ANY : pair->wire;
}

bool IsKeyCharacter(char c) {
  return absl::ascii_islower(static_cast<unsigned char>(c)) ||
         absl::ascii_isdigit(static_cast<unsigned char>(c)) || c == '_' || c == '.' || c == '-';
}

}  // namespace

bool CheckTemplateKey(absl::string_view field, absl::string_view key, RequestCheck& check) {
  if (!check.Present(field, key)) return false;
  const bool begins = absl::ascii_isalnum(static_cast<unsigned char>(key.front()));
  if (key.size() > limits::kTemplateKeyBytesMax || !begins ||
      !std::all_of(key.begin(), key.end(), IsKeyCharacter)) {
    check.Add(field, "must match [a-z0-9][a-z0-9_.-]{0,127}");
    return false;
  }
  return true;
}

templates::TemplateSource ToSource(const v1::TemplateContent& content, RequestCheck& check) {
  templates::TemplateSource source;
  check.Present("content.subject", content.subject());
  source.subject = content.subject();
  source.html = content.html();
  source.text = content.text();
  for (int i = 0; i < content.variables_size(); ++i) {
    const v1::TemplateVariable& variable = content.variables(i);
    const std::string path = absl::StrCat("content.variables[", i, "].");
    check.AtMost(path + "description", variable.description(), kDescriptionMax);
    const auto* pair = std::find_if(kTypes.begin(), kTypes.end(), [&](const TypePair& entry) {
      return entry.wire == variable.type();
    });
    if (pair == kTypes.end()) {
      check.Add(path + "type", "is not a type");
      continue;
    }
    source.variables.push_back(
        {variable.name(), pair->type, variable.required(), variable.description()});
  }
  return source;
}

absl::Status CompileError(const absl::Status& status) {
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(status.message(), absl::MaxSplits(": ", 1));
  for (const absl::string_view part : {"subject", "html", "text", "variables"}) {
    if (parts.first == part) return InvalidField(absl::StrCat("content.", part), parts.second);
  }
  return InvalidField("content", status.message());
}

void ToProto(const storage::TemplateRow& row, v1::Template& message) {
  message.set_key(row.key);
  message.set_display_name(row.display_name);
  message.set_published_version(row.published_version);
  message.set_latest_version(row.latest_version);
  *message.mutable_create_time() = ToTimestamp(row.create_time);
  *message.mutable_update_time() = ToTimestamp(row.update_time);
}

absl::Status ToProto(const storage::TemplateVersionRow& row, v1::TemplateVersion& message) {
  const absl::StatusOr<std::vector<templates::Variable>> variables =
      catalog::DecodeVariables(row.variables);
  if (!variables.ok()) return variables.status();
  message.set_template_key(row.template_key);
  message.set_version(row.version);
  v1::TemplateContent& content = *message.mutable_content();
  content.set_subject(row.subject);
  content.set_html(row.html);
  content.set_text(row.text);
  for (const templates::Variable& variable : *variables) {
    v1::TemplateVariable& added = *content.add_variables();
    added.set_name(variable.name);
    added.set_type(ToWire(variable.type));
    added.set_required(variable.required);
    added.set_description(variable.description);
  }
  *message.mutable_create_time() = ToTimestamp(row.create_time);
  return absl::OkStatus();
}

void ToProto(templates::RenderedContent content, v1::RenderTemplateResponse& message) {
  message.set_subject(std::move(content.subject));
  message.set_html(std::move(content.html));
  message.set_text(std::move(content.text));
}

}  // namespace herald::rpc

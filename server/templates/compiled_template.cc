#include "server/templates/compiled_template.h"

#include <optional>

#include "absl/strings/str_cat.h"
#include "server/templates/mustache_program.h"
#include "server/templates/mustache_renderer.h"
#include "server/templates/utf8.h"
#include "server/templates/variable_hygiene.h"
#include "server/templates/variable_schema.h"

namespace herald::templates {
namespace {

absl::Status Annotate(absl::string_view part, const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat(part, ": ", status.message()));
}

absl::StatusOr<MustacheProgram> CompilePart(absl::string_view part, const std::string& source,
                                            const RenderLimits& limits) {
  if (source.size() > limits.source_bytes_max) {
    return absl::InvalidArgumentError(
        absl::StrCat(part, ": is longer than ", limits.source_bytes_max, " bytes"));
  }
  if (!IsValidUtf8(source)) {
    return absl::InvalidArgumentError(absl::StrCat(part, ": contains invalid UTF-8"));
  }
  if (source.find('\0') != std::string::npos) {
    return absl::InvalidArgumentError(absl::StrCat(part, ": contains a NUL character"));
  }
  absl::StatusOr<MustacheProgram> program = ParseMustache(source, limits);
  if (!program.ok()) return Annotate(part, program.status());
  return program;
}

size_t BytesOf(const MustacheProgram& program) {
  size_t bytes = program.literals.size() + program.instructions.size() * sizeof(Instruction);
  for (const MustacheProgram::Name& name : program.names) {
    bytes += sizeof(name) + name.size() * sizeof(std::string);
  }
  return bytes;
}

}  // namespace

struct CompiledTemplate::Parts {
  RenderLimits limits;
  MustacheProgram subject;
  MustacheProgram html;
  MustacheProgram text;
  VariableSchema schema;
};

CompiledTemplate::CompiledTemplate(std::unique_ptr<const Parts> parts) : parts_(std::move(parts)) {}
CompiledTemplate::~CompiledTemplate() = default;

absl::StatusOr<std::shared_ptr<const CompiledTemplate>> CompiledTemplate::Compile(
    const TemplateSource& source, const RenderLimits& limits) {
  if (source.html.empty() && source.text.empty()) {
    return absl::InvalidArgumentError("html: html and text are both empty");
  }
  absl::StatusOr<MustacheProgram> subject = CompilePart("subject", source.subject, limits);
  if (!subject.ok()) return subject.status();
  absl::StatusOr<MustacheProgram> html = CompilePart("html", source.html, limits);
  if (!html.ok()) return html.status();
  absl::StatusOr<MustacheProgram> text = CompilePart("text", source.text, limits);
  if (!text.ok()) return text.status();

  VariableUses uses;
  CollectUses(*subject, uses);
  CollectUses(*html, uses);
  CollectUses(*text, uses);
  absl::StatusOr<VariableSchema> schema =
      source.variables.empty() ? VariableSchema::FromUses(uses)
                               : VariableSchema::FromDeclaration(source.variables, uses);
  if (!schema.ok()) return schema.status();
  auto parts = std::make_unique<const Parts>(
      Parts{limits, *std::move(subject), *std::move(html), *std::move(text), *std::move(schema)});
  return std::shared_ptr<const CompiledTemplate>(new CompiledTemplate(std::move(parts)));
}

size_t CompiledTemplate::bytes() const {
  return BytesOf(parts_->subject) + BytesOf(parts_->html) + BytesOf(parts_->text);
}

const std::vector<Variable>& CompiledTemplate::variables() const {
  return parts_->schema.variables();
}

std::vector<Violation> CompiledTemplate::Check(const google::protobuf::Struct& variables) const {
  std::vector<Violation> violations;
  parts_->schema.Check(variables, parts_->limits.violations_max, violations);
  CheckHygiene(variables, parts_->limits, violations);
  return violations;
}

absl::StatusOr<RenderedContent> CompiledTemplate::Render(
    const google::protobuf::Struct& variables) const {
  const RenderLimits& limits = parts_->limits;
  int64_t steps_left = limits.steps_max;
  // Trimming may shorten the subject; CompleteParts holds it to its own limit.
  absl::StatusOr<std::string> subject = RenderMustache(parts_->subject, variables, Escaping::kNone,
                                                       limits.output_bytes_max, steps_left);
  if (!subject.ok()) return Annotate("subject", subject.status());
  absl::StatusOr<std::string> html =
      RenderMustache(parts_->html, variables, Escaping::kHtml, limits.output_bytes_max, steps_left);
  if (!html.ok()) return Annotate("html", html.status());
  absl::StatusOr<std::string> text =
      RenderMustache(parts_->text, variables, Escaping::kNone, limits.output_bytes_max, steps_left);
  if (!text.ok()) return Annotate("text", text.status());
  return CompleteParts(*std::move(subject), *std::move(html), *std::move(text), limits);
}

}  // namespace herald::templates

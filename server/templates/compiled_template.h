// A template, parsed once and rendered many times.
#pragma once

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "google/protobuf/struct.pb.h"
#include "server/templates/render_limits.h"
#include "server/templates/rendered_content.h"
#include "server/templates/template_source.h"

namespace herald::templates {

// Immutable and safe for concurrent use. Logic-less mustache (mustache(5)): variables, raw
// variables, sections, inverted sections, comments, dotted names and the implicit iterator.
// Partials, inheritance, delimiter changes and lambdas do not exist here.
//
// `{{name}}` is HTML-escaped in the html part and nowhere else. As in mustache.js a section is
// skipped for an absent, null or false value, 0, "" and an empty list.
class CompiledTemplate {
 public:
  // kInvalidArgument names the part, line and column: syntax, a limit, invalid UTF-8, or a variable
  // that is used but not declared, or used against its declared type.
  static absl::StatusOr<std::shared_ptr<const CompiledTemplate>> Compile(
      const TemplateSource& source, const RenderLimits& limits);

  ~CompiledTemplate();
  CompiledTemplate(const CompiledTemplate&) = delete;
  CompiledTemplate& operator=(const CompiledTemplate&) = delete;

  // About how much memory it takes: more than its source when that is all tags.
  size_t bytes() const;

  // The declared schema or, when the source declares none, the one derived from its use, by name:
  // what is used outside of every section is required, what is used with a dot is an object.
  const std::vector<Variable>& variables() const;

  // Why `variables` may not be rendered; empty when they may. Unknown variables are allowed. Never
  // quotes a value. Bounded by the limits also for hostile values.
  std::vector<Violation> Check(const google::protobuf::Struct& variables) const;

  // Renders without checking: what is missing is empty. kResourceExhausted or kInvalidArgument
  // (subject too long, invalid UTF-8, nothing but white space) when the result exceeds a limit.
  absl::StatusOr<RenderedContent> Render(const google::protobuf::Struct& variables) const;

 private:
  struct Parts;
  explicit CompiledTemplate(std::unique_ptr<const Parts> parts);

  const std::unique_ptr<const Parts> parts_;
};

}  // namespace herald::templates

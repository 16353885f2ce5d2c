#include "server/templates/rendered_content.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "server/templates/html_to_text.h"
#include "server/templates/subject_line.h"
#include "server/templates/text_to_html.h"
#include "server/templates/utf8.h"

namespace herald::templates {
namespace {

bool IsBlank(absl::string_view text) { return absl::StripAsciiWhitespace(text).empty(); }

absl::Status CheckPart(absl::string_view part, absl::string_view content) {
  if (!IsValidUtf8(content)) {
    return absl::InvalidArgumentError(absl::StrCat(part, ": contains invalid UTF-8"));
  }
  if (content.find('\0') != absl::string_view::npos) {
    return absl::InvalidArgumentError(absl::StrCat(part, ": contains a NUL character"));
  }
  return absl::OkStatus();
}

absl::Status CheckSize(absl::string_view part, absl::string_view content, size_t bytes_max) {
  if (content.size() <= bytes_max) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat(part, ": renders to more than ", bytes_max, " bytes"));
}

}  // namespace

absl::StatusOr<RenderedContent> CompleteParts(std::string subject, std::string html,
                                              std::string text, const RenderLimits& limits) {
  if (!IsValidUtf8(subject)) {
    return absl::InvalidArgumentError("subject: contains invalid UTF-8");
  }
  RenderedContent content{SubjectLine(subject), std::move(html), std::move(text)};
  if (content.subject.empty()) return absl::InvalidArgumentError("subject: is empty");
  if (content.subject.size() > limits.subject_bytes_max) {
    return absl::InvalidArgumentError(
        absl::StrCat("subject: is longer than ", limits.subject_bytes_max, " bytes"));
  }
  if (absl::Status s = CheckSize("html", content.html, limits.output_bytes_max); !s.ok()) return s;
  if (absl::Status s = CheckSize("text", content.text, limits.output_bytes_max); !s.ok()) return s;
  if (absl::Status s = CheckPart("html", content.html); !s.ok()) return s;
  if (absl::Status s = CheckPart("text", content.text); !s.ok()) return s;
  if (IsBlank(content.html) && IsBlank(content.text)) {
    return absl::InvalidArgumentError("html and text are both empty");
  }
  const bool has_html = !IsBlank(content.html);
  if (IsBlank(content.text)) content.text = HtmlToText(content.html);
  // An email of pictures alone still says in text what it is about.
  if (IsBlank(content.text)) content.text = content.subject;
  if (content.text.size() > limits.output_bytes_max) content.text.clear();
  if (!has_html) content.html = TextToHtml(content.text);
  if (content.html.size() > limits.output_bytes_max) content.html.clear();
  return content;
}

}  // namespace herald::templates

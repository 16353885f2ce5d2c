#include "providers/resend/resend_request.h"

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "providers/resend/json_text.h"

namespace herald::providers {
namespace {

// About what escapes and everything but the content take.
constexpr size_t kBesidesContent = 1024;

// `Name <address>`; the name is quoted when it holds anything but words (RFC 5322 3.2.3).
std::string Format(const Mailbox& mailbox) {
  if (mailbox.name.empty()) return mailbox.address;
  std::string quoted;
  bool plain = true;
  for (char c : mailbox.name) {
    const auto byte = static_cast<unsigned char>(c);
    plain = plain && (absl::ascii_isalnum(byte) || c == ' ' || c == '-' || byte >= 0x80);
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return plain ? absl::StrCat(mailbox.name, " <", mailbox.address, ">")
               : absl::StrCat("\"", quoted, "\" <", mailbox.address, ">");
}

// Writes `"name":value`, with a comma before it unless it is the first of an object.
void AppendName(std::string* out, absl::string_view name) {
  if (out->back() != '{') *out += ',';
  AppendJsonText(out, name);
  *out += ':';
}

void AppendField(std::string* out, absl::string_view name, absl::string_view value) {
  AppendName(out, name);
  AppendJsonText(out, value);
}

void AppendAttachments(std::string* out, const OutboundMessage& message) {
  AppendName(out, "attachments");
  char before = '[';
  for (const Attachment& attachment : message.attachments) {
    *out += before;
    before = ',';
    *out += '{';
    AppendField(out, "filename", attachment.filename);
    AppendField(out, "content", absl::Base64Escape(attachment.content));
    AppendField(out, "content_type", attachment.content_type);
    if (!attachment.content_id.empty()) AppendField(out, "content_id", attachment.content_id);
    *out += '}';
  }
  *out += ']';
}

void AppendBody(std::string* out, const OutboundMessage& message) {
  *out += '{';
  AppendField(out, "from", Format(message.from));
  AppendName(out, "to");
  *out += '[';
  AppendJsonText(out, Format(message.to));
  *out += ']';
  AppendField(out, "subject", message.subject);
  if (!message.reply_to.empty()) {
    AppendName(out, "reply_to");
    char before = '[';
    for (const Mailbox& mailbox : message.reply_to) {
      *out += before;
      before = ',';
      AppendJsonText(out, Format(mailbox));
    }
    *out += ']';
  }
  if (!message.html.empty()) AppendField(out, "html", message.html);
  AppendField(out, "text", message.text);  // also when empty: else Resend would make one from HTML
  if (!message.headers.empty()) {
    AppendName(out, "headers");
    *out += '{';
    for (const auto& [name, value] : message.headers) AppendField(out, name, value);
    *out += '}';
  }
  if (!message.attachments.empty()) AppendAttachments(out, message);
  *out += R"(,"tags":[{"name":"herald_email_id","value":)";
  AppendJsonText(out, message.email_id);
  *out += R"(},{"name":"herald_tenant_id","value":)";
  AppendJsonText(out, message.tenant_id);
  *out += "}]}";
}

}  // namespace

std::string ResendRequestBody(const OutboundMessage& message) {
  std::string body;
  body.reserve(message.html.size() + message.text.size() + kBesidesContent);
  AppendBody(&body, message);
  return body;
}

std::string ResendBatchBody(absl::Span<const OutboundMessage> messages) {
  std::string body = "[";
  for (const OutboundMessage& message : messages) {
    if (body.size() > 1) body += ',';
    AppendBody(&body, message);
  }
  body += ']';
  return body;
}

}  // namespace herald::providers

#include "providers/resend/resend_request.h"

#include <nlohmann/json.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace herald::providers {
namespace {

using Json = nlohmann::ordered_json;

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

Json Attachments(const OutboundMessage& message) {
  Json list = Json::array();
  for (const Attachment& attachment : message.attachments) {
    Json item = {{"filename", attachment.filename},
                 {"content", absl::Base64Escape(attachment.content)},
                 {"content_type", attachment.content_type}};
    if (!attachment.content_id.empty()) item["content_id"] = attachment.content_id;
    list.push_back(std::move(item));
  }
  return list;
}

}  // namespace

std::string ResendRequestBody(const OutboundMessage& message) {
  Json body = {{"from", Format(message.from)},
               {"to", Json::array({Format(message.to)})},
               {"subject", message.subject}};
  if (!message.reply_to.empty()) {
    Json list = Json::array();
    for (const Mailbox& mailbox : message.reply_to) list.push_back(Format(mailbox));
    body["reply_to"] = std::move(list);
  }
  if (!message.html.empty()) body["html"] = message.html;
  body["text"] = message.text;  // also when empty: else Resend would make one from the HTML
  if (!message.headers.empty()) {
    Json headers = Json::object();
    for (const auto& [name, value] : message.headers) headers[name] = value;
    body["headers"] = std::move(headers);
  }
  if (!message.attachments.empty()) body["attachments"] = Attachments(message);
  body["tags"] = Json::array({{{"name", "herald_email_id"}, {"value", message.email_id}},
                              {{"name", "herald_tenant_id"}, {"value", message.tenant_id}}});
  return body.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string ResendBatchBody(absl::Span<const OutboundMessage> messages) {
  std::string body = "[";
  for (const OutboundMessage& message : messages) {
    if (body.size() > 1) body += ',';
    body += ResendRequestBody(message);
  }
  body += ']';
  return body;
}

}  // namespace herald::providers

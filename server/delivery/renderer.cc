#include "server/delivery/renderer.h"

#include <google/protobuf/arena.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "herald/internal/v1/content.pb.h"
#include "providers/diagnostic.h"
#include "server/templates/rendered_content.h"

namespace herald::delivery {
namespace {

using internal::v1::EmailContent;

// One key for every attempt between two redrives: a redrive is an operator's decision to send anew.
std::string IdempotencyKey(const storage::LeasedEmail& email) {
  const std::string id = FormatEmailId(email.lease.email);
  return email.redrives == 0 ? id : absl::StrCat(id, "-r", email.redrives);
}

providers::Mailbox ToMailbox(const v1::Mailbox& mailbox) {
  return {mailbox.email(), mailbox.name()};
}

void AddHeaders(const EmailContent& content, providers::OutboundMessage* message) {
  for (const auto& [name, value] : content.headers()) message->headers.emplace_back(name, value);
  if (!content.unsubscribe_url().empty()) {
    message->headers.emplace_back("List-Unsubscribe",
                                  absl::StrCat("<", content.unsubscribe_url(), ">"));
    message->headers.emplace_back("List-Unsubscribe-Post", "List-Unsubscribe=One-Click");
  }
  // The map has no order of its own; the request's bytes must have one.
  std::sort(message->headers.begin(), message->headers.end());
}

void AddAttachments(const EmailContent& content, providers::OutboundMessage* message) {
  for (const v1::Attachment& file : content.attachments()) {
    message->attachments.push_back(
        {file.filename(),
         file.content_type().empty() ? "application/octet-stream" : file.content_type(),
         file.content(), file.content_id()});
  }
}

}  // namespace

Renderer::Renderer(catalog::TemplateCatalog* catalog, templates::RenderLimits limits)
    : catalog_(catalog), limits_(limits) {}

absl::StatusOr<providers::OutboundMessage> Renderer::Render(
    const storage::LeasedEmail& email) const {
  if (!email.opened.ok()) return email.opened;
  google::protobuf::Arena arena;  // the variables are many small messages
  EmailContent& content = *google::protobuf::Arena::CreateMessage<EmailContent>(&arena);
  if (!content.ParseFromString(email.content)) {
    return absl::DataLossError("the stored content does not parse");
  }

  absl::StatusOr<templates::RenderedContent> rendered = absl::InternalError("not rendered");
  if (email.template_key.empty()) {
    rendered = templates::CompleteParts(content.inline_().subject(), content.inline_().html(),
                                        content.inline_().text(), limits_);
  } else {
    absl::StatusOr<catalog::PinnedTemplatePtr> pinned =
        catalog_->ForRendering(email.lease.tenant, email.template_key, email.template_version);
    if (!pinned.ok()) return pinned.status();
    if (!content.unsubscribe_url().empty()) {
      (*content.mutable_variables()->mutable_fields())["unsubscribe_url"].set_string_value(
          content.unsubscribe_url());
    }
    rendered = (*pinned)->compiled->Render(content.variables());
  }
  if (!rendered.ok()) return rendered.status();

  providers::OutboundMessage message;
  message.email_id = FormatEmailId(email.lease.email);
  message.tenant_id = FormatTenantId(email.lease.tenant);
  message.urgent = email.lane == Lane::kCritical;
  message.idempotency_key = IdempotencyKey(email);
  message.from = ToMailbox(content.from());
  message.to = {email.recipient, content.recipient_name()};
  for (const v1::Mailbox& mailbox : content.reply_to()) {
    message.reply_to.push_back(ToMailbox(mailbox));
  }
  message.subject = std::move(rendered->subject);
  if (!content.subject_prefix().empty()) {
    // Takes its room from the end of a subject that has none to spare.
    message.subject = providers::CleanText(absl::StrCat(content.subject_prefix(), message.subject),
                                           limits_.subject_bytes_max);
  }
  message.html = std::move(rendered->html);
  message.text = std::move(rendered->text);
  AddHeaders(content, &message);
  AddAttachments(content, &message);
  message.traceparent = email.traceparent;
  return message;
}

}  // namespace herald::delivery

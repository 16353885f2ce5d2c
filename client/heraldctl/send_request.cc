#include "client/heraldctl/send_request.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/random/random.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/heraldctl/failure.h"
#include "client/heraldctl/output.h"
#include "client/heraldctl/parse.h"

namespace herald::heraldctl {
namespace {

constexpr char kKeyMissing[] =
    "--key is missing. An idempotency key names the event this email is about, such as "
    "order-confirmation:order_123: whoever repeats the command for the same event gives the same "
    "key, and Herald sends one email however often it is repeated. For a one-off, --key auto makes "
    "a random key and prints it; repeating that command sends again";

struct KnownType {
  const char* suffix;
  const char* content_type;
};

constexpr KnownType kKnownTypes[] = {
    {".csv", "text/csv"},        {".gif", "image/gif"},   {".html", "text/html"},
    {".ics", "text/calendar"},   {".jpeg", "image/jpeg"}, {".jpg", "image/jpeg"},
    {".pdf", "application/pdf"}, {".png", "image/png"},   {".txt", "text/plain"},
    {".zip", "application/zip"},
};

absl::StatusOr<v1::Attachment> BuildAttachment(const std::string& path) {
  auto content = ReadFile(path);
  if (!content.ok()) return content.status();
  v1::Attachment attachment;
  attachment.set_filename(path.substr(path.rfind('/') + 1));
  attachment.set_content(*std::move(content));
  for (const KnownType& known : kKnownTypes) {
    if (absl::EndsWithIgnoreCase(path, known.suffix)) {
      attachment.set_content_type(known.content_type);
    }
  }
  return attachment;
}

absl::Status SetContent(const SendFlags& flags, v1::SendEmailRequest& request) {
  const bool is_inline = !flags.subject.empty() || !flags.html.empty() || !flags.text.empty();
  if (is_inline == !flags.template_reference.empty()) {
    return UsageError(
        "what shall it say? Either --template KEY, or --subject with --text or --html");
  }
  if (!is_inline) {
    auto reference = ParseTemplate(flags.template_reference);
    if (!reference.ok()) return reference.status();
    *request.mutable_template_() = *std::move(reference);
    return absl::OkStatus();
  }
  std::error_code none;
  if (std::filesystem::is_regular_file(flags.html, none)) {
    return UsageError(
        absl::StrCat("--html is to be HTML; for that of the file write --html @", flags.html));
  }
  auto html = TextOrFile(flags.html);
  if (!html.ok()) return html.status();
  auto text = TextOrFile(flags.text);
  if (!text.ok()) return text.status();
  request.mutable_inline_()->set_subject(flags.subject);
  request.mutable_inline_()->set_html(*std::move(html));
  request.mutable_inline_()->set_text(*std::move(text));
  return absl::OkStatus();
}

absl::Status SetTimes(const SendFlags& flags, absl::Time now, v1::SendEmailRequest& request) {
  absl::Time start = now;
  if (!flags.send_at.empty()) {
    const auto send_time = ParseTime(flags.send_at, now);
    if (!send_time.ok()) return send_time.status();
    *request.mutable_send_time() = ToProto(*send_time);
    start = std::max(now, *send_time);
  }
  if (!flags.expire_in.empty()) {
    const auto life = ParseDuration(flags.expire_in);
    if (!life.ok()) return life.status();
    *request.mutable_expire_time() = ToProto(start + *life);
  }
  return absl::OkStatus();
}

absl::Status SetExtras(const SendFlags& flags, v1::SendEmailRequest& request) {
  for (const std::string& flag : flags.reply_to) {
    auto mailbox = ParseMailbox(flag);
    if (!mailbox.ok()) return mailbox.status();
    *request.add_reply_to() = *std::move(mailbox);
  }
  for (const std::string& flag : flags.headers) {
    const auto pair = ParsePair(flag);
    if (!pair.ok()) return pair.status();
    (*request.mutable_headers())[pair->first] = pair->second;
  }
  for (const std::string& flag : flags.metadata) {
    const auto pair = ParsePair(flag);
    if (!pair.ok()) return pair.status();
    (*request.mutable_metadata())[pair->first] = pair->second;
  }
  for (const std::string& path : flags.attachments) {
    auto attachment = BuildAttachment(path);
    if (!attachment.ok()) return attachment.status();
    *request.add_attachments() = *std::move(attachment);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::Recipient> BuildRecipient(const std::string& to, const std::string& user_id) {
  const auto mailbox = ParseMailbox(to);
  if (!mailbox.ok()) return mailbox.status();
  v1::Recipient recipient;
  recipient.set_email(mailbox->email());
  recipient.set_name(mailbox->name());
  recipient.set_user_id(user_id);
  return recipient;
}

absl::StatusOr<v1::SendEmailRequest> BuildSendRequest(const SendFlags& flags, absl::Time now) {
  v1::SendEmailRequest request;
  auto recipient = BuildRecipient(flags.to, flags.user_id);
  if (!recipient.ok()) return recipient.status();
  *request.mutable_recipient() = *std::move(recipient);
  auto from = ParseMailbox(flags.from);
  if (!from.ok()) return from.status();
  *request.mutable_from() = *std::move(from);
  if (const auto status = SetContent(flags, request); !status.ok()) return status;
  if (!flags.vars.empty()) {
    auto variables = ParseVariables(flags.vars);
    if (!variables.ok()) return variables.status();
    *request.mutable_variables() = *std::move(variables);
  }
  if (!flags.lane.empty()) {
    const auto lane = ParseLane(flags.lane);
    if (!lane.ok()) return lane.status();
    request.set_lane(*lane);
  }
  request.set_category(flags.category);
  if (const auto status = SetTimes(flags, now, request); !status.ok()) return status;
  if (const auto status = SetExtras(flags, request); !status.ok()) return status;
  return request;
}

absl::StatusOr<client::IdempotencyKey> ChooseKey(const std::string& flag) {
  if (flag.empty()) return UsageError(kKeyMissing);
  std::string text = flag;
  if (flag == "auto") {
    absl::BitGen random;
    text = absl::StrFormat("heraldctl-%016x%016x", absl::Uniform<uint64_t>(random),
                           absl::Uniform<uint64_t>(random));
  }
  auto key = client::IdempotencyKey::Create(text);
  if (!key.ok()) return UsageError(key.status().message());
  return key;
}

}  // namespace herald::heraldctl

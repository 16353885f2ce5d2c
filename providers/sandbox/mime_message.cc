#include "providers/sandbox/mime_message.h"

#include <gmime/gmime.h>

#include <algorithm>
#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace herald::providers {
namespace {

struct Unref {
  void operator()(gpointer object) const { g_object_unref(object); }
};
template <class T>
using Owned = std::unique_ptr<T, Unref>;

// The multiparts take their own references to what is added.
using Part = Owned<GMimeObject>;

constexpr char kCharset[] = "utf-8";

void SetContent(GMimePart* part, const std::string& bytes, GMimeContentEncoding encoding) {
  const Owned<GMimeStream> stream(g_mime_stream_mem_new_with_buffer(bytes.data(), bytes.size()));
  const Owned<GMimeDataWrapper> content(
      g_mime_data_wrapper_new_with_stream(stream.get(), GMIME_CONTENT_ENCODING_DEFAULT));
  g_mime_part_set_content(part, content.get());
  g_mime_part_set_content_encoding(part, encoding);
}

Part TextPart(const char* subtype, const std::string& text) {
  GMimeTextPart* part = g_mime_text_part_new_with_subtype(subtype);
  g_mime_text_part_set_charset(part, kCharset);
  SetContent(GMIME_PART(part), text, GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE);
  return Part(GMIME_OBJECT(part));
}

Part AttachmentPart(const Attachment& attachment) {
  const size_t slash = attachment.content_type.find('/');
  GMimePart* part =
      slash == std::string::npos
          ? g_mime_part_new_with_type("application", "octet-stream")
          : g_mime_part_new_with_type(attachment.content_type.substr(0, slash).c_str(),
                                      attachment.content_type.substr(slash + 1).c_str());
  const bool is_inline = !attachment.content_id.empty();
  g_mime_object_set_disposition(GMIME_OBJECT(part), is_inline ? "inline" : "attachment");
  g_mime_part_set_filename(part, attachment.filename.c_str());
  if (is_inline) g_mime_part_set_content_id(part, attachment.content_id.c_str());
  SetContent(part, attachment.content, GMIME_CONTENT_ENCODING_BASE64);
  return Part(GMIME_OBJECT(part));
}

GMimeMultipart* NewMultipart(const char* subtype, const OutboundMessage& message) {
  GMimeMultipart* multipart = g_mime_multipart_new_with_subtype(subtype);
  g_mime_multipart_set_boundary(multipart,
                                absl::StrCat("=_", subtype, "_", message.email_id).c_str());
  return multipart;
}

// The attachments of one kind around `inner`, or `inner` alone when there are none.
Part WithAttachments(Part inner, const char* subtype, bool inlined,
                     const OutboundMessage& message) {
  GMimeMultipart* multipart = nullptr;
  for (const Attachment& attachment : message.attachments) {
    if (attachment.content_id.empty() == inlined) continue;
    if (multipart == nullptr) {
      multipart = NewMultipart(subtype, message);
      g_mime_multipart_add(multipart, inner.get());
    }
    g_mime_multipart_add(multipart, AttachmentPart(attachment).get());
  }
  return multipart == nullptr ? std::move(inner) : Part(GMIME_OBJECT(multipart));
}

Part Body(const OutboundMessage& message) {
  if (message.html.empty()) {
    return WithAttachments(TextPart("plain", message.text), "related", true, message);
  }
  Part html = WithAttachments(TextPart("html", message.html), "related", true, message);
  if (message.text.empty()) return html;
  GMimeMultipart* alternative = NewMultipart("alternative", message);
  g_mime_multipart_add(alternative, TextPart("plain", message.text).get());
  g_mime_multipart_add(alternative, html.get());
  return Part(GMIME_OBJECT(alternative));
}

void AddMailbox(GMimeMessage* mime, GMimeAddressType type, const Mailbox& mailbox) {
  const char* name = mailbox.name.empty() ? nullptr : mailbox.name.c_str();
  g_mime_message_add_mailbox(mime, type, name, mailbox.address.c_str());
}

std::string Render(GMimeMessage* mime) {
  static GMimeFormatOptions* const crlf = [] {
    GMimeFormatOptions* options = g_mime_format_options_new();
    g_mime_format_options_set_newline_format(options, GMIME_NEWLINE_FORMAT_DOS);
    return options;
  }();
  const std::unique_ptr<char, decltype(&g_free)> text(
      g_mime_object_to_string(GMIME_OBJECT(mime), crlf), &g_free);
  return text.get();
}

// A value in ASCII stays as it is: GMime would make an encoded word of one that is long, which a
// list header (RFC 2369) may not have.
void AppendHeader(GMimeObject* object, const std::string& name, const std::string& value) {
  g_mime_object_append_header(object, name.c_str(), value.c_str(), kCharset);
  constexpr size_t kLineMax = 998;  // RFC 5322, 2.1.1, of the whole line
  const bool ascii = std::all_of(value.begin(), value.end(),
                                 [](unsigned char c) { return c >= 0x20 && c < 0x7f; });
  if (!ascii || name.size() + value.size() + 2 > kLineMax) return;
  GMimeHeaderList* headers = g_mime_object_get_header_list(object);
  GMimeHeader* header =
      g_mime_header_list_get_header_at(headers, g_mime_header_list_get_count(headers) - 1);
  g_mime_header_set_raw_value(header, absl::StrCat(" ", value, "\n").c_str());
}

}  // namespace

std::string BuildMimeMessage(const OutboundMessage& message, absl::Time date) {
  static const bool initialised = (g_mime_init(), true);
  (void)initialised;
  const Owned<GMimeMessage> mime(g_mime_message_new(/*pretty_headers=*/TRUE));
  AddMailbox(mime.get(), GMIME_ADDRESS_TYPE_FROM, message.from);
  AddMailbox(mime.get(), GMIME_ADDRESS_TYPE_TO, message.to);
  for (const Mailbox& mailbox : message.reply_to) {
    AddMailbox(mime.get(), GMIME_ADDRESS_TYPE_REPLY_TO, mailbox);
  }
  g_mime_message_set_subject(mime.get(), message.subject.c_str(), kCharset);
  const std::unique_ptr<GDateTime, decltype(&g_date_time_unref)> time(
      g_date_time_new_from_unix_utc(absl::ToUnixSeconds(date)), &g_date_time_unref);
  g_mime_message_set_date(mime.get(), time.get());
  g_mime_message_set_message_id(mime.get(),
                                absl::StrCat(message.email_id, "@sandbox.herald.test").c_str());
  for (const auto& [name, value] : message.headers) {
    AppendHeader(GMIME_OBJECT(mime.get()), name, value);
  }
  const Part part = WithAttachments(Body(message), "mixed", false, message);
  g_mime_message_set_mime_part(mime.get(), part.get());
  return Render(mime.get());
}

}  // namespace herald::providers

#include "server/delivery/route_query.h"

#include <algorithm>

namespace herald::delivery {
namespace {

bool HasInternationalLocalPart(const std::string& address) {
  const auto end = address.begin() + static_cast<std::ptrdiff_t>(address.rfind('@'));
  return std::any_of(address.begin(), end, [](unsigned char c) { return c > 127; });
}

// Attachments travel as base64.
size_t BytesOnTheWire(const providers::OutboundMessage& message) {
  size_t bytes = message.subject.size() + message.html.size() + message.text.size();
  for (const providers::Attachment& attachment : message.attachments) {
    bytes += (attachment.content.size() + 2) / 3 * 4;
  }
  return bytes;
}

}  // namespace

RouteQuery QueryFor(const storage::LeasedEmail& email, const providers::OutboundMessage& message) {
  RouteQuery query;
  query.tenant = email.lease.tenant;
  query.lane = email.lane;
  query.test = email.test;
  query.message_bytes = BytesOnTheWire(message);
  query.attachments = !message.attachments.empty();
  query.international = message.to.address.find('@') != std::string::npos &&
                        HasInternationalLocalPart(message.to.address);
  query.excluded = email.tried_accounts;
  return query;
}

}  // namespace herald::delivery

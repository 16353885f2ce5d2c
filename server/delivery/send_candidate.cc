#include "server/delivery/send_candidate.h"

#include "absl/strings/ascii.h"

namespace herald::delivery {
namespace {

std::string DomainOf(absl::string_view address) {
  const size_t at = address.rfind('@');
  return absl::AsciiStrToLower(at == absl::string_view::npos ? "" : address.substr(at + 1));
}

}  // namespace

SendCandidate CandidateFor(const storage::LeasedEmail& email,
                           const providers::OutboundMessage& message, absl::string_view account) {
  return {email.lease.tenant,
          email.lane,
          std::string(account),
          email.category,
          DomainOf(message.from.address),
          DomainOf(message.to.address),
          email.user_id,
          email.expire_time,
          email.slots_held,
          email.test};
}

}  // namespace herald::delivery

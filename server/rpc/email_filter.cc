#include "server/rpc/email_filter.h"

#include "model/address.h"
#include "server/config/limits.h"

namespace herald::rpc {
namespace {

// Provider message ids are kept up to this length.
constexpr size_t kProviderMessageIdMax = 256;

}  // namespace

storage::EmailQuery ToQuery(const v1::EmailFilter& filter, RequestCheck& check) {
  storage::EmailQuery query;
  if (!filter.recipient_email().empty()) {
    const absl::StatusOr<Address> address = ParseAddress(filter.recipient_email());
    if (address.ok()) {
      query.recipient_normalised = address->Normalised();
    } else {
      check.Add("filter.recipient_email", address.status().message());
    }
  }
  check.AtMost("filter.user_id", filter.user_id(), limits::kUserIdBytesMax);
  query.user_id = filter.user_id();
  for (int i = 0; i < filter.states_size(); ++i) {
    if (!v1::Email::State_IsValid(filter.states(i)) ||
        filter.states(i) == v1::Email::STATE_UNSPECIFIED) {
      check.Add("filter.states", "names a state that does not exist");
      break;
    }
    query.states.push_back(static_cast<EmailState>(filter.states(i)));
  }
  if (!v1::Lane_IsValid(filter.lane())) {
    check.Add("filter.lane", "names a lane that does not exist");
  } else if (filter.lane() != v1::LANE_UNSPECIFIED) {
    query.lane = static_cast<Lane>(filter.lane());
  }
  check.AtMost("filter.template_key", filter.template_key(), limits::kTemplateKeyBytesMax);
  query.template_key = filter.template_key();
  check.AtMost("filter.category", filter.category(), limits::kCategoryBytesMax);
  query.category = filter.category();
  check.AtMost("filter.idempotency_key", filter.idempotency_key(), limits::kIdempotencyKeyBytesMax);
  query.idempotency_key = filter.idempotency_key();
  check.AtMost("filter.provider_message_id", filter.provider_message_id(), kProviderMessageIdMax);
  query.provider_message_id = filter.provider_message_id();
  if (filter.has_create_time_from()) {
    query.create_time_from = CheckTime("filter.create_time_from", filter.create_time_from(), check);
  }
  if (filter.has_create_time_to()) {
    query.create_time_to = CheckTime("filter.create_time_to", filter.create_time_to(), check);
  }
  return query;
}

}  // namespace herald::rpc

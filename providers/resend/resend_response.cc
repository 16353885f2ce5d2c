#include "providers/resend/resend_response.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "providers/http/retry_after.h"

namespace herald::providers {
namespace {

constexpr size_t kNameBytesMax = 64;
constexpr size_t kIdBytesMax = 256;

struct Verdict {
  absl::string_view name;
  Outcome outcome;
  absl::string_view detail;
};

// https://resend.com/docs/api-reference/errors, and the names that only the official SDK lists.
// validation_error is missing here: its status decides.
constexpr Verdict kVerdicts[] = {
    {"rate_limit_exceeded", Outcome::kRetryable, "too many requests"},
    {"application_error", Outcome::kRetryable, "error inside the provider"},
    {"internal_server_error", Outcome::kRetryable, "error inside the provider"},
    {"service_unavailable", Outcome::kRetryable, "provider is unavailable"},
    // The earlier request with this key is still running: its outcome is open.
    {"concurrent_idempotent_requests", Outcome::kUnconfirmed, "an earlier request is running"},
    {"resource_locked", Outcome::kUnconfirmed, "an earlier request is running"},
    // An earlier request took this key with other bytes, and may have been delivered.
    {"invalid_idempotent_request", Outcome::kUnconfirmed, "key was used with other content"},
    {"daily_quota_exceeded", Outcome::kProviderDown, "daily quota is used up"},
    {"monthly_quota_exceeded", Outcome::kProviderDown, "monthly quota is used up"},
    {"email_above_quota", Outcome::kProviderDown, "quota is used up"},
    {"missing_api_key", Outcome::kProviderDown, "API key is missing"},
    {"invalid_api_key", Outcome::kProviderDown, "API key is not valid"},
    {"restricted_api_key", Outcome::kProviderDown, "API key may not send"},
    {"suspended_api_key", Outcome::kProviderDown, "API key is suspended"},
    {"invalid_permission", Outcome::kProviderDown, "API key may not send"},
    {"invalid_access", Outcome::kProviderDown, "API key may not send"},
    {"invalid_region", Outcome::kProviderDown, "region is not valid"},
    {"security_error", Outcome::kProviderDown, "refused for security reasons"},
    {"not_found", Outcome::kProviderDown, "endpoint does not exist"},
    {"method_not_allowed", Outcome::kProviderDown, "endpoint does not take this method"},
    {"invalid_idempotency_key", Outcome::kRejected, "idempotency key is not valid"},
    {"invalid_attachment", Outcome::kRejected, "attachment is not valid"},
    {"invalid_from_address", Outcome::kRejected, "sender is not valid"},
    {"invalid_parameter", Outcome::kRejected, "a field is not valid"},
    {"missing_required_field", Outcome::kRejected, "a field is missing"},
    {"missing_required_parameter", Outcome::kRejected, "a parameter is missing"},
};

SendResult Result(Outcome outcome, absl::string_view code, absl::string_view detail) {
  SendResult result;
  result.outcome = outcome;
  result.error_code = std::string(code);
  result.detail = std::string(detail);
  return result;
}

// The string at `key` of a JSON object when it consists of `max` harmless characters at most.
std::string Token(const nlohmann::json& body, const char* key, size_t max) {
  if (!body.is_object() || !body.contains(key) || !body[key].is_string()) return "";
  const auto& text = body[key].get_ref<const std::string&>();
  const bool harmless = std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return absl::ascii_isalnum(c) || c == '_' || c == '-';
  });
  return harmless && text.size() <= max ? text : "";
}

SendResult ClassifySuccess(const nlohmann::json& body) {
  std::string id = Token(body, "id", kIdBytesMax);
  if (id.empty()) {
    return Result(Outcome::kUnconfirmed, "unreadable_success", "success without a message id");
  }
  SendResult result = Result(Outcome::kAccepted, "", "");
  result.provider_message_id = std::move(id);
  return result;
}

// For answers without a name that we know.
SendResult ClassifyStatus(int status, absl::string_view code) {
  // A gateway speaks, not Resend: the request may have reached Resend all the same.
  if (status == 502 || status == 504 || (status >= 520 && status <= 527)) {
    return Result(Outcome::kUnconfirmed, code, "a gateway got no answer from the provider");
  }
  if (status >= 500) return Result(Outcome::kRetryable, code, "error inside the provider");
  if (status == 409) return Result(Outcome::kUnconfirmed, code, "conflict with another request");
  if (status == 429) return Result(Outcome::kRetryable, code, "too many requests");
  if (status == 408 || status == 425) return Result(Outcome::kRetryable, code, "not taken in time");
  if (status == 401 || status == 402 || status == 403 || status == 404 || status == 405) {
    return Result(Outcome::kProviderDown, code, "account may not send this way");
  }
  if (status >= 400) return Result(Outcome::kRejected, code, "message is not valid");
  return Result(Outcome::kProviderDown, code, "answer is not from the email API");
}

SendResult ClassifyError(int status, const std::string& name) {
  if (name == "validation_error" && status == 403) {
    return Result(Outcome::kProviderDown, name, "sender's domain is not verified at the provider");
  }
  if (name == "validation_error") return Result(Outcome::kRejected, name, "a field is not valid");
  for (const Verdict& verdict : kVerdicts) {
    if (verdict.name == name) return Result(verdict.outcome, name, verdict.detail);
  }
  // A name shows that Resend itself answered, and it answers 5xx only for what it did not take.
  if (!name.empty() && status >= 500) {
    return Result(Outcome::kRetryable, name, "error inside the provider");
  }
  return ClassifyStatus(status, name.empty() ? absl::StrCat(status) : name);
}

absl::optional<absl::Duration> RetryAfter(const HttpResponse& response, absl::Time now) {
  absl::optional<absl::Duration> reset;
  for (const auto& [name, value] : response.headers) {
    if (name == "retry-after") {
      const auto asked = ParseRetryAfter(value, now);
      if (asked.has_value()) return asked;
    }
    if (name == "ratelimit-reset") reset = ParseRetryAfter(value, now);
  }
  return response.status == 429 ? reset : absl::nullopt;
}

// The messages that `errors` names, or nullopt when it cannot be understood.
absl::optional<std::vector<bool>> RefusedOf(const nlohmann::json& body, size_t messages) {
  std::vector<bool> refused(messages);
  const auto errors = body.find("errors");
  if (errors == body.end() || errors->is_null()) return refused;
  if (!errors->is_array()) return absl::nullopt;
  for (const nlohmann::json& error : *errors) {
    if (!error.is_object() || !error.contains("index") || !error["index"].is_number_unsigned()) {
      return absl::nullopt;
    }
    const size_t index = error["index"].get<size_t>();
    if (index >= messages || refused[index]) return absl::nullopt;
    refused[index] = true;
  }
  return refused;
}

std::vector<SendResult> ClassifyBatchSuccess(const nlohmann::json& body, size_t messages) {
  const std::vector<SendResult> unmapped(
      messages,
      Result(Outcome::kUnconfirmed, "unreadable_success", "success that does not add up"));
  if (!body.is_object() || !body.contains("data") || !body["data"].is_array()) return unmapped;
  const absl::optional<std::vector<bool>> refused = RefusedOf(body, messages);
  if (!refused.has_value()) return unmapped;
  const auto taken = static_cast<size_t>(std::count(refused->begin(), refused->end(), false));
  const nlohmann::json& data = body["data"];
  if (data.size() != taken) return unmapped;
  std::vector<SendResult> results;
  size_t next = 0;
  for (size_t i = 0; i < messages; ++i) {
    results.push_back((*refused)[i] ? Result(Outcome::kRejected, "validation_error",
                                             "refused by the batch call: a field is not valid")
                                    : ClassifySuccess(data[next++]));
  }
  return results;
}

}  // namespace

std::vector<SendResult> ClassifyResendBatchResponse(const HttpResponse& response, size_t messages,
                                                    absl::Time now) {
  if (response.transport == HttpResponse::Transport::kAnswered && response.status >= 200 &&
      response.status < 300) {
    return ClassifyBatchSuccess(
        nlohmann::json::parse(response.body, nullptr, /*allow_exceptions=*/false), messages);
  }
  return std::vector<SendResult>(messages, ClassifyResendResponse(response, now));
}

SendResult ClassifyResendResponse(const HttpResponse& response, absl::Time now) {
  switch (response.transport) {
    case HttpResponse::Transport::kNotSent:
      return Result(Outcome::kRetryable, "not_sent", response.error);
    case HttpResponse::Transport::kUnknown:
      return Result(Outcome::kUnconfirmed, "no_answer", response.error);
    case HttpResponse::Transport::kAnswered:
      break;
  }
  const auto body = nlohmann::json::parse(response.body, nullptr, /*allow_exceptions=*/false);
  if (response.status >= 200 && response.status < 300) return ClassifySuccess(body);
  SendResult result = ClassifyError(response.status, Token(body, "name", kNameBytesMax));
  result.throttled = response.status == 429 && result.outcome == Outcome::kRetryable;
  // Who sends from a domain of its own that is not verified harms itself alone.
  result.sender_only =
      result.outcome == Outcome::kProviderDown && result.error_code == "validation_error";
  result.retry_after = RetryAfter(response, now);
  return result;
}

}  // namespace herald::providers

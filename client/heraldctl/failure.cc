#include "client/heraldctl/failure.h"

#include <iterator>
#include <nlohmann/json.hpp>
#include <ostream>
#include <string>

#include "absl/strings/cord.h"
#include "client/error_details.h"
#include "client/heraldctl/output.h"

namespace herald::heraldctl {
namespace {

constexpr char kUsagePayload[] = "heraldctl/usage";

bool IsUsageError(const absl::Status& status) {
  return status.GetPayload(kUsagePayload).has_value();
}

struct Advice {
  const char* reason;
  const char* next;
};

constexpr Advice kAdvice[] = {
    {"API_TOKEN_NOT_FOUND", "`heraldctl token list TENANT` shows the tenant's tokens"},
    {"EMAIL_NOT_CANCELLABLE", "`heraldctl events ID` shows how far the email has come"},
    {"EMAIL_NOT_DEAD", "only DEAD emails can be redriven; `heraldctl get ID` shows the state"},
    {"EMAIL_NOT_FOUND", "check the id; a token sees only the emails of its own tenant"},
    {"EMAIL_NOT_RESCHEDULABLE", "`heraldctl events ID` shows the attempt that has begun"},
    {"IDEMPOTENCY_KEY_REUSED",
     "this key was accepted with other content: `heraldctl list --key KEY` shows that email; a new "
     "event needs a new key"},
    {"RECIPIENT_NOT_ALLOWED", "this token is restricted; send to a recipient on its list"},
    {"REDRIVE_NOT_ALLOWED", "this token may not: redrive with a live one"},
    {"SENDER_NOT_ALLOWED",
     "an operator allows domains with `heraldctl tenant update TENANT --add-domain DOMAIN`"},
    {"TEMPLATE_NOT_FOUND",
     "`heraldctl template list` shows the templates, `heraldctl template push` makes one"},
    {"TEMPLATE_VERSION_NOT_FOUND", "`heraldctl template get KEY` shows the versions"},
    {"TENANT_EXISTS", "choose another slug; `heraldctl tenant list` shows those in use"},
    {"TENANT_NOT_FOUND", "`heraldctl tenant list` shows the tenants"},
    {"TENANT_SUSPENDED",
     "an operator wakes it with `heraldctl tenant update TENANT --state active`"},
};

std::string AdviceByCode(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
      return "correct what is named above and repeat; nothing was changed";
    case absl::StatusCode::kUnauthenticated:
      return "check the token: --token, HERALD_TOKEN or the profile; it may be revoked or expired";
    case absl::StatusCode::kPermissionDenied:
      return "the token lacks the scope; tenants, tokens and audit need the operator's token";
    case absl::StatusCode::kUnavailable:
      return "check the address and that heraldd runs (`heraldctl health`); a send may be "
             "repeated with the same key";
    case absl::StatusCode::kDeadlineExceeded:
      return "give it longer with --timeout; a send may be repeated with the same key";
    case absl::StatusCode::kResourceExhausted:
      return "slow down and repeat later; a send with the same key";
    default:
      return "";
  }
}

std::string NextStep(const absl::Status& status, const std::string& reason) {
  if (IsUsageError(status)) return "";
  for (const Advice& advice : kAdvice) {
    if (reason == advice.reason) return advice.next;
  }
  return AdviceByCode(status);
}

void PrintJsonFailure(std::ostream& err, const absl::Status& status,
                      const client::ErrorDetails& details, const std::string& next) {
  nlohmann::json error = {{"code", absl::StatusCodeToString(status.code())},
                          {"message", std::string(status.message())}};
  if (!details.reason.empty()) error["reason"] = details.reason;
  if (!details.metadata.empty()) error["metadata"] = details.metadata;
  for (const auto& violation : details.violations) {
    error["violations"].push_back(
        {{"field", violation.field}, {"description", violation.description}});
  }
  if (details.retry_delay) error["retryDelay"] = absl::FormatDuration(*details.retry_delay);
  if (!next.empty()) error["next"] = next;
  constexpr auto kReplaceBadUtf8 = nlohmann::json::error_handler_t::replace;
  err << nlohmann::json{{"error", error}}.dump(-1, ' ', false, kReplaceBadUtf8) << "\n";
}

}  // namespace

absl::Status UsageError(absl::string_view message) {
  absl::Status status = absl::InvalidArgumentError(message);
  status.SetPayload(kUsagePayload, absl::Cord("1"));
  return status;
}

ExitCode ExitCodeFor(const absl::Status& status) {
  if (status.ok()) return kExitOk;
  if (IsUsageError(status)) return kExitUsage;
  switch (status.code()) {
    case absl::StatusCode::kNotFound:
      return kExitNotFound;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
      return kExitUnavailable;
    default:
      return kExitFailed;
  }
}

void PrintFailure(std::ostream& err, const absl::Status& status, bool json) {
  const client::ErrorDetails details = client::ExtractErrorDetails(status);
  const std::string next = NextStep(status, details.reason);
  if (json) return PrintJsonFailure(err, status, details, next);

  err << "heraldctl: " << Printable(status.message()) << "\n";
  Table table;
  if (!IsUsageError(status)) table.Add({"  code", absl::StatusCodeToString(status.code())});
  if (!details.reason.empty()) table.Add({"  reason", details.reason});
  for (const auto& [name, value] : details.metadata) table.Add({"  " + name, value});
  for (const auto& violation : details.violations) {
    table.Add({"  field", violation.field + ": " + violation.description});
  }
  if (details.retry_delay) {
    table.Add({"  retry in", absl::FormatDuration(*details.retry_delay)});
  }
  if (!next.empty()) table.Add({"  next", next});
  table.Print(err);
}

}  // namespace herald::heraldctl

#include "tests/support/resend_emulator.h"

#include <deque>
#include <nlohmann/json.hpp>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/synchronization/mutex.h"
#include "tests/support/ground_truth.h"
#include "tests/support/http_emulator.h"

namespace herald::testing {
namespace {

using Json = nlohmann::json;
using Kind = ResendFault::Kind;

constexpr absl::Duration kIdempotencyWindow = absl::Hours(24);
constexpr size_t kKeyBytesMax = 256;
constexpr size_t kRecipientsMax = 50;
constexpr size_t kBatchMax = 100;
constexpr char kBatchTarget[] = "/emails/batch";

EmulatedReply Error(int status, const std::string& name, const std::string& message = "refused") {
  EmulatedReply reply;
  reply.status = status;
  reply.headers = {{"Content-Type", "application/json"}};
  reply.body = Json{{"statusCode", status}, {"name", name}, {"message", message}}.dump();
  return reply;
}

absl::optional<EmulatedReply> CheckTags(const Json& mail) {
  for (const Json& tag : mail.value("tags", Json::array())) {
    for (const char* field : {"name", "value"}) {
      const std::string text = tag.value(field, "");
      const bool valid = !text.empty() && text.size() <= 256 &&
                         std::all_of(text.begin(), text.end(), [](unsigned char c) {
                           return isalnum(c) || c == '_' || c == '-';
                         });
      if (!valid) return Error(422, "invalid_parameter", "Tags hold only letters and digits.");
    }
  }
  return absl::nullopt;
}

absl::optional<EmulatedReply> CheckMail(const Json& mail) {
  if (!mail.is_object()) return Error(400, "validation_error", "The body is not a JSON object.");
  for (const char* field : {"from", "to", "subject"}) {
    if (!mail.contains(field) || mail[field].empty()) {
      return Error(422, "missing_required_field", absl::StrCat("Missing `", field, "` field."));
    }
  }
  if (!mail.contains("html") && !mail.contains("text")) {
    return Error(422, "missing_required_field", "Missing `html` or `text` field.");
  }
  if (mail["to"].is_array() && mail["to"].size() > kRecipientsMax) {
    return Error(422, "invalid_parameter", "Too many recipients.");
  }
  const std::string to = mail["to"].is_array() ? mail["to"][0] : mail["to"];
  if (!absl::StrContains(to, "@")) {
    return Error(422, "invalid_parameter", absl::StrCat("Invalid `to` field: ", to));
  }
  const std::string from = mail["from"];
  if (absl::StrContains(from, "@unverified.test")) {
    return Error(403, "validation_error", "The unverified.test domain is not verified.");
  }
  return CheckTags(mail);
}

std::string TagValue(const Json& mail, const char* name) {
  for (const Json& tag : mail.value("tags", Json::array())) {
    if (tag.value("name", "") == name) return tag.value("value", "");
  }
  return "-";
}

EmulatedReply::Fault TransportFault(Kind kind) {
  switch (kind) {
    case Kind::kCutBeforeAccept:
    case Kind::kAcceptThenClose:
      return EmulatedReply::Fault::kClose;
    case Kind::kAcceptThenReset:
      return EmulatedReply::Fault::kReset;
    case Kind::kAcceptThenHang:
      return EmulatedReply::Fault::kHang;
    case Kind::kAcceptThenHalfAnswer:
      return EmulatedReply::Fault::kHalfAnswer;
    case Kind::kNone:
    case Kind::kError:
      break;
  }
  return EmulatedReply::Fault::kNone;
}

}  // namespace

class ResendEmulator::Impl {
 public:
  explicit Impl(ResendEmulatorOptions options)
      : options_(std::move(options)),
        truth_(options_.ground_truth),
        http_([this](const EmulatedRequest& request) { return Handle(request); }, options_.port) {}

  const HttpEmulator& http() const { return http_; }

  void Script(ResendFault fault) {
    absl::MutexLock lock(&mu_);
    script_.push_back(std::move(fault));
  }
  int accepted() const {
    absl::MutexLock lock(&mu_);
    return accepted_;
  }
  int kept_alive() const {
    absl::MutexLock lock(&mu_);
    return kept_alive_;
  }
  EmulatedRequest last() const {
    absl::MutexLock lock(&mu_);
    return last_;
  }

 private:
  struct Taken {
    size_t body_hash;
    std::string answer;
    absl::Time at;
    absl::Time busy_until;
  };

  EmulatedReply Handle(const EmulatedRequest& request) {
    absl::MutexLock lock(&mu_);
    last_ = request;
    kept_alive_ += request.request_on_connection > 0 ? 1 : 0;
    const ResendFault fault = NextFault();
    EmulatedReply reply;
    if (fault.kind == Kind::kError) {
      reply = Error(fault.status, fault.name);
      if (fault.name.empty()) reply.body = "<html>error</html>";
    } else if (fault.kind != Kind::kCutBeforeAccept) {
      reply = Answer(request, fault.delay);
    }
    reply.headers.insert(reply.headers.end(), fault.headers.begin(), fault.headers.end());
    reply.delay = fault.delay;
    reply.fault = TransportFault(fault.kind);
    return reply;
  }

  ResendFault NextFault() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    const int number = requests_++;
    if (!script_.empty()) {
      ResendFault fault = std::move(script_.front());
      script_.pop_front();
      return fault;
    }
    return options_.fault ? options_.fault(number) : ResendFault();
  }

  EmulatedReply Answer(const EmulatedRequest& request, absl::Duration delay)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    const absl::optional<EmulatedReply> refused = CheckRequest(request);
    if (refused.has_value()) return *refused;
    std::string key = request.Header("idempotency-key").value_or("");
    if (request.Header("idempotency-key").has_value() &&
        (key.empty() || key.size() > kKeyBytesMax)) {
      return Error(400, "invalid_idempotency_key");
    }
    const std::string written_key = key.empty() ? "-" : key;
    key = key.empty() || !options_.idempotent ? "" : absl::StrCat(request.target, " ", key);
    const size_t body_hash = std::hash<std::string>()(request.body);
    const absl::Time now = options_.clock();
    const auto found = taken_.find(key);
    if (!key.empty() && found != taken_.end() && now < found->second.at + kIdempotencyWindow) {
      if (found->second.body_hash != body_hash) return Error(409, "invalid_idempotent_request");
      if (now < found->second.busy_until) return Error(409, "concurrent_idempotent_requests");
      return Success(found->second.answer);
    }
    const Json mail = Json::parse(request.body, nullptr, /*allow_exceptions=*/false);
    std::string answer;
    if (request.target == kBatchTarget) {
      const bool permissive = request.Header("x-batch-validation").value_or("") == "permissive";
      const absl::optional<EmulatedReply> invalid =
          TakeBatch(mail, permissive, written_key, answer);
      if (invalid.has_value()) return *invalid;
    } else {
      const absl::optional<EmulatedReply> invalid = CheckMail(mail);
      if (invalid.has_value()) return *invalid;
      answer = Json{{"id", Take(mail, written_key)}}.dump();
    }
    if (!key.empty()) taken_[key] = {body_hash, answer, now, now + delay};
    return Success(answer);
  }

  std::string Take(const Json& mail, const std::string& key) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    truth_.Append({TagValue(mail, "herald_email_id"), key});
    return absl::StrFormat("49a3999c-0ce1-4ea6-ab68-%012x", ++accepted_);
  }

  // Writes the answer, or returns the refusal of the whole call.
  absl::optional<EmulatedReply> TakeBatch(const Json& mails, bool permissive,
                                          const std::string& key, std::string& answer)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    if (!mails.is_array() || mails.empty() || mails.size() > kBatchMax) {
      return Error(422, "validation_error", "The body is not an array of 1 to 100 emails.");
    }
    Json errors = Json::array();
    for (size_t i = 0; i < mails.size(); ++i) {
      absl::optional<EmulatedReply> invalid = CheckMail(mails[i]);
      if (mails[i].is_object() && mails[i].contains("attachments")) {
        invalid = Error(422, "invalid_attachment", "Batches hold no attachments.");
      }
      if (!invalid.has_value()) continue;
      if (!permissive) return invalid;
      errors.push_back({{"index", i}, {"message", "refused"}});
    }
    Json data = Json::array();
    for (size_t i = 0, e = 0; i < mails.size(); ++i) {
      if (e < errors.size() && errors[e]["index"] == i) {
        ++e;
      } else {
        data.push_back({{"id", Take(mails[i], key)}});
      }
    }
    Json body = {{"data", std::move(data)}};
    if (permissive) body["errors"] = std::move(errors);
    answer = body.dump();
    return absl::nullopt;
  }

  static EmulatedReply Success(const std::string& answer) {
    EmulatedReply reply;
    reply.headers = {{"Content-Type", "application/json"}};
    reply.body = answer;
    return reply;
  }

  absl::optional<EmulatedReply> CheckRequest(const EmulatedRequest& request)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    if (request.Header("user-agent").value_or("").empty()) {
      EmulatedReply reply;
      reply.status = 403;
      reply.body = "error code: 1010";
      return reply;
    }
    if (request.target != "/emails" && request.target != kBatchTarget)
      return Error(404, "not_found");
    if (request.method != "POST") return Error(405, "method_not_allowed");
    const std::string authorization = request.Header("authorization").value_or("");
    if (authorization.empty()) return Error(401, "missing_api_key");
    if (authorization == "Bearer re_suspended") return Error(403, "suspended_api_key");
    if (authorization != absl::StrCat("Bearer ", options_.api_key)) {
      return Error(403, "invalid_api_key");
    }
    return CheckRate();
  }

  absl::optional<EmulatedReply> CheckRate() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    if (options_.requests_per_second_max == 0) return absl::nullopt;
    const int64_t second = absl::ToUnixSeconds(options_.clock());
    if (second != window_) {
      window_ = second;
      in_window_ = 0;
    }
    if (++in_window_ <= options_.requests_per_second_max) return absl::nullopt;
    EmulatedReply reply = Error(429, "rate_limit_exceeded");
    reply.headers.insert(reply.headers.end(),
                         {{"ratelimit-limit", absl::StrCat(options_.requests_per_second_max)},
                          {"ratelimit-remaining", "0"},
                          {"ratelimit-reset", "1"},
                          {"retry-after", "1"}});
    return reply;
  }

  const ResendEmulatorOptions options_;
  mutable absl::Mutex mu_;
  GroundTruthFile truth_ ABSL_GUARDED_BY(mu_);
  std::deque<ResendFault> script_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<std::string, Taken> taken_ ABSL_GUARDED_BY(mu_);
  EmulatedRequest last_ ABSL_GUARDED_BY(mu_);
  int requests_ ABSL_GUARDED_BY(mu_) = 0;
  int accepted_ ABSL_GUARDED_BY(mu_) = 0;
  int kept_alive_ ABSL_GUARDED_BY(mu_) = 0;
  int64_t window_ ABSL_GUARDED_BY(mu_) = 0;
  int in_window_ ABSL_GUARDED_BY(mu_) = 0;

  HttpEmulator http_;  // last: its thread uses all of the above
};

ResendEmulator::ResendEmulator(ResendEmulatorOptions options)
    : impl_(std::make_unique<Impl>(std::move(options))) {}
ResendEmulator::~ResendEmulator() = default;
std::string ResendEmulator::url() const { return impl_->http().url(); }
int ResendEmulator::port() const { return impl_->http().port(); }
int ResendEmulator::requests() const { return impl_->http().requests(); }
int ResendEmulator::kept_alive() const { return impl_->kept_alive(); }
int ResendEmulator::accepted() const { return impl_->accepted(); }
void ResendEmulator::Script(ResendFault fault) { impl_->Script(std::move(fault)); }
std::string ResendEmulator::last_body() const { return impl_->last().body; }
std::string ResendEmulator::last_header(const std::string& name) const {
  return impl_->last().Header(name).value_or("");
}

}  // namespace herald::testing

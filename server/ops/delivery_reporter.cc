#include "server/ops/delivery_reporter.h"

#include <map>
#include <set>
#include <vector>

#include "absl/strings/str_split.h"
#include "model/ids.h"
#include "server/ops/log.h"

namespace herald::ops {
namespace {

using Kind = storage::Disposition::Kind;

// The second part of a W3C traceparent; empty when there is none.
std::string TraceId(const storage::LeasedEmail& email) {
  const std::vector<std::string> parts = absl::StrSplit(email.traceparent, '-');
  return parts.size() >= 4 ? parts[1] : std::string();
}

struct Fate {
  const char* event;
  Severity severity;
};

// While no account is up everything that waits is put off every few seconds: no news.
constexpr Fate kPutOff = {"email_put_off", Severity::kDebug};
constexpr Fate kChunkPutOff = {"chunk_put_off", Severity::kDebug};
constexpr Fate kChunkRetrying = {"chunk_retrying", Severity::kInfo};
constexpr Fate kChunkUnconfirmed = {"chunk_unconfirmed", Severity::kWarning};

Fate FateOf(Kind kind, int attempt) {
  switch (kind) {
    case Kind::kSent:
      return {"email_sent", Severity::kDebug};
    case Kind::kRetry:
      return attempt == 0 ? kPutOff : Fate{"email_retrying", Severity::kInfo};
    case Kind::kUnconfirmed:
      return {"email_unconfirmed", Severity::kWarning};
    case Kind::kFailed:
      return {"email_failed", Severity::kWarning};
    case Kind::kDead:
      return {"email_dead", Severity::kError};
  }
  return {"email_recorded", Severity::kInfo};
}

}  // namespace

void DeliveryReporter::OnHandedOver(const storage::LeasedEmail& email, absl::string_view account,
                                    int attempt, const providers::SendResult& result,
                                    absl::Duration took) {
  metrics_->Account(account).Attempted(result.outcome, took);
  Log(Severity::kDebug, "handed_over",
      {{"email_id", FormatEmailId(email.lease.email)},
       {"lane", LaneName(email.lane)},
       {"account", account},
       {"attempt", attempt},
       {"outcome", OutcomeName(result.outcome)},
       {"error_code", result.error_code},
       {"duration_ms", absl::ToDoubleMilliseconds(took)},
       {"trace_id", TraceId(email)}});
}

void DeliveryReporter::OnRecorded(const storage::LeasedEmail& email, const storage::AttemptEnd& end,
                                  absl::Duration since_due) {
  const Kind kind = end.disposition.kind;
  if (kind == Kind::kSent) {
    metrics_->AcceptedToSent(email.lane, since_due);
  } else if (kind == Kind::kRetry && end.attempt > 0) {
    metrics_->Retried(email.lane);
    if (!end.disposition.tried_accounts.empty()) metrics_->FailedOver(end.account);
  }
  const Fate fate = FateOf(kind, end.attempt);
  Log(fate.severity, fate.event,
      {{"email_id", FormatEmailId(email.lease.email)},
       {"lane", LaneName(email.lane)},
       {"account", end.account},
       {"attempt", end.attempt},
       {"reason", end.disposition.reason},
       {"error_code", end.error_code},
       {"delay_ms", absl::ToDoubleMilliseconds(end.disposition.delay)},
       {"trace_id", TraceId(email)}});
}

void DeliveryReporter::OnChunkHandedOver(const storage::LeasedChunk& chunk,
                                         absl::string_view account, int attempt,
                                         absl::Span<const providers::SendResult> results,
                                         absl::Duration took) {
  auto& meter = metrics_->Account(account);
  for (const providers::SendResult& result : results) meter.Attempted(result.outcome, took);
  Log(Severity::kDebug, "chunk_handed_over",
      {{"email_id", FormatEmailId(EmailId{chunk.lease.chunk.value})},
       {"count", static_cast<int>(results.size())},
       {"lane", LaneName(chunk.lane)},
       {"account", account},
       {"attempt", attempt},
       {"duration_ms", absl::ToDoubleMilliseconds(took)}});
}

void DeliveryReporter::OnChunkRecorded(const storage::LeasedChunk& chunk,
                                       const storage::ChunkEnd& end, absl::Time now) {
  using End = storage::ChunkEnd::Kind;
  if (end.kind != End::kDone) {
    const bool retries = end.kind == End::kRetry;
    if (retries && end.attempt > 0) {
      for (size_t i = 0; i < chunk.members.size(); ++i) metrics_->Retried(chunk.lane);
    }
    const Fate fate = !retries           ? kChunkUnconfirmed
                      : end.attempt == 0 ? kChunkPutOff
                                         : kChunkRetrying;
    Log(fate.severity, fate.event,
        {{"email_id", FormatEmailId(EmailId{chunk.lease.chunk.value})},
         {"count", static_cast<int>(chunk.members.size())},
         {"lane", LaneName(chunk.lane)},
         {"account", end.account},
         {"attempt", end.attempt},
         {"reason", end.reason},
         {"error_code", end.error_code},
         {"delay_ms", absl::ToDoubleMilliseconds(end.delay)}});
    return;
  }
  std::map<EmailId, const storage::MemberEnd*> others;
  for (const storage::MemberEnd& member : end.others) others[member.email] = &member;
  const std::set<EmailId> rest(end.rest.begin(), end.rest.end());
  for (const storage::LeasedEmail& member : chunk.members) {
    storage::AttemptEnd alone;
    alone.lease = member.lease;
    alone.attempt = end.attempt;
    alone.account = end.account;
    alone.disposition.kind = Kind::kSent;
    const auto other = others.find(member.lease.email);
    if (other != others.end()) {
      alone.disposition = other->second->disposition;
      alone.error_code = other->second->error_code;
    } else if (rest.count(member.lease.email) > 0) {
      alone.disposition = {Kind::kRetry, end.delay, end.reason, end.free, end.tried_accounts};
    }
    OnRecorded(member, alone, now - member.create_time);
  }
}

void DeliveryReporter::OnChunkStale(const storage::LeasedChunk& chunk) {
  for (const storage::LeasedEmail& member : chunk.members) OnStale(member);
}

void DeliveryReporter::OnStopped(const storage::LeasedEmail& email, EmailState state) {
  Log(Severity::kInfo, "email_stopped",
      {{"email_id", FormatEmailId(email.lease.email)},
       {"lane", LaneName(email.lane)},
       {"state", EmailStateName(state)},
       {"trace_id", TraceId(email)}});
}

void DeliveryReporter::OnStale(const storage::LeasedEmail& email) {
  metrics_->StaleOutcomes(1);
  Log(Severity::kWarning, "outcome_stale",
      {{"email_id", FormatEmailId(email.lease.email)},
       {"lane", LaneName(email.lane)},
       {"trace_id", TraceId(email)}});
}

void DeliveryReporter::OnRenderFailure(const storage::LeasedEmail& email,
                                       const absl::Status& status) {
  metrics_->RenderFailed(email.lane);
  // Not the message: it may quote the template or a variable.
  Log(Severity::kWarning, "render_failed",
      {{"email_id", FormatEmailId(email.lease.email)},
       {"lane", LaneName(email.lane)},
       {"version", email.template_version},
       {"code", absl::StatusCodeToString(status.code())},
       {"trace_id", TraceId(email)}});
}

void DeliveryReporter::OnParked(const storage::LeasedEmail& email, LimitScope limit,
                                absl::Duration delay) {
  metrics_->Parked(limit, delay);
  Log(Severity::kDebug, "email_parked",
      {{"email_id", FormatEmailId(email.lease.email)},
       {"lane", LaneName(email.lane)},
       {"limit", LimitScopeName(limit)},
       {"delay_ms", absl::ToDoubleMilliseconds(delay)},
       {"trace_id", TraceId(email)}});
}

void DeliveryReporter::OnStorageError(absl::string_view step, const absl::Status& status) {
  metrics_->DatabaseError(status.code());
  Log(Severity::kWarning, "storage_error",
      {{"step", step}, {"code", absl::StatusCodeToString(status.code())}});
}

}  // namespace herald::ops

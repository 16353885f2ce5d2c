#include "server/observed/observed_delivery.h"

#include "server/ops/log.h"
#include "server/observed/trace_id.h"

namespace herald::ops {

void ObservedDelivery::OnHandedOver(const storage::LeasedEmail& email, absl::string_view account,
                                    int attempt, const providers::SendResult& result,
                                    absl::Duration took) {
  metrics_.Account(account).Attempted(result.outcome, took);
  // Sent email is the rule and is logged at debug; what needs a look is not.
  const Severity severity =
      result.outcome == Outcome::kAccepted ? Severity::kDebug : Severity::kWarning;
  Log(severity, "handed_over",
      {{"tenant_id", FormatTenantId(email.lease.tenant)},
       {"email_id", FormatEmailId(email.lease.email)},
       {"lane", LaneName(email.lane)},
       {"provider", account},
       {"attempt", attempt},
       {"outcome", OutcomeName(result.outcome)},
       {"error_code", result.error_code},
       {"reason", result.detail},
       {"duration_ms", absl::ToInt64Milliseconds(took)},
       {"trace_id", TraceId(email.traceparent)}});
}

void ObservedDelivery::OnRecorded(const storage::LeasedEmail& email,
                                  const storage::AttemptEnd& end, absl::Duration since_due) {
  using Kind = storage::Disposition::Kind;
  EmailState state = EmailState::kSent;
  switch (end.disposition.kind) {
    case Kind::kRetry:
    case Kind::kUnconfirmed:
      metrics_.Retried(email.lane);
      return;
    case Kind::kSent:
      metrics_.AcceptedToSent(email.lane, since_due);
      break;
    case Kind::kFailed:
      state = EmailState::kFailed;
      break;
    case Kind::kDead:
      state = EmailState::kDead;
      break;
  }
  metrics_.EmailsFinished(email.lane, state);
  Log(state == EmailState::kSent ? Severity::kInfo : Severity::kWarning, "email_finished",
      {{"tenant_id", FormatTenantId(email.lease.tenant)},
       {"email_id", FormatEmailId(email.lease.email)},
       {"lane", LaneName(email.lane)},
       {"provider", end.account},
       {"attempt", end.attempt},
       {"state", EmailStateName(state)},
       {"reason", end.disposition.reason},
       {"duration_ms", absl::ToInt64Milliseconds(since_due)},
       {"trace_id", TraceId(email.traceparent)}});
}

void ObservedDelivery::OnStale(const storage::LeasedEmail& email) {
  metrics_.StaleOutcomes(1);
  Log(Severity::kWarning, "outcome_stale",
      {{"tenant_id", FormatTenantId(email.lease.tenant)},
       {"email_id", FormatEmailId(email.lease.email)},
       {"lane", LaneName(email.lane)}});
}

void ObservedDelivery::OnRenderFailure(const storage::LeasedEmail& email,
                                       const absl::Status& status) {
  metrics_.RenderFailed(email.lane);
  Log(Severity::kWarning, "render_failed",
      {{"tenant_id", FormatTenantId(email.lease.tenant)},
       {"email_id", FormatEmailId(email.lease.email)},
       {"lane", LaneName(email.lane)},
       {"template_id", email.template_key},
       {"version", email.template_version},
       {"code", absl::StatusCodeToString(status.code())},
       {"reason", status.message()}});
}

void ObservedDelivery::OnStorageError(absl::string_view step, const absl::Status& status) {
  metrics_.DatabaseError(status.code());
  Log(Severity::kWarning, "storage_error",
      {{"cause", step},
       {"code", absl::StatusCodeToString(status.code())},
       {"reason", status.message()}});
}

}  // namespace herald::ops

#include "server/rpc/email_service.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "herald/v1/email_service.grpc.pb.h"
#include "server/config/limits.h"
#include "server/rpc/email_convert.h"
#include "server/rpc/email_filter.h"
#include "server/rpc/request_check.h"
#include "server/rpc/watch_stream.h"
#include "server/rpc/wire_status.h"

namespace herald::rpc {
namespace {

constexpr int kPageDefault = 50;
constexpr int kPageMax = 500;
constexpr int kRedriveDefault = 1000;
constexpr int kRedriveMax = 10'000;
// A redriven email may wait for a provider for so long, whatever its lane.
constexpr absl::Duration kRedriveLifetime = absl::Hours(24);

absl::StatusOr<EmailId> RequiredId(absl::string_view field, absl::string_view text) {
  const absl::optional<EmailId> id = ParseEmailId(text);
  if (!id.has_value()) return InvalidField(field, "is not an email id (em_…)");
  return *id;
}

// What a store's error about one email means to its caller.
absl::Status EmailError(const absl::Status& status, absl::string_view precondition_reason,
                        absl::string_view precondition) {
  if (!ErrorReason(status).empty()) return status;
  if (absl::IsNotFound(status)) {
    return MakeError(absl::StatusCode::kNotFound, "EMAIL_NOT_FOUND", "there is no such email");
  }
  if (absl::IsFailedPrecondition(status) && !precondition_reason.empty()) {
    return MakeError(absl::StatusCode::kFailedPrecondition, precondition_reason, precondition);
  }
  return FromStorage(status);
}

// A redrive puts mail on the wire as a send does, for whomever it was accepted.
absl::Status RedriveNotAllowed(absl::string_view why) {
  return MakeError(absl::StatusCode::kPermissionDenied, "REDRIVE_NOT_ALLOWED", why);
}

absl::Status CheckMayRedrive(const identity::Caller& caller) {
  if (caller.mode != storage::TokenMode::kRestricted) return absl::OkStatus();
  return RedriveNotAllowed("a restricted token puts no email back");
}

// The ingest limit refuses all items or none.
bool RefusedByLimit(const std::vector<absl::StatusOr<acceptance::Accepted>>& accepted) {
  return absl::IsResourceExhausted(accepted[0].status()) &&
         ErrorReason(accepted[0].status()) == "INGEST_LIMIT";
}

void Answer(const absl::StatusOr<acceptance::Accepted>& accepted,
            UnaryCall<v1::SendEmailRequest, v1::Email>& call) {
  if (!accepted.ok()) return call.Finish(accepted.status());
  if (accepted->replayed) call.AddResponseMetadata("herald-replayed", "true");
  ToProto(accepted->email, Reveal::kRedacted, call.response());
  call.Finish(absl::OkStatus());
}

// Returns the error with its cause where an item failed through no fault of the caller.
absl::Status ToResult(const absl::StatusOr<acceptance::Accepted>& accepted,
                      v1::SendEmailsResult& result) {
  if (!accepted.ok()) {
    const absl::Status told = FromStorage(accepted.status());
    *result.mutable_error() = ToRpcStatus(told);
    return Cause(told).empty() ? absl::OkStatus() : told;
  }
  ToProto(accepted->email, Reveal::kRedacted, *result.mutable_email());
  result.set_replayed(accepted->replayed);
  return absl::OkStatus();
}

}  // namespace

// Unary methods on the completion queue; the stream as a reactor.
class EmailService::Async final
    : public v1::EmailService::WithCallbackMethod_WatchEmailEvents<
          v1::EmailService::WithAsyncMethod_SendEmail<v1::EmailService::WithAsyncMethod_SendEmails<
              v1::EmailService::WithAsyncMethod_GetEmail<
                  v1::EmailService::WithAsyncMethod_ListEmails<
                      v1::EmailService::WithAsyncMethod_ListEmailEvents<
                          v1::EmailService::WithAsyncMethod_CancelEmail<
                              v1::EmailService::WithAsyncMethod_RescheduleEmail<
                                  v1::EmailService::WithAsyncMethod_RedriveEmail<
                                      v1::EmailService::WithAsyncMethod_RedriveEmails<
                                          v1::EmailService::Service>>>>>>>>>> {
 public:
  Async(WatchHub& hub, CallShell& shell) : hub_(hub), shell_(shell) {}

 private:
  grpc::ServerWriteReactor<v1::WatchEmailEventsResponse>* WatchEmailEvents(
      grpc::CallbackServerContext* context, const v1::WatchEmailEventsRequest* request) override {
    return WatchStream::Open(*context, *request, hub_, shell_);
  }

  WatchHub& hub_;
  CallShell& shell_;
};

EmailService::EmailService(storage::EmailStore& emails, storage::EmailStore& searched,
                           storage::TenantStore& tenants, acceptance::Acceptor& acceptor,
                           const PageTokens& tokens, WatchHub& hub, CallShell& shell)
    : emails_(emails),
      searched_(searched),
      tenants_(tenants),
      acceptor_(acceptor),
      tokens_(tokens),
      shell_(shell),
      async_(std::make_unique<Async>(hub, shell)) {
  AddAccepting();
  AddReading();
  AddChanging();
}

EmailService::~EmailService() = default;

const char* EmailService::name() const { return v1::EmailService::service_full_name(); }

grpc::Service& EmailService::grpc_service() { return *async_; }

void EmailService::AddAccepting() {
  methods_.AddAsync("herald.v1.EmailService/SendEmail", *async_, &Async::RequestSendEmail,
                    [this](auto& call) { SendEmail(call); });
  methods_.AddAsync("herald.v1.EmailService/SendEmails", *async_, &Async::RequestSendEmails,
                    [this](auto& call) { SendEmails(call); });
}

void EmailService::AddReading() {
  methods_.Add("herald.v1.EmailService/GetEmail", *async_, &Async::RequestGetEmail,
               std::bind_front(&EmailService::GetEmail, this));
  methods_.Add("herald.v1.EmailService/ListEmails", *async_, &Async::RequestListEmails,
               std::bind_front(&EmailService::ListEmails, this));
  methods_.Add("herald.v1.EmailService/ListEmailEvents", *async_, &Async::RequestListEmailEvents,
               std::bind_front(&EmailService::ListEmailEvents, this));
}

void EmailService::AddChanging() {
  methods_.Add("herald.v1.EmailService/CancelEmail", *async_, &Async::RequestCancelEmail,
               std::bind_front(&EmailService::CancelEmail, this));
  methods_.Add("herald.v1.EmailService/RescheduleEmail", *async_, &Async::RequestRescheduleEmail,
               std::bind_front(&EmailService::RescheduleEmail, this));
  methods_.Add("herald.v1.EmailService/RedriveEmail", *async_, &Async::RequestRedriveEmail,
               std::bind_front(&EmailService::RedriveEmail, this));
  methods_.Add("herald.v1.EmailService/RedriveEmails", *async_, &Async::RequestRedriveEmails,
               std::bind_front(&EmailService::RedriveEmails, this));
}

void EmailService::SendEmail(UnaryCall<v1::SendEmailRequest, v1::Email>& call) {
  acceptor_.Accept(
      call.caller(), call.request(), call.traceparent(), call.deadline(),
      [&call](absl::StatusOr<acceptance::Accepted> accepted) {
        call.AnswerOnLoop([&call, accepted = std::move(accepted)] { Answer(accepted, call); });
      });
}

void EmailService::SendEmails(UnaryCall<v1::SendEmailsRequest, v1::SendEmailsResponse>& call) {
  const auto& emails = call.request().emails();
  if (emails.empty() || emails.size() > limits::kBatchMax) {
    return call.Finish(
        InvalidField("emails", absl::StrCat("must have 1 to ", limits::kBatchMax, " items")));
  }
  acceptor_.AcceptMany(call.caller(), emails, call.traceparent(), call.deadline(),
                       [&call, this](std::vector<absl::StatusOr<acceptance::Accepted>> accepted) {
                         if (RefusedByLimit(accepted)) return call.Finish(accepted[0].status());
                         auto kept = std::make_shared<decltype(accepted)>(std::move(accepted));
                         const auto answer = [&call, this, kept] { AnswerMany(*kept, call); };
                         // Much to convert: not on the thread that commits the next group.
                         if (!shell_.executor.Submit(answer)) answer();
                       });
}

void EmailService::AnswerMany(const std::vector<absl::StatusOr<acceptance::Accepted>>& accepted,
                              UnaryCall<v1::SendEmailsRequest, v1::SendEmailsResponse>& call) {
  absl::Status failed;
  for (const auto& item : accepted) {
    failed.Update(ToResult(item, *call.response().add_results()));
  }
  if (!failed.ok()) shell_.observer.OnFailedItem(call.method(), failed);
  call.Finish(absl::OkStatus());
}

absl::Status EmailService::GetEmail(const Call& call, const v1::GetEmailRequest& request,
                                    v1::Email& email) {
  const absl::StatusOr<EmailId> id = RequiredId("id", request.id());
  if (!id.ok()) return id.status();
  if (request.reveal_recipient()) {
    const absl::Status allowed = CheckScopes(*call.caller(), storage::kScopeManage);
    if (!allowed.ok()) return allowed;
  }
  const auto record = emails_.GetEmail(call.caller()->tenant, *id);
  if (!record.ok()) return EmailError(record.status(), "", "");
  if (request.reveal_recipient()) {
    // No address is shown whose showing is not on record.
    const absl::Status audited =
        tenants_.WriteAuditEntry({call.caller()->tenant, call.caller()->Actor(),
                                  std::string(call.method()), request.id(), shell_.clock()});
    if (!audited.ok()) return audited;
  }
  ToProto(*record, request.reveal_recipient() ? Reveal::kInFull : Reveal::kRedacted, email);
  return absl::OkStatus();
}

absl::Status EmailService::ListEmails(const Call& call, const v1::ListEmailsRequest& request,
                                      v1::ListEmailsResponse& response) {
  RequestCheck check;
  storage::EmailQuery query = ToQuery(request.filter(), check);
  const int page = PageSize(request.page_size(), kPageDefault, kPageMax, check);
  const TenantId tenant = call.caller()->tenant;
  const std::string list = ListName(call.method(), tenant, request.filter());
  if (!request.page_token().empty()) {
    const absl::optional<int64_t> before = tokens_.OpenNumber(list, request.page_token());
    if (before.has_value()) {
      query.before = EmailId{*before};
    } else {
      check.Add("page_token", "was not given by a list of this filter");
    }
  }
  if (!check.ok()) return check.status();
  query.limit = page + 1;
  const auto records = searched_.ListEmails(tenant, query);
  if (!records.ok()) return records.status();
  for (const storage::EmailRecord& record : *records) {
    if (response.emails_size() == page) {
      const EmailId last = (*records)[static_cast<size_t>(page) - 1].id;
      response.set_next_page_token(tokens_.SealNumber(list, last.value));
      break;
    }
    ToProto(record, Reveal::kRedacted, *response.add_emails());
  }
  return absl::OkStatus();
}

absl::Status EmailService::ListEmailEvents(const Call& call,
                                           const v1::ListEmailEventsRequest& request,
                                           v1::ListEmailEventsResponse& response) {
  const absl::StatusOr<EmailId> id = RequiredId("email_id", request.email_id());
  if (!id.ok()) return id.status();
  const auto events = emails_.ListEvents(call.caller()->tenant, *id);
  if (!events.ok()) return EmailError(events.status(), "", "");
  for (const storage::EmailEventRow& row : *events) ToProto(row, *response.add_events());
  return absl::OkStatus();
}

absl::Status EmailService::CancelEmail(const Call& call, const v1::CancelEmailRequest& request,
                                       v1::Email& email) {
  const absl::StatusOr<EmailId> id = RequiredId("id", request.id());
  if (!id.ok()) return id.status();
  const auto record = emails_.CancelEmail(call.caller()->tenant, *id);
  if (!record.ok()) {
    return EmailError(record.status(), "EMAIL_NOT_CANCELLABLE",
                      "a hand-over is under way, may have been taken, or the email is past that");
  }
  ToProto(*record, Reveal::kRedacted, email);
  return absl::OkStatus();
}

absl::Status EmailService::RescheduleEmail(const Call& call,
                                           const v1::RescheduleEmailRequest& request,
                                           v1::Email& email) {
  RequestCheck check;
  const absl::optional<EmailId> id = ParseEmailId(request.id());
  if (!id.has_value()) check.Add("id", "is not an email id (em_…)");
  absl::optional<absl::Time> send_time;
  if (!request.has_send_time()) {
    check.Add("send_time", "is required");
  } else {
    send_time = CheckTime("send_time", request.send_time(), check);
    if (send_time.has_value() && *send_time > shell_.clock() + limits::kSendAheadMax) {
      check.Add("send_time", "is more than 366 days ahead");
    }
  }
  if (!check.ok()) return check.status();
  const auto record = emails_.RescheduleEmail(call.caller()->tenant, *id, *send_time);
  if (!record.ok()) {
    return EmailError(record.status(), "EMAIL_NOT_RESCHEDULABLE",
                      "a hand-over has begun, the email has ended, or it expires before that time");
  }
  ToProto(*record, Reveal::kRedacted, email);
  return absl::OkStatus();
}

absl::Status EmailService::RedriveEmail(const Call& call, const v1::RedriveEmailRequest& request,
                                        v1::Email& email) {
  const absl::StatusOr<EmailId> id = RequiredId("id", request.id());
  if (!id.ok()) return id.status();
  const identity::Caller& caller = *call.caller();
  if (absl::Status allowed = CheckMayRedrive(caller); !allowed.ok()) return allowed;
  if (caller.mode == storage::TokenMode::kTest) {
    const auto known = emails_.GetEmail(caller.tenant, *id);
    if (!known.ok()) return EmailError(known.status(), "", "");
    if (!known->test) return RedriveNotAllowed("a test token puts back test emails alone");
  }
  const auto record = emails_.RedriveEmail(caller.tenant, *id, kRedriveLifetime, caller.Actor());
  if (!record.ok()) return EmailError(record.status(), "EMAIL_NOT_DEAD", "the email is not DEAD");
  ToProto(*record, Reveal::kRedacted, email);
  return absl::OkStatus();
}

absl::Status EmailService::RedriveEmails(const Call& call, const v1::RedriveEmailsRequest& request,
                                         v1::RedriveEmailsResponse& response) {
  RequestCheck check;
  storage::EmailQuery query = ToQuery(request.filter(), check);
  if (!query.states.empty())
    check.Add("filter.states", "must be empty: only DEAD emails are meant");
  if (request.limit() < 0 || request.limit() > kRedriveMax) {
    check.Add("limit", absl::StrCat("is not between 1 and ", kRedriveMax));
  }
  if (!check.ok()) return check.status();
  const identity::Caller& caller = *call.caller();
  if (absl::Status allowed = CheckMayRedrive(caller); !allowed.ok()) return allowed;
  query.test_only = caller.mode == storage::TokenMode::kTest;
  query.limit = request.limit() == 0 ? kRedriveDefault : request.limit();
  const auto redriven =
      emails_.RedriveEmails(caller.tenant, query, kRedriveLifetime, caller.Actor());
  if (!redriven.ok()) return redriven.status();
  response.set_redriven_count(static_cast<int32_t>(redriven->size()));
  return absl::OkStatus();
}

}  // namespace herald::rpc

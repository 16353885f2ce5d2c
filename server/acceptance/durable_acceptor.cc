#include "server/acceptance/durable_acceptor.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/acceptance/new_email.h"
#include "server/acceptance/overload.h"
#include "server/status/status_details.h"

namespace herald::acceptance {

// One request on its way. `request` is the caller's and lives until `done` has run.
struct DurableAcceptor::Job {
  std::shared_ptr<const identity::Caller> caller;
  const v1::SendEmailRequest* request = nullptr;
  std::string traceparent;
  absl::Time deadline;
  std::string subject_prefix;
  CheckedRequest checked;
  Done done;
  // Set while the calls of one batch are prepared: what is ready gathers there.
  std::vector<GroupCommitter::Pending>* gather = nullptr;
  bool marketing = false;
};

namespace {

absl::Status CheckSender(const identity::Caller& caller, const Address& from) {
  const auto& domains = caller.sender_domains;
  if (std::find(domains.begin(), domains.end(), from.domain) != domains.end()) {
    return absl::OkStatus();
  }
  return MakeError(absl::StatusCode::kFailedPrecondition, "SENDER_NOT_ALLOWED",
                   absl::StrCat("this tenant may not send from ", from.domain,
                                "; an operator can allow the domain"),
                   {{"domain", from.domain}});
}

// A restricted token reaches the addresses and "@domains" it lists, and nobody else.
absl::Status CheckRecipient(const identity::Caller& caller, const Address& recipient) {
  if (caller.mode != storage::TokenMode::kRestricted) return absl::OkStatus();
  const std::string address = recipient.Normalised();
  const std::string domain = absl::StrCat("@", recipient.domain);
  for (const std::string& allowed : caller.allowed_recipients) {
    if (allowed == address || allowed == domain) return absl::OkStatus();
  }
  return MakeError(absl::StatusCode::kPermissionDenied, "RECIPIENT_NOT_ALLOWED",
                   "this token may only send to the recipients it lists");
}

// Marketing needs a way out that works: ours, which no header of the caller's may replace.
absl::Status CheckMarketing(const v1::SendEmailRequest& request,
                            const preferences::UnsubscribeLinks& links) {
  for (const auto& [name, value] : request.headers()) {
    if (absl::EqualsIgnoreCase(name, "List-Unsubscribe") ||
        absl::EqualsIgnoreCase(name, "List-Unsubscribe-Post")) {
      return InvalidRequest({{absl::StrCat("headers[", name, "]"),
                              "is Herald's own for a marketing category; leave it out"}});
    }
  }
  if (links.Configured()) return absl::OkStatus();
  return MakeError(absl::StatusCode::kFailedPrecondition, "UNSUBSCRIBE_NOT_CONFIGURED",
                   "marketing needs a working unsubscribe link; an operator has to set "
                   "unsubscribe.base_url");
}

// Each that is named, once.
std::vector<const v1::TemplateReference*> TemplatesOf(
    const google::protobuf::RepeatedPtrField<v1::SendEmailRequest>& requests) {
  std::vector<const v1::TemplateReference*> named;
  absl::flat_hash_set<std::pair<absl::string_view, int>> seen;
  for (const v1::SendEmailRequest& request : requests) {
    if (!request.has_template_()) continue;
    const v1::TemplateReference& reference = request.template_();
    if (seen.insert({reference.key(), reference.version()}).second) named.push_back(&reference);
  }
  return named;
}

// The same error for every item of a batch.
std::vector<absl::StatusOr<Accepted>> AllAs(int count, const absl::Status& status) {
  return std::vector<absl::StatusOr<Accepted>>(static_cast<size_t>(count), status);
}

absl::Status CheckVariables(const catalog::PinnedTemplate& pinned,
                            const google::protobuf::Struct& variables) {
  const std::vector<templates::Violation> found = pinned.compiled->Check(variables);
  if (found.empty()) return absl::OkStatus();
  std::vector<FieldViolation> violations;
  for (const templates::Violation& violation : found) {
    violations.push_back({violation.field, violation.description});
  }
  return InvalidRequest(violations);
}

absl::StatusOr<Accepted> ToAccepted(storage::NewEmail email,
                                    absl::StatusOr<storage::AcceptResult> result) {
  if (!result.ok()) return result.status();
  switch (result->kind) {
    case storage::AcceptResult::Kind::kAccepted: {
      storage::EmailRecord fresh = RecordOf(std::move(email));
      fresh.state = result->state;
      fresh.state_reason = std::move(result->state_reason);
      return Accepted{std::move(fresh), false};
    }
    case storage::AcceptResult::Kind::kReplayed:
      if (result->existing == nullptr) {
        return MakeError(absl::StatusCode::kFailedPrecondition, "EMAIL_DELETED",
                         "the email of this idempotency key has been deleted since",
                         {{"idempotency_key", email.idempotency_key}});
      }
      return Accepted{*result->existing, true};
    case storage::AcceptResult::Kind::kConflict:
      return MakeError(absl::StatusCode::kAlreadyExists, "IDEMPOTENCY_KEY_REUSED",
                       "the idempotency key was used for an email with other content",
                       {{"idempotency_key", email.idempotency_key}});
    case storage::AcceptResult::Kind::kRefused:
      return FromStorage(result->error);
  }
  return absl::InternalError("unknown kind of result");
}

}  // namespace

DurableAcceptor::DurableAcceptor(catalog::TemplateCatalog* catalog,
                                 preferences::CategoryCatalog* categories,
                                 const preferences::UnsubscribeLinks* links,
                                 GroupCommitter* committer, EmailIdGenerator* ids,
                                 LaneLifetimes lifetimes, Defer defer, Clock clock)
    : catalog_(catalog),
      categories_(categories),
      links_(links),
      committer_(committer),
      ids_(ids),
      lifetimes_(std::move(lifetimes)),
      defer_(std::move(defer)),
      clock_(std::move(clock)) {}

void DurableAcceptor::Accept(std::shared_ptr<const identity::Caller> caller,
                             const v1::SendEmailRequest& request, absl::string_view traceparent,
                             absl::Time deadline, Done done) {
  Start(std::make_shared<Job>(Job{
      std::move(caller), &request, std::string(traceparent), deadline, "", {}, std::move(done)}));
}

void DurableAcceptor::AcceptTest(std::shared_ptr<const identity::Caller> caller,
                                 const v1::SendEmailRequest& request, absl::string_view traceparent,
                                 absl::Time deadline, Done done) {
  Start(std::make_shared<Job>(Job{std::move(caller),
                                  &request,
                                  std::string(traceparent),
                                  deadline,
                                  kTestSubjectPrefix,
                                  {},
                                  std::move(done)}));
}

void DurableAcceptor::AcceptMany(
    std::shared_ptr<const identity::Caller> caller,
    const google::protobuf::RepeatedPtrField<v1::SendEmailRequest>& requests,
    absl::string_view traceparent, absl::Time deadline, ManyDone done) {
  if (requests.empty()) return done({});
  if (absl::Status room = committer_->HasRoom(static_cast<size_t>(requests.size())); !room.ok()) {
    return done(AllAs(requests.size(), room));
  }
  const TenantId tenant = caller->tenant;
  const bool needs_categories = FindCategories(tenant) == nullptr;
  std::vector<const v1::TemplateReference*> missing;
  for (const v1::TemplateReference* wanted : TemplatesOf(requests)) {
    if (FindTemplate(tenant, *wanted) == nullptr) missing.push_back(wanted);
  }
  if (!needs_categories && missing.empty()) {
    return StartMany(std::move(caller), requests, std::string(traceparent), deadline,
                     std::move(done));
  }
  // Looked up once for all, so that they stay one batch.
  const auto load = [this, caller, needs_categories, missing, &requests,
                     trace = std::string(traceparent), deadline, done] {
    if (needs_categories) {
      const absl::Status loaded = categories_->Load(caller->tenant).status();
      if (!loaded.ok()) return done(AllAs(requests.size(), loaded));
    }
    for (const v1::TemplateReference* wanted : missing) {
      // What is wrong with it, each item says for itself.
      catalog_->LoadForSending(caller->tenant, wanted->key(), wanted->version())
          .status()
          .IgnoreError();
    }
    StartMany(caller, requests, trace, deadline, done);
  };
  if (!defer_(load)) {
    done(AllAs(requests.size(), TooManyCallsWait()));
  }
}

void DurableAcceptor::StartMany(
    std::shared_ptr<const identity::Caller> caller,
    const google::protobuf::RepeatedPtrField<v1::SendEmailRequest>& requests,
    const std::string& traceparent, absl::Time deadline, ManyDone done) {
  struct Gathered {
    std::vector<absl::StatusOr<Accepted>> results;
    // Items without a result, and one more for as long as `requests` is read here: the caller may
    // drop it as soon as `done` has run, and deferred items end on other threads.
    std::atomic<int> open;
    ManyDone done;

    void Close() {
      if (open.fetch_sub(1) == 1) done(std::move(results));
    }
  };
  auto gathered = std::make_shared<Gathered>();
  gathered->results.resize(static_cast<size_t>(requests.size()), absl::UnknownError("pending"));
  gathered->open = requests.size() + 1;
  gathered->done = std::move(done);
  std::vector<GroupCommitter::Pending> ready;
  ready.reserve(static_cast<size_t>(requests.size()));
  for (int i = 0; i < requests.size(); ++i) {
    Start(std::make_shared<Job>(Job{caller,
                                    &requests[i],
                                    traceparent,
                                    deadline,
                                    "",
                                    {},
                                    [gathered, i](absl::StatusOr<Accepted> result) {
                                      gathered->results[static_cast<size_t>(i)] = std::move(result);
                                      gathered->Close();
                                    },
                                    &ready}));
  }
  if (absl::Status status = committer_->SubmitAll(ready); !status.ok()) {
    for (GroupCommitter::Pending& pending : ready) pending.done(std::move(pending.email), status);
  }
  gathered->Close();
}

void DurableAcceptor::Start(std::shared_ptr<Job> job) {
  if (job->gather == nullptr) {
    if (absl::Status room = committer_->HasRoom(1); !room.ok()) return job->done(room);
  }
  absl::StatusOr<CheckedRequest> checked = ValidateRequest(*job->request, lifetimes_, clock_());
  if (!checked.ok()) return job->done(checked.status());
  job->checked = *std::move(checked);
  if (absl::Status status = CheckSender(*job->caller, job->checked.from); !status.ok()) {
    return job->done(status);
  }
  if (absl::Status status = CheckRecipient(*job->caller, job->checked.recipient); !status.ok()) {
    return job->done(status);
  }
  Classify(std::move(job));
}

preferences::CategoryMapPtr DurableAcceptor::FindCategories(TenantId tenant) {
  preferences::CategoryCatalog::Hit hit = categories_->TryCached(tenant);
  if (hit.refresh) {
    (void)defer_([this, tenant] { (void)categories_->Load(tenant); });
  }
  return std::move(hit.categories);
}

catalog::PinnedTemplatePtr DurableAcceptor::FindTemplate(TenantId tenant,
                                                         const v1::TemplateReference& wanted) {
  catalog::TemplateCatalog::Hit hit =
      catalog_->TryForSending(tenant, wanted.key(), wanted.version());
  if (hit.refresh) {
    (void)defer_([this, tenant, key = wanted.key()] { catalog_->Refresh(tenant, key); });
  }
  return std::move(hit.pinned);
}

void DurableAcceptor::Classify(std::shared_ptr<Job> job) {
  const preferences::CategoryMapPtr categories = FindCategories(job->caller->tenant);
  if (categories != nullptr) return ClassifyAs(std::move(job), *categories);
  job->gather = nullptr;  // it comes too late for its batch
  const bool deferred = defer_([this, job] {
    const absl::StatusOr<preferences::CategoryMapPtr> loaded =
        categories_->Load(job->caller->tenant);
    if (!loaded.ok()) return job->done(loaded.status());
    ClassifyAs(job, **loaded);
  });
  if (!deferred) job->done(TooManyCallsWait());
}

void DurableAcceptor::ClassifyAs(std::shared_ptr<Job> job,
                                 const preferences::CategoryMap& categories) {
  const auto category = categories.find(job->checked.category);
  if (category != categories.end()) {
    if (category->second.deleted) {
      return job->done(MakeError(absl::StatusCode::kFailedPrecondition, "CATEGORY_DELETED",
                                 "the category was deleted; create it again or use another",
                                 {{"category", job->checked.category}}));
    }
    job->marketing = category->second.marketing;
  }
  if (job->marketing) {
    if (absl::Status status = CheckMarketing(*job->request, *links_); !status.ok()) {
      return job->done(status);
    }
  }
  if (job->request->has_template_()) return Pin(std::move(job));
  Submit(job, nullptr);
}

void DurableAcceptor::Pin(std::shared_ptr<Job> job) {
  if (auto pinned = FindTemplate(job->caller->tenant, job->request->template_())) {
    return Submit(job, pinned);
  }
  job->gather = nullptr;  // it comes too late for its batch
  const bool deferred = defer_([this, job] {
    const v1::TemplateReference& reference = job->request->template_();
    absl::StatusOr<catalog::PinnedTemplatePtr> pinned =
        catalog_->LoadForSending(job->caller->tenant, reference.key(), reference.version());
    if (!pinned.ok()) return job->done(pinned.status());
    Submit(job, *pinned);
  });
  if (!deferred) job->done(TooManyCallsWait());
}

void DurableAcceptor::Submit(const std::shared_ptr<Job>& job,
                             const catalog::PinnedTemplatePtr& pinned) {
  const absl::Time now = clock_();
  const EmailId id = ids_->Next(now);
  const std::string unsubscribe_url =
      job->marketing ? links_->LinkFor({job->caller->tenant, id,
                                        job->checked.recipient.Normalised(), job->checked.category},
                                       now)
                     : "";
  if (pinned != nullptr) {
    google::protobuf::Struct with_link;
    if (job->marketing) {
      with_link = job->request->variables();
      (*with_link.mutable_fields())["unsubscribe_url"].set_string_value(unsubscribe_url);
    }
    const absl::Status status =
        CheckVariables(*pinned, job->marketing ? with_link : job->request->variables());
    if (!status.ok()) return job->done(status);
  }
  storage::NewEmail email =
      BuildNewEmail({*job->caller, *job->request, job->checked, pinned ? pinned->version : 0,
                     job->subject_prefix, job->traceparent, unsubscribe_url, id, now});
  GroupCommitter::Pending pending{
      std::move(email), job->deadline,
      [job](storage::NewEmail accepted, absl::StatusOr<storage::AcceptResult> result) {
        job->done(ToAccepted(std::move(accepted), std::move(result)));
      }};
  if (job->gather != nullptr) {
    job->gather->push_back(std::move(pending));
    return;
  }
  if (absl::Status status = committer_->Submit(std::move(pending)); !status.ok()) {
    job->done(status);
  }
}

}  // namespace herald::acceptance

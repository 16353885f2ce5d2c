#include "server/delivery/lane_worker.h"

#include <algorithm>
#include <utility>

#include "model/steady_time.h"
#include "server/delivery/failover.h"
#include "server/delivery/failpoint.h"
#include "server/delivery/route_query.h"

namespace herald::delivery {
namespace {

constexpr absl::Duration kBusyPoll = absl::Milliseconds(20);
constexpr absl::Duration kIdlePoll = absl::Milliseconds(500);
constexpr int kScouts = 25;  // see ClosedRoutes
constexpr absl::Duration kLastClaimWait = absl::Seconds(1);
// Left of a lease beyond the provider's timeout, for recording the outcome.
constexpr absl::Duration kRecordMargin = absl::Seconds(5);

using Kind = storage::Disposition::Kind;

}  // namespace

LaneWorker::LaneWorker(Lane lane, LanePolicy policy, DeliveryParts parts)
    : lane_(lane),
      policy_(policy),
      parts_(std::move(parts)),
      shares_(policy.in_flight_max, policy.claim_batch),
      closed_routes_(lane, parts_.router) {
  recorder_ = std::make_unique<OutcomeRecorder>(parts_.store, parts_.observer, parts_.clock);
  for (int i = 0; i < policy_.workers; ++i) threads_.emplace_back([this] { Run(); });
}

LaneWorker::~LaneWorker() {
  Drain(absl::InfinitePast());
  recorder_.reset();
}

void LaneWorker::Wake() {
  absl::MutexLock lock(&mutex_);
  woken_ = true;
}

bool LaneWorker::Drain(absl::Time deadline) {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  absl::MutexLock lock(&mutex_);
  const auto empty = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return shares_.empty(); };
  return mutex_.AwaitWithDeadline(absl::Condition(&empty), deadline);
}

void LaneWorker::Run() {
  absl::Duration poll = kBusyPoll;
  while (!Stopping()) {
    const TenantShares::Allowance room = Room();
    if (room.limit == 0) {
      Pause(kIdlePoll, &room);
      continue;
    }
    const ClosedRoutes::Advice advice = closed_routes_.Next(SteadyNow(), room.full);
    const int limit = advice.scouts ? std::min(kScouts, room.limit) : room.limit;
    absl::StatusOr<std::vector<storage::LeasedEmail>> emails =
        parts_.store->Claim(lane_, limit, parts_.lease, advice.except);
    if (!emails.ok()) parts_.observer->OnStorageError("claim", emails.status());
    const int claimed = emails.ok() ? static_cast<int>(emails->size()) : 0;
    if (claimed > 0) {
      if (lane_ == Lane::kCritical && parts_.urgent != nullptr) parts_.urgent->Note(SteadyNow());
      Pass(Failpoint::kAfterClaim);
      HoldBackLastClaims(*emails);
      IsolateSuspect(*emails);
      Deliver(*std::move(emails));
    }
    poll = claimed > 0 ? kBusyPoll : std::min(poll * 2, kIdlePoll);
    if (claimed < limit) Pause(poll * (0.5 + parts_.random() / 2), &room);
  }
}

TenantShares::Allowance LaneWorker::Room() {
  absl::MutexLock lock(&mutex_);
  return shares_.Next();
}

void LaneWorker::Pause(absl::Duration at_most, const TenantShares::Allowance* room) {
  absl::MutexLock lock(&mutex_);
  const auto disturbed = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return stopping_ || woken_ || (room != nullptr && shares_.IsBetterThan(*room));
  };
  AwaitSteadily(mutex_, absl::Condition(&disturbed), at_most);
  woken_ = false;
}

bool LaneWorker::Stopping() {
  absl::MutexLock lock(&mutex_);
  return stopping_;
}

// An email that is quarantined should this process end now: one such is in flight at a time,
// however long its provider takes, and the others wait. So what kills whoever touches it takes no
// other along to where nothing is tried again.
void LaneWorker::HoldBackLastClaims(std::vector<storage::LeasedEmail>& emails) {
  const auto others = std::stable_partition(
      emails.begin(), emails.end(),
      [](const storage::LeasedEmail& email) { return email.claims < kClaimsMax; });
  if (others == emails.end()) return;
  auto waiting = others;
  {
    absl::MutexLock lock(&mutex_);
    if (!last_claim_.has_value()) last_claim_ = (waiting++)->lease.email;
  }
  std::vector<storage::ParkedEmail> parked;
  for (auto email = waiting; email != emails.end(); ++email) {
    parked.push_back({email->lease, email->claim_time + kLastClaimWait * (1 + parts_.random()),
                      email->slots_held, ""});
  }
  emails.erase(waiting, emails.end());
  if (!parked.empty()) ParkPatiently(parked);
}

// An email whose earlier claim never came to an end may be what took the process along: it goes
// alone, the most suspect first, lest its neighbours follow it into quarantine. They are due again
// at once.
void LaneWorker::IsolateSuspect(std::vector<storage::LeasedEmail>& emails) {
  const auto suspect =
      std::max_element(emails.begin(), emails.end(),
                       [](const storage::LeasedEmail& a, const storage::LeasedEmail& b) {
                         return a.claims < b.claims;
                       });
  if (emails.size() <= 1 || suspect->claims <= 1) return;
  std::iter_swap(emails.begin(), suspect);
  std::vector<storage::Lease> others;
  others.reserve(emails.size() - 1);
  for (size_t i = 1; i < emails.size(); ++i) others.push_back(emails[i].lease);
  emails.resize(1);
  // Should this fail, the leases end by themselves.
  if (absl::Status status = parts_.store->ReturnLeases(others); !status.ok()) {
    parts_.observer->OnStorageError("return", status);
  }
}

void LaneWorker::Deliver(std::vector<storage::LeasedEmail> emails) {
  {
    absl::MutexLock lock(&mutex_);
    for (const storage::LeasedEmail& email : emails) shares_.Add(email.lease.tenant, 1);
  }
  if (Stopping()) {
    std::vector<storage::Lease> leases;
    for (const storage::LeasedEmail& email : emails) leases.push_back(email.lease);
    // Should this fail, the leases end by themselves.
    if (absl::Status status = parts_.store->ReturnLeases(leases); !status.ok()) {
      parts_.observer->OnStorageError("return", status);
    }
    for (const storage::LeasedEmail& email : emails) Release(email.lease);
    return;
  }
  std::vector<Job> jobs;
  jobs.reserve(emails.size());
  for (storage::LeasedEmail& leased : emails) {
    auto email = std::make_shared<const storage::LeasedEmail>(std::move(leased));
    Job job;
    if (Prepare(email, &job)) jobs.push_back(std::move(job));
  }
  if (parts_.limiter != nullptr && !jobs.empty()) jobs = Limit(std::move(jobs));
  if (!jobs.empty()) Begin(std::move(jobs));
}

// Renders and routes. False when the email was dealt with without a hand-over.
bool LaneWorker::Prepare(const std::shared_ptr<const storage::LeasedEmail>& email, Job* job) {
  job->email = email;
  PassPoison(email->template_key);
  absl::StatusOr<providers::OutboundMessage> message = parts_.renderer->Render(*email);
  if (!message.ok()) {
    parts_.observer->OnRenderFailure(*email, message.status());
    if (absl::IsUnavailable(message.status())) {
      EndWithoutAttempt(email, {Kind::kRetry, Backoff(policy_, email->claims, parts_.random),
                                "template_unavailable"});
    } else {
      EndWithoutAttempt(email, {Kind::kFailed, {}, "render_failed"});
    }
    return false;
  }
  job->message = *std::move(message);
  job->query = QueryFor(*email, job->message);
  if (email->unconfirmed.has_value() && !PrepareUnconfirmed(*email, job)) return false;
  if (job->provider == nullptr && !Route(job)) return false;
  job->prepared = job->provider->Prepare(job->message);
  job->digest = job->prepared->digest();
  return true;
}

bool LaneWorker::Route(Job* job) {
  const RouteChoice choice = parts_.router->Choose(job->query);
  job->provider = choice.provider;
  if (choice.provider != nullptr) return true;
  if (choice.for_good) {
    EndWithoutAttempt(job->email, {Kind::kFailed, {}, std::string(choice.reason)});
  } else {
    closed_routes_.Note(job->query.tenant);
    // Jittered: all that wait for an account would come back as one.
    const absl::Duration wait = std::clamp(choice.wait, kNoRouteMin, kNoRouteMax);
    EndWithoutAttempt(job->email,
                      {Kind::kRetry, wait * (1 + parts_.random()), std::string(choice.reason)});
  }
  return false;
}

// Of an email whose earlier hand-over may have been taken. True: hand it over (to job->provider if
// that is set).
bool LaneWorker::PrepareUnconfirmed(const storage::LeasedEmail& email, Job* job) {
  const storage::UnconfirmedAttempt& earlier = *email.unconfirmed;
  providers::Provider* provider = parts_.router->Find(earlier.account);
  LanePolicy policy = policy_;
  if (parts_.unconfirmed_of) {
    policy.unconfirmed =
        parts_.unconfirmed_of(email.lease.tenant, lane_).value_or(policy.unconfirmed);
  }
  UnconfirmedFacts facts;
  facts.age = email.claim_time - earlier.begin_time;
  RouteChoice same;
  if (provider != nullptr) {
    facts.idempotency_window = provider->capabilities().idempotency_window;
    facts.same_request = provider->Prepare(job->message)->digest() == earlier.request_digest;
    if (NextUnconfirmedStep(policy, facts) == UnconfirmedStep::kRepeat) {
      same = parts_.router->ChooseAccount(earlier.account);
      facts.account_down = same.provider == nullptr;
    }
  }
  switch (NextUnconfirmedStep(policy, facts)) {
    case UnconfirmedStep::kRepeat:
      job->provider = provider;
      job->repeats = true;
      return true;
    case UnconfirmedStep::kResend:
      return true;
    case UnconfirmedStep::kWait: {
      const absl::Duration least = std::clamp(same.wait, kNoRouteMin, kNoRouteMax);
      EndWithoutAttempt(job->email,
                        {Kind::kUnconfirmed,
                         facts.account_down ? least * (1 + parts_.random())
                                            : std::max(policy.evidence_wait - facts.age, least),
                         "awaiting_evidence"});
      return false;
    }
    case UnconfirmedStep::kGiveUp:
      EndWithoutAttempt(job->email, {Kind::kFailed, {}, "outcome_unknown"});
      return false;
  }
  return false;
}

void LaneWorker::Begin(std::vector<Job> jobs) {
  std::vector<storage::AttemptStart> starts;
  starts.reserve(jobs.size());
  for (const Job& job : jobs) {
    starts.push_back({job.email->lease, std::string(job.provider->account()), job.digest});
  }
  absl::Time asked;
  absl::StatusOr<std::vector<storage::BeginResult>> begun = BeginPatiently(starts, &asked);
  if (!begun.ok()) {
    // Whether the attempts were recorded is not known, so nothing may be handed over: the leases
    // end, and a rescue sorts it out.
    for (const Job& job : jobs) Release(job.email->lease);
    return;
  }
  Pass(Failpoint::kAfterBeginCommit);
  // A process that was frozen since has to assume that its leases were taken over.
  const bool too_late = SteadyNow() - asked > kRecordMargin;
  std::vector<storage::Lease> stale;
  for (size_t i = 0; i < jobs.size(); ++i) {
    const storage::BeginResult& result = (*begun)[i];
    if (result.verdict == storage::BeginResult::Verdict::kStale) {
      stale.push_back(jobs[i].email->lease);
    }
    if (result.verdict != storage::BeginResult::Verdict::kBegun) {
      if (result.verdict == storage::BeginResult::Verdict::kStopped) {
        parts_.observer->OnStopped(*jobs[i].email, result.stopped_as);
      }
      Release(jobs[i].email->lease);
    } else if (too_late) {
      EndUnsent(jobs[i], result.attempt);
    } else {
      HandOver(std::move(jobs[i]), result.attempt);
    }
  }
  // Those that are merely too short by now need not run out.
  if (!stale.empty()) parts_.store->ReturnLeases(stale).IgnoreError();
}

// A repeated call finds the attempts of one whose answer was lost. `asked`: when the last one
// began.
absl::StatusOr<std::vector<storage::BeginResult>> LaneWorker::BeginPatiently(
    const std::vector<storage::AttemptStart>& starts, absl::Time* asked) {
  absl::StatusOr<std::vector<storage::BeginResult>> begun;
  AskPatiently("begin", [&] {
    *asked = SteadyNow();
    begun = parts_.store->BeginAttempts(starts, parts_.provider_timeout + kRecordMargin);
    return begun.status();
  });
  return begun;
}

// Should this fail, the leases end by themselves, and the tokens of limits are lost.
void LaneWorker::ParkPatiently(const std::vector<storage::ParkedEmail>& emails) {
  AskPatiently("park", [&] { return parts_.store->Park(emails); });
}

// Asks until the database answers or the leases are over: a claim that ends with its lease counts
// towards quarantine, and no email shall be taken for poison because the database was away.
void LaneWorker::AskPatiently(absl::string_view step, const std::function<absl::Status()>& ask) {
  const absl::Time give_up = SteadyNow() + parts_.lease;
  for (absl::Duration wait = kBusyPoll;; wait = std::min(wait * 2, kIdlePoll)) {
    const absl::Status answer = ask();
    if (answer.ok()) return;
    parts_.observer->OnStorageError(step, answer);
    if (Stopping() || SteadyNow() > give_up) return;
    Pause(wait);
  }
}

// The attempt was recorded but certainly not made. Stale, and so without effect, if the lease was
// indeed taken over.
void LaneWorker::EndUnsent(const Job& job, int attempt) {
  storage::AttemptEnd end;
  end.lease = job.email->lease;
  end.attempt = attempt;
  end.outcome = Outcome::kRetryable;
  end.account = std::string(job.provider->account());
  end.request_digest = job.digest;
  end.error_code = "too_late";
  end.detail = "the process was held up; nothing was handed over";
  end.disposition = {Kind::kRetry, absl::ZeroDuration(), "too_late"};
  if (job.repeats) end.disposition = AfterRepeat(std::move(end.disposition));
  End(job.email, std::move(end));
}

void LaneWorker::HandOver(Job job, int attempt) {
  auto done = [this, email = job.email, query = std::move(job.query), provider = job.provider,
               digest = std::move(job.digest), repeats = job.repeats, attempt,
               started = SteadyNow()](providers::SendResult result) {
    Pass(Failpoint::kAfterResponse);
    parts_.observer->OnHandedOver(*email, provider->account(), attempt, result,
                                  SteadyNow() - started);
    storage::AttemptEnd end;
    end.lease = email->lease;
    end.attempt = attempt;
    end.outcome = result.outcome;
    end.account = std::string(provider->account());
    end.request_digest = digest;
    end.disposition = DecideWithFailover(policy_, {*email, query, *provider, attempt, repeats},
                                         result, *parts_.router, parts_.random);
    end.provider_message_id = std::move(result.provider_message_id);
    end.error_code = std::move(result.error_code);
    end.detail = std::move(result.detail);
    End(email, std::move(end));
  };
  job.provider->Send(std::move(job.prepared), parts_.provider_timeout, std::move(done));
  Pass(Failpoint::kAfterHandoverSent);
}

void LaneWorker::End(const std::shared_ptr<const storage::LeasedEmail>& email,
                     storage::AttemptEnd end) {
  // Another account is waiting for it.
  const bool again = !end.disposition.tried_accounts.empty();
  recorder_->Add({email, std::move(end), [this, again, lease = email->lease] {
                    Release(lease);
                    if (again) Wake();
                  }});
}

void LaneWorker::EndWithoutAttempt(const std::shared_ptr<const storage::LeasedEmail>& email,
                                   storage::Disposition disposition) {
  storage::AttemptEnd end;
  end.lease = email->lease;
  end.disposition = std::move(disposition);
  End(email, std::move(end));
}

void LaneWorker::Release(const storage::Lease& lease) {
  absl::MutexLock lock(&mutex_);
  shares_.Remove(lease.tenant, 1);
  if (last_claim_ == lease.email) last_claim_.reset();
}

}  // namespace herald::delivery

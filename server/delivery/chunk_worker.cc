#include "server/delivery/chunk_worker.h"

#include <algorithm>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "model/steady_time.h"
#include "server/delivery/chunk_policy.h"
#include "server/delivery/failpoint.h"
#include "server/delivery/route_query.h"
#include "server/delivery/send_candidate.h"

namespace herald::delivery {
namespace {

using storage::ChunkBegin;
using storage::ChunkEnd;
using storage::LeasedChunk;

constexpr absl::Duration kBusyPoll = absl::Milliseconds(20);
constexpr absl::Duration kIdlePoll = absl::Milliseconds(500);
// As of single emails.
constexpr absl::Duration kRecordMargin = absl::Seconds(5);
// Chunks of one recording: a statement on a thousand emails.
constexpr size_t kRecordMax = 10;

ChunkEnd EndOf(const LeasedChunk& chunk) {
  ChunkEnd end;
  end.lease = chunk.lease;
  end.lane = chunk.lane;
  if (chunk.unconfirmed.has_value()) end.unconfirmed_since = chunk.unconfirmed->begin_time;
  return end;
}

// Recipients and contents are not needed once the batch is made.
void DropContents(LeasedChunk* chunk) {
  for (storage::LeasedEmail& member : chunk->members) {
    member.recipient = std::string();
    member.content = std::string();
  }
}

}  // namespace

ChunkWorker::ChunkWorker(Lane lane, LanePolicy policy, DeliveryParts parts)
    : lane_(lane), policy_(policy), parts_(std::move(parts)) {
  RecordingLoop<Recorded>::Steps steps;
  steps.write = [this](const std::vector<Recorded>& items) {
    std::vector<ChunkEnd> ends;
    ends.reserve(items.size());
    for (const Recorded& item : items) ends.push_back(item.end);
    return parts_.chunks->RecordEnds(ends);
  };
  steps.failed = [this](const absl::Status& status) {
    parts_.observer->OnStorageError("record_chunks", status);
  };
  steps.written = [this](const Recorded& item, bool recorded) {
    if (recorded) {
      parts_.observer->OnChunkRecorded(*item.chunk, item.end, parts_.clock());
    } else {
      parts_.observer->OnChunkStale(*item.chunk);
    }
  };
  steps.finished = [this](const Recorded& /*item*/) { Release(1); };
  recorder_ = std::make_unique<RecordingLoop<Recorded>>(kRecordMax, std::move(steps));
  for (int i = 0; i < policy_.chunk_workers; ++i) threads_.emplace_back([this] { Run(); });
}

ChunkWorker::~ChunkWorker() {
  Drain(absl::InfinitePast());
  recorder_.reset();
}

void ChunkWorker::Wake() {
  absl::MutexLock lock(&mutex_);
  woken_ = policy_.chunk_workers;
}

bool ChunkWorker::Drain(absl::Time deadline) {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  absl::MutexLock lock(&mutex_);
  const auto empty = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return in_flight_ == 0; };
  return mutex_.AwaitWithDeadline(absl::Condition(&empty), deadline);
}

void ChunkWorker::Run() {
  absl::Duration poll = kBusyPoll;
  while (!Stopping()) {
    const int limit = Room();
    if (limit <= 0) continue;
    absl::StatusOr<std::vector<LeasedChunk>> chunks =
        parts_.chunks->Claim(lane_, limit, parts_.lease);
    if (!chunks.ok()) parts_.observer->OnStorageError("claim_chunks", chunks.status());
    const int claimed = chunks.ok() ? static_cast<int>(chunks->size()) : 0;
    Release(limit - claimed);
    if (claimed > 0) {
      Pass(Failpoint::kAfterClaim);
      Deliver(*std::move(chunks));
    }
    poll = claimed > 0 ? kBusyPoll : std::min(poll * 2, kIdlePoll);
    if (claimed < limit) Pause(poll * (0.5 + parts_.random() / 2));
  }
}

// Waits until a claim is worthwhile and reserves room for it; 0 after a while, or at the end.
int ChunkWorker::Room() {
  absl::MutexLock lock(&mutex_);
  const auto worthwhile = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return stopping_ || policy_.chunks_in_flight_max - in_flight_ >= policy_.chunk_claim;
  };
  if (!AwaitSteadily(mutex_, absl::Condition(&worthwhile), kIdlePoll) || stopping_) return 0;
  in_flight_ += policy_.chunk_claim;
  return policy_.chunk_claim;
}

void ChunkWorker::Pause(absl::Duration at_most) {
  absl::MutexLock lock(&mutex_);
  const auto disturbed = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return stopping_ || woken_ > 0;
  };
  AwaitSteadily(mutex_, absl::Condition(&disturbed), at_most);
  woken_ = std::max(woken_ - 1, 0);
}

bool ChunkWorker::Stopping() {
  absl::MutexLock lock(&mutex_);
  return stopping_;
}

void ChunkWorker::Release(int count) {
  absl::MutexLock lock(&mutex_);
  in_flight_ -= count;
}

void ChunkWorker::Deliver(std::vector<LeasedChunk> chunks) {
  if (Stopping()) {
    std::vector<storage::ChunkLease> leases;
    for (const LeasedChunk& chunk : chunks) leases.push_back(chunk.lease);
    // Should this fail, the leases end by themselves.
    if (absl::Status status = parts_.chunks->ReturnLeases(leases); !status.ok()) {
      parts_.observer->OnStorageError("return_chunks", status);
    }
    return Release(static_cast<int>(chunks.size()));
  }
  std::vector<Job> jobs;
  std::vector<storage::ChunkLease> broken;
  for (LeasedChunk& chunk : chunks) {
    Job job;
    job.chunk = std::move(chunk);
    switch (Prepare(&job)) {
      case Preparation::kReady:
        jobs.push_back(std::move(job));
        break;
      case Preparation::kBreakUp:
        broken.push_back(job.chunk.lease);
        break;
      case Preparation::kPutOff:
        PutOff(std::move(job));
        break;
    }
  }
  if (!broken.empty()) BreakUp(broken);
  if (!jobs.empty()) Begin(std::move(jobs));
}

ChunkWorker::Preparation ChunkWorker::Prepare(Job* job) {
  const LeasedChunk& chunk = job->chunk;
  if (!Render(job)) return Preparation::kBreakUp;
  job->repeats = chunk.unconfirmed.has_value();
  job->choice = job->repeats ? parts_.router->ChooseAccount(chunk.unconfirmed->account)
                             : parts_.router->Choose(QueryOf(*job));
  job->provider = job->choice.provider;
  if (job->provider == nullptr) {
    const bool gone = job->repeats && parts_.router->Find(chunk.unconfirmed->account) == nullptr;
    return gone || job->choice.for_good ? Preparation::kBreakUp : Preparation::kPutOff;
  }
  if (job->provider->capabilities().batch_max < chunk.members.size() || !PrepareBatch(job) ||
      IsLimited(*job)) {
    return Preparation::kBreakUp;
  }
  if (!job->repeats) return Preparation::kReady;
  UnconfirmedFacts facts;
  facts.age = chunk.claim_time - chunk.unconfirmed->begin_time;
  facts.idempotency_window = job->provider->capabilities().idempotency_window;
  facts.same_request = job->batch->digest() == chunk.unconfirmed->request_digest;
  return NextUnconfirmedStep(policy_, facts) == UnconfirmedStep::kRepeat ? Preparation::kReady
                                                                         : Preparation::kBreakUp;
}

// What the most demanding of the members asks for.
RouteQuery ChunkWorker::QueryOf(const Job& job) {
  RouteQuery query;
  for (size_t i = 0; i < job.messages.size(); ++i) {
    const RouteQuery member = QueryFor(job.chunk.members[i], job.messages[i]);
    query.message_bytes = std::max(query.message_bytes, member.message_bytes);
    query.international |= member.international;
  }
  query.tenant = job.chunk.lease.tenant;
  query.lane = lane_;
  return query;
}

// Members under a limit go on alone, each to a slot of its own. A repetition takes no new slot.
bool ChunkWorker::IsLimited(const Job& job) {
  if (parts_.limiter == nullptr || job.repeats) return false;
  std::vector<SendCandidate> candidates;
  candidates.reserve(job.messages.size());
  for (size_t i = 0; i < job.messages.size(); ++i) {
    candidates.push_back(
        CandidateFor(job.chunk.members[i], job.messages[i], job.provider->account()));
  }
  const absl::StatusOr<bool> limited = parts_.limiter->Limits(candidates);
  if (!limited.ok()) parts_.observer->OnStorageError("limit", limited.status());
  return limited.value_or(true);
}

// False when a member does not render: what then becomes of it is a matter of single emails.
bool ChunkWorker::Render(Job* job) {
  job->messages.reserve(job->chunk.members.size());
  for (const storage::LeasedEmail& member : job->chunk.members) {
    PassPoison(member.template_key);
    absl::StatusOr<providers::OutboundMessage> message = parts_.renderer->Render(member);
    if (!message.ok() || !message->attachments.empty()) return false;
    job->messages.push_back(*std::move(message));
  }
  return true;
}

bool ChunkWorker::PrepareBatch(Job* job) {
  const EmailId name{job->chunk.lease.chunk.value};
  job->batch =
      job->provider->PrepareBatch(job->messages, absl::StrCat("chunk-", FormatEmailId(name)));
  return job->batch != nullptr;
}

// No account takes it now.
void ChunkWorker::PutOff(Job job) {
  ChunkEnd end = EndOf(job.chunk);
  end.kind = ChunkEnd::Kind::kRetry;
  // Jittered: all that wait for an account would come back as one.
  end.delay = std::clamp(job.choice.wait, kNoRouteMin, kNoRouteMax) * (1 + parts_.random());
  end.reason = std::string(job.choice.reason);
  recorder_->Add({std::make_shared<const LeasedChunk>(std::move(job.chunk)), std::move(end)});
}

void ChunkWorker::BreakUp(const std::vector<storage::ChunkLease>& leases) {
  if (absl::Status status = parts_.chunks->BreakUp(leases); !status.ok()) {
    parts_.observer->OnStorageError("break_up_chunks", status);  // the leases end by themselves
  }
  Release(static_cast<int>(leases.size()));
}

void ChunkWorker::Begin(std::vector<Job> jobs) {
  std::vector<storage::ChunkStart> starts;
  starts.reserve(jobs.size());
  for (const Job& job : jobs) {
    storage::ChunkStart start{job.chunk.lease,
                              {},
                              std::string(job.provider->account()),
                              job.batch->key(),
                              job.batch->digest()};
    for (const storage::LeasedEmail& member : job.chunk.members) {
      start.members.push_back(member.lease);
    }
    starts.push_back(std::move(start));
  }
  const absl::Time asked = SteadyNow();
  const absl::StatusOr<std::vector<ChunkBegin>> begun =
      parts_.chunks->Begin(starts, parts_.provider_timeout + kRecordMargin);
  if (!begun.ok()) {
    // Whether the attempts were recorded is not known: see LaneWorker.
    parts_.observer->OnStorageError("begin_chunks", begun.status());
    return Release(static_cast<int>(jobs.size()));
  }
  Pass(Failpoint::kAfterBeginCommit);
  const bool too_late = SteadyNow() - asked > kRecordMargin;
  std::vector<Job> again;
  std::vector<storage::ChunkLease> broken;
  for (size_t i = 0; i < jobs.size(); ++i) {
    const ChunkBegin& result = (*begun)[i];
    for (const ChunkBegin::Stopped& stopped : result.stopped) {
      for (const storage::LeasedEmail& member : jobs[i].chunk.members) {
        if (member.lease.email == stopped.email) parts_.observer->OnStopped(member, stopped.state);
      }
    }
    if (result.verdict == ChunkBegin::Verdict::kBegun) {
      HandOver(std::move(jobs[i]), result.attempt, too_late);
    } else if (result.verdict == ChunkBegin::Verdict::kStale || result.members.empty()) {
      Release(1);
    } else if (KeepOnly(result.members, &jobs[i])) {
      again.push_back(std::move(jobs[i]));
    } else {
      broken.push_back(jobs[i].chunk.lease);
    }
  }
  if (!broken.empty()) BreakUp(broken);
  // Members only ever leave, so this ends.
  if (!again.empty()) Begin(std::move(again));
}

// Takes out who has left, and makes the batch anew.
bool ChunkWorker::KeepOnly(const std::vector<EmailId>& members, Job* job) {
  if (job->repeats || members.size() >= job->chunk.members.size()) return false;
  const absl::flat_hash_set<EmailId> staying(members.begin(), members.end());
  size_t kept = 0;
  for (size_t i = 0; i < job->messages.size(); ++i) {
    if (!staying.contains(job->chunk.members[i].lease.email)) continue;
    if (kept != i) {
      job->chunk.members[kept] = std::move(job->chunk.members[i]);
      job->messages[kept] = std::move(job->messages[i]);
    }
    ++kept;
  }
  job->chunk.members.resize(kept);
  job->messages.resize(kept);
  return kept == members.size() && PrepareBatch(job);
}

void ChunkWorker::HandOver(Job job, int attempt, bool too_late) {
  DropContents(&job.chunk);
  const auto chunk = std::make_shared<const LeasedChunk>(std::move(job.chunk));
  ChunkEnd end = EndOf(*chunk);
  end.attempt = attempt;
  end.account = std::string(job.provider->account());
  end.request_digest = job.batch->digest();
  const ChunkHandOver facts{chunk.get(), attempt, job.provider->capabilities().idempotency_window,
                            job.repeats};
  if (too_late) {
    // Recorded but certainly not made; see LaneWorker.
    end.outcome = Outcome::kRetryable;
    end.error_code = "too_late";
    end.detail = "the process was held up; nothing was handed over";
    end.kind = job.repeats ? ChunkEnd::Kind::kUnconfirmed : ChunkEnd::Kind::kRetry;
    end.reason = "too_late";
    return recorder_->Add({chunk, std::move(end)});
  }
  const absl::Time started = SteadyNow();
  job.provider->SendBatch(std::move(job.batch), parts_.provider_timeout,
                          [this, chunk, facts, started, end = std::move(end)](
                              const std::vector<providers::SendResult>& results) mutable {
                            Pass(Failpoint::kAfterResponse);
                            parts_.observer->OnChunkHandedOver(*chunk, end.account, end.attempt,
                                                               results, SteadyNow() - started);
                            DecideChunk(policy_, facts, results, parts_.random, &end);
                            recorder_->Add({chunk, std::move(end)});
                          });
  Pass(Failpoint::kAfterHandoverSent);
}

}  // namespace herald::delivery

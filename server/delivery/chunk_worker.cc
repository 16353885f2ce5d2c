#include "server/delivery/chunk_worker.h"

#include <algorithm>
#include <utility>

#include "absl/algorithm/container.h"
#include "model/steady_time.h"
#include "server/delivery/failover.h"
#include "server/delivery/failpoint.h"

namespace herald::delivery {
namespace {

using storage::ChunkBegin;
using storage::ChunkEnd;
using storage::LeasedChunk;

constexpr absl::Duration kBusyPoll = absl::Milliseconds(20);
constexpr absl::Duration kIdlePoll = absl::Milliseconds(500);
constexpr size_t kMembersMax = 100;
// As of single emails.
constexpr absl::Duration kRecordMargin = absl::Seconds(5);
// Chunks of one recording: a statement on a thousand emails.
constexpr size_t kRecordMax = 10;
constexpr absl::Duration kRecordGathering = absl::Milliseconds(20);
// Emails of a claim while CRITICAL ones are delivered, and the longest rest after it.
constexpr size_t kGentleEmails = 100;
constexpr absl::Duration kRestMax = absl::Seconds(2);
// A chunk that goes in single requests takes as long as so many that go in batch calls, and all
// that are begun are in doubt after a crash: few at a time.
constexpr int kPlacesOfSingles = 4;

ChunkEnd EndOf(const LeasedChunk& chunk) {
  ChunkEnd end;
  end.lease = chunk.lease;
  end.lane = chunk.lane;
  end.free_before = chunk.free_attempts;
  if (chunk.unconfirmed.has_value()) end.unconfirmed_since = chunk.unconfirmed->begin_time;
  return end;
}

bool AnyNotTaken(absl::Span<const providers::SendResult> results) {
  return absl::c_any_of(results, [](const providers::SendResult& result) {
    return result.outcome == Outcome::kRetryable || result.outcome == Outcome::kProviderDown;
  });
}

// Chunks of a claim that hold about kGentleEmails; one at least, however large they are.
int GentleClaim(size_t usual_members) {
  return static_cast<int>(std::max<size_t>(kGentleEmails / std::max<size_t>(usual_members, 1), 1));
}

size_t UsualMembers(const std::vector<LeasedChunk>& chunks) {
  size_t members = 0;
  for (const LeasedChunk& chunk : chunks) members += chunk.members.size();
  return members / chunks.size();
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
    : lane_(lane),
      policy_(policy),
      parts_(std::move(parts)),
      shares_(policy.chunks_in_flight_max, policy.chunk_claim),
      preparation_(lane, policy_, parts_),
      closed_routes_(lane, parts_.router),
      members_(policy.member_requests_max, parts_.provider_timeout) {
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
  steps.finished = [this](const Recorded& item) {
    Release(item.chunk->lease.tenant, item.places);
    // Another account is waiting for it.
    if (!item.end.tried_accounts.empty()) Wake();
  };
  recorder_ =
      std::make_unique<RecordingLoop<Recorded>>(kRecordMax, std::move(steps), kRecordGathering);
  for (int i = 0; i < policy_.chunk_workers; ++i) threads_.emplace_back([this, i] { Run(i); });
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
  members_.Stop();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  absl::MutexLock lock(&mutex_);
  const auto empty = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return shares_.empty(); };
  return mutex_.AwaitWithDeadline(absl::Condition(&empty), deadline);
}

void ChunkWorker::Run(int number) {
  absl::Duration poll = kBusyPoll;
  size_t usual_members = kMembersMax;  // of a chunk, by the last claim
  while (!Stopping()) {
    const bool gentle = GivesWay();
    if (gentle && number > 0) {
      Rest(kIdlePoll);
      continue;
    }
    const TenantShares::Allowance room =
        Reserve(gentle ? GentleClaim(usual_members) : policy_.chunk_claim);
    if (room.limit == 0) {
      Pause(kIdlePoll, &room);
      continue;
    }
    const absl::Time asked = SteadyNow();
    const ClosedRoutes::Advice advice = closed_routes_.Next(asked, room.full);
    const int limit = advice.scouts ? 1 : room.limit;
    absl::StatusOr<std::vector<LeasedChunk>> chunks =
        parts_.chunks->Claim(lane_, limit, parts_.lease, advice.except);
    if (!chunks.ok()) {
      parts_.observer->OnStorageError("claim_chunks", chunks.status());
      chunks.emplace();
    }
    const int claimed = static_cast<int>(chunks->size());
    Occupy(room.limit, *chunks);
    if (claimed > 0) {
      usual_members = UsualMembers(*chunks);
      Pass(Failpoint::kAfterClaim);
      Deliver(*std::move(chunks), asked);
      if (gentle) Rest((SteadyNow() - asked) * (1 / policy_.share_beside_critical - 1));
    }
    poll = claimed > 0 ? kBusyPoll : std::min(poll * 2, kIdlePoll);
    if (claimed < limit) Pause(poll * (0.5 + parts_.random() / 2), &room);
  }
}

// Places for a claim, which is to Occupy some of them.
TenantShares::Allowance ChunkWorker::Reserve(int most) {
  absl::MutexLock lock(&mutex_);
  TenantShares::Allowance room = shares_.Next();
  room.limit = std::min(room.limit, most);
  shares_.Reserve(room.limit);
  return room;
}

void ChunkWorker::Occupy(int reserved, const std::vector<LeasedChunk>& chunks) {
  absl::MutexLock lock(&mutex_);
  shares_.Reserve(-reserved);
  for (const LeasedChunk& chunk : chunks) shares_.Add(chunk.lease.tenant, 1);
}

void ChunkWorker::Pause(absl::Duration at_most, const TenantShares::Allowance* room) {
  absl::MutexLock lock(&mutex_);
  const auto disturbed = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return stopping_ || woken_ > 0 || (room != nullptr && shares_.IsBetterThan(*room));
  };
  AwaitSteadily(mutex_, absl::Condition(&disturbed), at_most);
  woken_ = std::max(woken_ - 1, 0);
}

// Whether CRITICAL emails are to find the machine half idle: lower priorities of threads do not
// reach PostgreSQL's processes, which a claim keeps busy for longer than an email may take.
bool ChunkWorker::GivesWay() const {
  return policy_.share_beside_critical < 1 && parts_.urgent != nullptr &&
         parts_.urgent->Flows(SteadyNow());
}

void ChunkWorker::Rest(absl::Duration length) {
  absl::MutexLock lock(&mutex_);
  const auto stopping = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return stopping_; };
  AwaitSteadily(mutex_, absl::Condition(&stopping), std::min(length, kRestMax));
}

bool ChunkWorker::Stopping() {
  absl::MutexLock lock(&mutex_);
  return stopping_;
}

void ChunkWorker::Release(TenantId tenant, int places) {
  absl::MutexLock lock(&mutex_);
  shares_.Remove(tenant, places);
}

void ChunkWorker::Deliver(std::vector<LeasedChunk> chunks, absl::Time claim_time) {
  if (Stopping()) return Return(chunks);
  std::vector<ChunkJob> jobs;
  std::vector<storage::ChunkLease> broken;
  for (LeasedChunk& chunk : chunks) {
    ChunkJob job;
    job.chunk = std::move(chunk);
    job.claim_time = claim_time;
    switch (preparation_.Prepare(&job)) {
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

void ChunkWorker::Return(const std::vector<LeasedChunk>& chunks) {
  std::vector<storage::ChunkLease> leases;
  leases.reserve(chunks.size());
  for (const LeasedChunk& chunk : chunks) leases.push_back(chunk.lease);
  // Should this fail, the leases end by themselves.
  if (absl::Status status = parts_.chunks->ReturnLeases(leases); !status.ok()) {
    parts_.observer->OnStorageError("return_chunks", status);
  }
  for (const storage::ChunkLease& lease : leases) Release(lease.tenant);
}

// No account takes it now.
void ChunkWorker::PutOff(ChunkJob job) {
  closed_routes_.Note(job.chunk.lease.tenant);
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
  for (const storage::ChunkLease& lease : leases) Release(lease.tenant);
}

void ChunkWorker::Begin(std::vector<ChunkJob> jobs) {
  std::vector<storage::ChunkStart> starts;
  starts.reserve(jobs.size());
  for (const ChunkJob& job : jobs) {
    storage::ChunkStart start{
        job.chunk.lease, {}, std::string(job.provider->account()), job.call.key, job.call.digest};
    for (const storage::LeasedEmail& member : job.chunk.members) {
      start.members.push_back(member.lease);
    }
    starts.push_back(std::move(start));
  }
  absl::Time asked;
  const absl::StatusOr<std::vector<ChunkBegin>> begun = BeginPatiently(starts, &asked);
  // Whether the attempts were recorded is not known: see LaneWorker.
  if (!begun.ok()) {
    for (const ChunkJob& job : jobs) Release(job.chunk.lease.tenant);
    return;
  }
  Pass(Failpoint::kAfterBeginCommit);
  const bool too_late = SteadyNow() - asked > kRecordMargin;
  std::vector<ChunkJob> again;
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
      Release(jobs[i].chunk.lease.tenant);
    } else if (preparation_.KeepOnly(result.members, &jobs[i])) {
      again.push_back(std::move(jobs[i]));
    } else {
      broken.push_back(jobs[i].chunk.lease);
    }
  }
  if (!broken.empty()) BreakUp(broken);
  // Members only ever leave, so this ends.
  if (!again.empty()) Begin(std::move(again));
}

// As LaneWorker's: the claims of a chunk that the database kept from its end shall not count.
absl::StatusOr<std::vector<ChunkBegin>> ChunkWorker::BeginPatiently(
    const std::vector<storage::ChunkStart>& starts, absl::Time* asked) {
  const absl::Time give_up = SteadyNow() + parts_.lease;
  for (absl::Duration wait = kBusyPoll;; wait = std::min(wait * 2, kIdlePoll)) {
    *asked = SteadyNow();
    absl::StatusOr<std::vector<ChunkBegin>> begun =
        parts_.chunks->Begin(starts, parts_.provider_timeout + kRecordMargin);
    if (begun.ok()) return begun;
    parts_.observer->OnStorageError("begin_chunks", begun.status());
    if (Stopping() || SteadyNow() > give_up) return begun;
    Pause(wait);
  }
}

void ChunkWorker::HandOver(ChunkJob job, int attempt, bool too_late) {
  DropContents(&job.chunk);
  const auto chunk = std::make_shared<const LeasedChunk>(std::move(job.chunk));
  ChunkEnd end = EndOf(*chunk);
  end.attempt = attempt;
  end.account = std::string(job.provider->account());
  end.request_digest = job.call.digest;
  if (too_late) {
    // Recorded but certainly not made; see LaneWorker.
    end.outcome = Outcome::kRetryable;
    end.error_code = "too_late";
    end.detail = "the process was held up; nothing was handed over";
    end.kind = job.repeats ? ChunkEnd::Kind::kUnconfirmed : ChunkEnd::Kind::kRetry;
    end.reason = "too_late";
    return recorder_->Add({chunk, std::move(end)});
  }
  ChunkHandOver facts{chunk.get(), attempt, job.provider->capabilities().idempotency_window,
                      job.repeats, job.call.MemberDigests()};
  const int places = job.call.in_one() ? 1 : kPlacesOfSingles;
  auto done = [this, chunk, places, facts = std::move(facts), query = std::move(job.query),
               started = SteadyNow(),
               end = std::move(end)](const std::vector<providers::SendResult>& results) mutable {
    Pass(Failpoint::kAfterResponse);
    parts_.observer->OnChunkHandedOver(*chunk, end.account, end.attempt, results,
                                       SteadyNow() - started);
    if (!facts.repeats && AnyNotTaken(results) &&
        TakesElsewhere(*parts_.router, end.account, &query)) {
      facts.tried_accounts = std::move(query.excluded);
    }
    DecideChunk(policy_, facts, results, parts_.random, &end);
    recorder_->Add({chunk, std::move(end), places});
  };
  if (!job.call.in_one()) return HandOverSingly(std::move(job), std::move(done));
  job.provider->SendBatch(std::move(job.call.batch), parts_.provider_timeout, std::move(done));
  Pass(Failpoint::kAfterHandoverSent);
}

void ChunkWorker::HandOverSingly(ChunkJob job,
                                 std::function<void(std::vector<providers::SendResult>)> done) {
  Release(job.chunk.lease.tenant, 1 - kPlacesOfSingles);
  MemberHandOver::Chunk chunk;
  chunk.provider = job.provider;
  chunk.members = std::move(job.call.singles);
  chunk.admits = [router = parts_.router, account = std::string(job.provider->account())] {
    return router->ChooseAccount(account).provider != nullptr;
  };
  // By then the last answer and its recording still fall within the lease.
  chunk.begin_before = job.claim_time + parts_.lease - parts_.provider_timeout - kRecordMargin;
  chunk.done = std::move(done);
  members_.Add(std::move(chunk));
}

}  // namespace herald::delivery

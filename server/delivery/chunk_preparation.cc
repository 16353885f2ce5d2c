#include "server/delivery/chunk_preparation.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "server/delivery/failpoint.h"
#include "server/delivery/route_query.h"
#include "server/delivery/send_candidate.h"

namespace herald::delivery {

Preparation ChunkPreparation::Prepare(ChunkJob* job) const {
  const storage::LeasedChunk& chunk = job->chunk;
  if (!Render(job)) return Preparation::kBreakUp;
  job->repeats = chunk.unconfirmed.has_value();
  job->query = QueryOf(*job);
  job->choice = job->repeats ? parts_.router->ChooseAccount(chunk.unconfirmed->account)
                             : parts_.router->Choose(job->query);
  job->provider = job->choice.provider;
  if (job->provider == nullptr) {
    const bool gone = job->repeats && parts_.router->Find(chunk.unconfirmed->account) == nullptr;
    return gone || job->choice.for_good ? Preparation::kBreakUp : Preparation::kPutOff;
  }
  job->call = PrepareChunkCall(*job->provider, chunk.lease.chunk, job->messages);
  if (IsLimited(*job)) return Preparation::kBreakUp;
  if (!job->repeats) return Preparation::kReady;
  UnconfirmedFacts facts;
  facts.age = chunk.claim_time - chunk.unconfirmed->begin_time;
  facts.idempotency_window = job->provider->capabilities().idempotency_window;
  facts.same_request = job->call.digest == chunk.unconfirmed->request_digest;
  return NextUnconfirmedStep(policy_, facts) == UnconfirmedStep::kRepeat ? Preparation::kReady
                                                                         : Preparation::kBreakUp;
}

// What the most demanding of the members asks for.
RouteQuery ChunkPreparation::QueryOf(const ChunkJob& job) const {
  RouteQuery query;
  for (size_t i = 0; i < job.messages.size(); ++i) {
    const RouteQuery member = QueryFor(job.chunk.members[i], job.messages[i]);
    query.message_bytes = std::max(query.message_bytes, member.message_bytes);
    query.international |= member.international;
  }
  query.tenant = job.chunk.lease.tenant;
  query.lane = lane_;
  query.excluded = job.chunk.tried_accounts;
  return query;
}

// Whether a limit has no room for all members now: then they go on alone, each to a slot of its
// own. A repetition takes no new slot.
bool ChunkPreparation::IsLimited(const ChunkJob& job) const {
  const absl::string_view account = job.provider->account();
  if (parts_.limiter == nullptr || job.repeats ||
      !parts_.limiter->MayLimit(job.chunk.lease.tenant, account)) {
    return false;
  }
  std::vector<SendCandidate> candidates;
  candidates.reserve(job.messages.size());
  for (size_t i = 0; i < job.messages.size(); ++i) {
    candidates.push_back(CandidateFor(job.chunk.members[i], job.messages[i], account));
  }
  const absl::StatusOr<bool> admitted = parts_.limiter->AdmitTogether(candidates);
  if (!admitted.ok()) parts_.observer->OnStorageError("limit", admitted.status());
  return !admitted.value_or(false);
}

// False when a member does not render: what then becomes of it is a matter of single emails.
bool ChunkPreparation::Render(ChunkJob* job) const {
  job->messages.reserve(job->chunk.members.size());
  for (const storage::LeasedEmail& member : job->chunk.members) {
    PassPoison(member.template_key);
    absl::StatusOr<providers::OutboundMessage> message = parts_.renderer->Render(member);
    if (!message.ok() || !message->attachments.empty()) return false;
    job->messages.push_back(*std::move(message));
  }
  return true;
}

bool ChunkPreparation::KeepOnly(const std::vector<EmailId>& members, ChunkJob* job) const {
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
  if (kept != members.size()) return false;
  job->call = PrepareChunkCall(*job->provider, job->chunk.lease.chunk, job->messages);
  return true;
}

}  // namespace herald::delivery

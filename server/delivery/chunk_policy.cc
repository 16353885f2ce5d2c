#include "server/delivery/chunk_policy.h"

#include <utility>

#include "absl/algorithm/container.h"

namespace herald::delivery {
namespace {

using Kind = storage::Disposition::Kind;
using providers::SendResult;
using storage::ChunkEnd;

constexpr char kRefusedTogether[] = "batch_refused";

AttemptFacts FactsOf(const ChunkHandOver& hand_over) {
  AttemptFacts facts;
  facts.free = hand_over.chunk->free_attempts;
  facts.counted = hand_over.attempt - facts.free;
  facts.idempotency_window = hand_over.idempotency_window;
  return facts;
}

storage::Disposition DecideMember(const LanePolicy& policy, const ChunkHandOver& hand_over,
                                  const SendResult& result, const Random& random) {
  storage::Disposition disposition = Decide(policy, result, FactsOf(hand_over), random);
  if (hand_over.repeats) disposition = AfterRepeat(std::move(disposition));
  // Its own request is no repetition of the batch: only evidence can tell.
  if (disposition.kind == Kind::kUnconfirmed) disposition.delay = policy.evidence_wait;
  return disposition;
}

// Whether the chunk stays together after this verdict, which all members share.
bool StaysWhole(const storage::Disposition& disposition, ChunkEnd* end) {
  if (disposition.kind != Kind::kRetry && disposition.kind != Kind::kUnconfirmed) return false;
  end->kind =
      disposition.kind == Kind::kRetry ? ChunkEnd::Kind::kRetry : ChunkEnd::Kind::kUnconfirmed;
  end->delay = disposition.delay;
  end->free = disposition.free;
  end->reason = disposition.reason;
  return true;
}

void EndEach(const LanePolicy& policy, const ChunkHandOver& hand_over,
             absl::Span<const SendResult> results, bool all_rejected, const Random& random,
             ChunkEnd* end) {
  end->kind = ChunkEnd::Kind::kDone;
  bool alike = true;
  for (size_t i = 0; i < results.size(); ++i) {
    const SendResult& result = results[i];
    alike = alike && result.outcome == *end->outcome;
    end->outcomes.push_back(result.outcome);
    end->message_ids.push_back(result.outcome == Outcome::kAccepted ? result.provider_message_id
                                                                    : "");
    if (result.outcome == Outcome::kAccepted) continue;
    storage::MemberEnd member;
    member.email = hand_over.chunk->members[i].lease.email;
    member.error_code = result.error_code;
    member.detail = result.detail;
    member.disposition = DecideMember(policy, hand_over, result, random);
    if (all_rejected && !hand_over.repeats) {
      member.disposition = {Kind::kRetry, absl::ZeroDuration(), kRefusedTogether};
    }
    end->others.push_back(std::move(member));
  }
  if (alike) end->outcomes.clear();
}

}  // namespace

void DecideChunk(const LanePolicy& policy, const ChunkHandOver& hand_over,
                 absl::Span<const SendResult> results, const Random& random, ChunkEnd* end) {
  const auto all = [&](auto is) {
    return absl::c_all_of(results, [&](const SendResult& result) { return is(result.outcome); });
  };
  const SendResult& first = results.front();
  end->outcome = first.outcome;
  end->error_code = first.error_code;
  end->detail = first.detail;
  const bool untaken = all([](Outcome outcome) {
    return outcome == Outcome::kRetryable || outcome == Outcome::kProviderDown;
  });
  const bool unconfirmed = all([](Outcome outcome) { return outcome == Outcome::kUnconfirmed; });
  if (untaken || unconfirmed) {
    storage::Disposition disposition = Decide(policy, first, FactsOf(hand_over), random);
    if (hand_over.repeats) disposition = AfterRepeat(std::move(disposition));
    if (StaysWhole(disposition, end)) return;
  }
  const bool all_rejected =
      results.size() > 1 && all([](Outcome outcome) { return outcome == Outcome::kRejected; });
  if (all([](Outcome outcome) { return outcome != Outcome::kAccepted; })) {
    end->outcome = first.outcome;
  } else {
    end->outcome = Outcome::kAccepted;
    end->error_code.clear();
    end->detail.clear();
  }
  EndEach(policy, hand_over, results, all_rejected, random, end);
}

}  // namespace herald::delivery

#include "server/delivery/chunk_policy.h"

#include <utility>

#include "absl/algorithm/container.h"

namespace herald::delivery {
namespace {

using Kind = storage::Disposition::Kind;
using providers::SendResult;
using storage::ChunkEnd;

constexpr char kRefusedInBatch[] = "batch_refused";

bool WasNotTaken(const SendResult& result) {
  return result.outcome == Outcome::kRetryable || result.outcome == Outcome::kProviderDown;
}

storage::Disposition DecideOne(const LanePolicy& policy, const ChunkHandOver& hand_over,
                               const SendResult& result, const Random& random) {
  AttemptFacts facts;
  facts.free = hand_over.chunk->free_attempts;
  facts.counted = hand_over.attempt - facts.free;
  facts.idempotency_window = hand_over.idempotency_window;
  facts.elsewhere = !hand_over.repeats && WasNotTaken(result) && !hand_over.tried_accounts.empty();
  storage::Disposition disposition = Decide(policy, result, facts, random);
  if (hand_over.repeats) return AfterRepeat(std::move(disposition));
  if (facts.elsewhere && disposition.kind == Kind::kRetry) {
    disposition.tried_accounts = hand_over.tried_accounts;
  }
  return disposition;
}

storage::Disposition DecideMember(const LanePolicy& policy, const ChunkHandOver& hand_over,
                                  const SendResult& result, const Random& random) {
  storage::Disposition disposition = DecideOne(policy, hand_over, result, random);
  // Its own request is no repetition of a batch: only evidence can tell.
  if (disposition.kind == Kind::kUnconfirmed && hand_over.member_digests.empty()) {
    disposition.delay = policy.evidence_wait;
  }
  return disposition;
}

// What becomes of a chunk, or of the rest of it.
void WaitAs(storage::Disposition disposition, ChunkEnd* end) {
  end->delay = disposition.delay;
  end->free = disposition.free;
  end->reason = std::move(disposition.reason);
  end->tried_accounts = std::move(disposition.tried_accounts);
}

// Whether the chunk stays together after this verdict, which all members share.
bool StaysWhole(storage::Disposition disposition, ChunkEnd* end) {
  if (disposition.kind != Kind::kRetry && disposition.kind != Kind::kUnconfirmed) return false;
  end->kind =
      disposition.kind == Kind::kRetry ? ChunkEnd::Kind::kRetry : ChunkEnd::Kind::kUnconfirmed;
  WaitAs(std::move(disposition), end);
  return true;
}

// Whether an email that a batch call refused goes on alone, since the answer does not tell what was
// at fault with it, or with which: its own request will. Not after a repetition, for its own
// request is none: should the provider have looked at the content before the key, the first may
// have been taken.
bool IsToldMoreAlone(const ChunkHandOver& hand_over, const SendResult& result) {
  const bool batch = hand_over.member_digests.empty() && hand_over.chunk->members.size() > 1;
  if (!batch || hand_over.repeats) return false;
  return result.outcome == Outcome::kRejected ||
         (result.sender_only && hand_over.tried_accounts.empty());
}

void EndEach(const LanePolicy& policy, const ChunkHandOver& hand_over,
             absl::Span<const SendResult> results, const Random& random, ChunkEnd* end) {
  end->kind = ChunkEnd::Kind::kDone;
  const bool singly = !hand_over.member_digests.empty();
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
    member.disposition = DecideMember(policy, hand_over, result, random);
    if (IsToldMoreAlone(hand_over, result)) {
      member.disposition = {Kind::kRetry, absl::ZeroDuration(), kRefusedInBatch};
    }
    if (singly && member.disposition.kind == Kind::kRetry && member.disposition.free) {
      end->rest.push_back(member.email);
      // The longest wait that any of them asks for.
      if (end->rest.size() == 1 || member.disposition.delay > end->delay) {
        WaitAs(std::move(member.disposition), end);
      }
      continue;
    }
    member.error_code = result.error_code;
    member.detail = result.detail;
    if (singly) member.request_digest = hand_over.member_digests[i];
    end->others.push_back(std::move(member));
  }
  if (alike) end->outcomes.clear();
}

}  // namespace

void DecideChunk(const LanePolicy& policy, const ChunkHandOver& hand_over,
                 absl::Span<const SendResult> results, const Random& random, ChunkEnd* end) {
  const auto all = [&](auto is) { return absl::c_all_of(results, is); };
  const SendResult& first = results.front();
  const bool singly = !hand_over.member_digests.empty();
  end->outcome = first.outcome;
  end->error_code = first.error_code;
  end->detail = first.detail;
  // Of single requests some may have failed through no fault of theirs and others not.
  const bool untaken = all([&](const SendResult& result) {
    return WasNotTaken(result) && (!singly || hand_over.repeats || IsFree(result) == IsFree(first));
  });
  const bool unconfirmed =
      all([](const SendResult& result) { return result.outcome == Outcome::kUnconfirmed; });
  const bool told_alone =
      all([&](const SendResult& result) { return IsToldMoreAlone(hand_over, result); });
  if ((untaken || unconfirmed) && !told_alone &&
      StaysWhole(DecideOne(policy, hand_over, first, random), end)) {
    return;
  }
  if (!all([](const SendResult& result) { return result.outcome != Outcome::kAccepted; })) {
    end->outcome = Outcome::kAccepted;
    end->error_code.clear();
    end->detail.clear();
  }
  EndEach(policy, hand_over, results, random, end);
}

}  // namespace herald::delivery

#include "server/delivery/member_hand_over.h"

#include <utility>

#include "model/steady_time.h"
#include "server/delivery/failpoint.h"

namespace herald::delivery {
namespace {

using providers::SendResult;

// Whether the account takes nothing at all, and not just not this one.
bool TakesNoMore(const SendResult& result) {
  return result.throttled || (result.outcome == Outcome::kProviderDown && !result.sender_only);
}

SendResult NotBegun(absl::optional<absl::Duration> retry_after) {
  SendResult result;
  result.outcome = Outcome::kRetryable;
  result.error_code = "not_begun";
  result.detail = "the account or the service takes no more now; nothing was handed over";
  result.retry_after = retry_after;
  result.throttled = true;
  return result;
}

}  // namespace

void MemberHandOver::Add(Chunk chunk) {
  auto running = std::make_shared<Running>();
  running->results.resize(chunk.members.size());
  running->chunk = std::move(chunk);
  Line* line = nullptr;
  {
    absl::MutexLock lock(&mutex_);
    line = &lines_[running->chunk.provider];
    line->waiting.push_back(std::move(running));
  }
  Pump(*line);
}

void MemberHandOver::Stop() {
  std::vector<Line*> lines;
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
    for (auto& [provider, line] : lines_) lines.push_back(&line);
  }
  for (Line* line : lines) Pump(*line);
}

// A provider may answer while it is called: then the pump is already at work and goes on.
void MemberHandOver::Pump(Line& line) {
  {
    absl::MutexLock lock(&mutex_);
    if (std::exchange(line.pumped, true)) return;
  }
  while (true) {
    const Step step = Next(line);
    if (step.chunk == nullptr) return;
    if (step.leaves) {
      Close(step.chunk);
    } else {
      Begin(line, step.chunk);
    }
  }
}

MemberHandOver::Step MemberHandOver::Next(Line& line) {
  absl::MutexLock lock(&mutex_);
  if (!line.waiting.empty()) {
    const RunningPtr& head = line.waiting.front();
    if (stopping_ || SteadyNow() >= head->chunk.begin_before) head->halted = true;
    if (head->halted || head->begun == head->chunk.members.size()) {
      Step step{std::move(line.waiting.front()), true};
      line.waiting.pop_front();
      return step;
    }
    if (line.under_way < at_once_) return {head, false};
  }
  line.pumped = false;
  return {};
}

// By the pump alone, which is one thread at a time.
void MemberHandOver::Begin(Line& line, const RunningPtr& chunk) {
  const bool admitted = chunk->begun == 0 || chunk->chunk.admits();
  size_t member = 0;
  {
    absl::MutexLock lock(&mutex_);
    if (!admitted) {
      for (const RunningPtr& waiting : line.waiting) waiting->halted = true;
    }
    if (chunk->halted) return;
    member = chunk->begun++;
    ++chunk->open;
    ++line.under_way;
  }
  chunk->chunk.provider->Send(std::move(chunk->chunk.members[member]), timeout_,
                              [this, &line, chunk, member](SendResult result) {
                                Pass(Failpoint::kAfterResponse);
                                End(line, chunk, member, std::move(result));
                              });
  Pass(Failpoint::kAfterHandoverSent);
}

void MemberHandOver::End(Line& line, const RunningPtr& chunk, size_t member, SendResult result) {
  {
    absl::MutexLock lock(&mutex_);
    --line.under_way;
    if (TakesNoMore(result)) {
      chunk->halted = true;
      chunk->retry_after = result.retry_after;
      for (const RunningPtr& waiting : line.waiting) {
        waiting->halted = true;
        waiting->retry_after = result.retry_after;
      }
    }
    chunk->results[member] = std::move(result);
  }
  Close(chunk);
  Pump(line);
}

void MemberHandOver::Close(const RunningPtr& chunk) {
  {
    absl::MutexLock lock(&mutex_);
    if (--chunk->open > 0) return;
  }
  for (size_t i = chunk->begun; i < chunk->results.size(); ++i) {
    chunk->results[i] = NotBegun(chunk->retry_after);
  }
  chunk->chunk.done(std::move(chunk->results));
}

}  // namespace herald::delivery

// Rate limits on the way of a batch: who may go, and where the others wait.

#include <utility>

#include "server/delivery/lane_worker.h"

namespace herald::delivery {
namespace {

// While the limiter does not answer.
constexpr absl::Duration kLimiterDelay = absl::Seconds(1);

}  // namespace

// Takes out those that have to wait and parks them.
std::vector<LaneWorker::Job> LaneWorker::Limit(std::vector<Job> jobs) {
  std::vector<SendCandidate> candidates;
  candidates.reserve(jobs.size());
  for (const Job& job : jobs) {
    candidates.push_back(CandidateFor(*job.email, job.message, job.provider->account()));
  }
  absl::StatusOr<std::vector<storage::SlotAnswer>> answers = parts_.limiter->Admit(candidates);
  if (!answers.ok()) {
    parts_.observer->OnStorageError("limit", answers.status());
    PutOff(jobs);
    return {};
  }
  std::vector<Job> going;
  std::vector<storage::ParkedEmail> parked;
  for (size_t i = 0; i < jobs.size(); ++i) {
    storage::SlotAnswer& answer = (*answers)[i];
    if (answer.go) {
      going.push_back(std::move(jobs[i]));
      continue;
    }
    parts_.observer->OnParked(*jobs[i].email, answer.limit, answer.delay);
    parked.push_back({jobs[i].email->lease, answer.slot, std::move(answer.held),
                      std::string(LimitScopeName(answer.limit))});
  }
  if (parked.empty()) return going;
  ParkPatiently(parked);
  for (const storage::ParkedEmail& email : parked) Release(email.lease);
  return going;
}

// Tries all of them again in a while.
void LaneWorker::PutOff(const std::vector<Job>& jobs) {
  std::vector<storage::ParkedEmail> parked;
  for (const Job& job : jobs) {
    const storage::LeasedEmail& email = *job.email;
    parked.push_back({email.lease, email.claim_time + kLimiterDelay, email.slots_held, ""});
  }
  ParkPatiently(parked);
  for (const storage::ParkedEmail& email : parked) Release(email.lease);
}

}  // namespace herald::delivery

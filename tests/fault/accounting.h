#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "tests/fault/fault_harness.h"
#include "tests/fault/load.h"

namespace herald::fault {

// The final accounting: joins what callers were told, what providers wrote down as accepted, and
// what the database holds. The invariants are those of the delivery promise:
//   I1  every acknowledged email is there and, after quiescence, in a terminal state
//   I2  a provider took it once if it counts as sent, at most once otherwise; where a provider
//       does not recognise repetitions, at most once more per unconfirmed attempt on record
//   I3  one id per key, other content refused
//   I4  no email left a terminal state
//   I9  the states add up to the keys acknowledged, and the ledger says the same as the rows
struct AccountingInput {
  // By tenant id and key: every key that was ever tried.
  std::map<std::pair<std::string, std::string>, Acknowledged> acknowledged;
  // Ground truth files, one a provider (ground_truth.h).
  std::vector<std::string> records;
  // The providers deliver a repeated key once.
  bool idempotent = true;
  // Work is left, and heraldd is stopped: an email that waits in the queue is accounted for, too.
  bool unfinished = false;
};

struct Accounting {
  std::vector<std::string> lines;       // the accounting, one line a tenant
  std::vector<std::string> violations;  // empty: every invariant holds
  std::string Text() const;             // both, for a test's message
};

// Waits until no email is left in the queue, for as long as it gets shorter: how long that takes is
// the machine's business. False: it did not for `patience`.
bool AwaitQuiescence(const Stack& stack, absl::Duration patience);

// Call it after quiescence.
Accounting Reconcile(const Stack& stack, const AccountingInput& input);

// Reconciles, prints the accounting and fails the test on any violation.
void ExpectAccountedFor(const Stack& stack, const AccountingInput& input);

// The whole end of a test under load: settles the load, waits for quiescence, prints the accounting
// and fails the test on any violation. heraldd must be running.
void ExpectEverythingAccountedFor(const Stack& stack, Load& load, std::vector<std::string> records);

}  // namespace herald::fault

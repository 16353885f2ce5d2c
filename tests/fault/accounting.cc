#include "tests/fault/accounting.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <limits>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "model/email_state.h"
#include "model/ids.h"
#include "tests/support/ground_truth.h"

namespace herald::fault {
namespace {

constexpr size_t kViolationsMax = 20;
constexpr size_t kLogLines = 40;
constexpr absl::Duration kSettlePatience = absl::Seconds(30);
// Two leases of a crashed process and the deliveries between them.
constexpr absl::Duration kQuiescencePatience = absl::Seconds(40);

// Outcome numbers 1 and 3: accepted, unconfirmed (model/outcome.h).
constexpr char kEmails[] = R"sql(
SELECT e.tenant_id, e.email_id, e.idempotency_key, e.state, e.state_reason,
       coalesce(a.accepted, 0), coalesce(a.unconfirmed, 0), coalesce(a.unended, 0),
       (q.email_id IS NOT NULL OR c.chunk_id IS NOT NULL)::int
FROM herald.emails e
LEFT JOIN herald.queue q ON q.tenant_id = e.tenant_id AND q.email_id = e.email_id
LEFT JOIN herald.chunks c ON c.tenant_id = e.tenant_id AND c.chunk_id = e.chunk_id
LEFT JOIN (SELECT tenant_id, email_id, count(*) FILTER (WHERE outcome = 1) AS accepted,
                  count(*) FILTER (WHERE outcome = 3) AS unconfirmed,
                  count(*) FILTER (WHERE outcome IS NULL) AS unended
           FROM herald.email_attempts GROUP BY tenant_id, email_id) a
       ON a.tenant_id = e.tenant_id AND a.email_id = e.email_id
)sql";

// The ledger, folded and not yet, against the rows: per tenant, lane and state, and in sum.
constexpr char kLedgerFaults[] = R"sql(
WITH ledger AS (
  SELECT tenant_id, lane, state, sum(accepted) AS accepted, sum(emails) AS emails
  FROM (SELECT * FROM herald.ledger UNION ALL SELECT * FROM herald.ledger_deltas) l
  GROUP BY 1, 2, 3),
counted AS (SELECT tenant_id, lane, state, count(*) AS emails FROM herald.emails GROUP BY 1, 2, 3)
SELECT tenant_id, lane, state, coalesce(l.emails, 0), coalesce(c.emails, 0)
FROM ledger l FULL JOIN counted c USING (tenant_id, lane, state)
WHERE coalesce(l.emails, 0) <> coalesce(c.emails, 0)
UNION ALL
SELECT tenant_id, lane, 0, sum(accepted), sum(emails) FROM ledger GROUP BY 1, 2
HAVING sum(accepted) <> sum(emails)
)sql";

struct EmailRow {
  std::string tenant;
  std::string id;
  std::string key;
  EmailState state = EmailState::kQueued;
  std::string reason;
  int accepted = 0;
  int unconfirmed = 0;
  int unended = 0;
  bool queued = false;
};

struct TenantTotals {
  int emails = 0;
  int acknowledged = 0;
  std::map<EmailState, int> states;
  int taken = 0;        // by providers, repetitions included
  int unconfirmed = 0;  // attempts
};

int IntOf(absl::string_view text) {
  int number = -1;
  return absl::SimpleAtoi(text, &number) ? number : -1;
}

int64_t Int64Of(absl::string_view text) {
  int64_t number = -1;
  return absl::SimpleAtoi(text, &number) ? number : -1;
}

std::vector<EmailRow> ReadEmails(const Stack& stack) {
  std::vector<EmailRow> rows;
  const std::string output = stack.Query(kEmails);
  for (absl::string_view line : absl::StrSplit(output, '\n', absl::SkipEmpty())) {
    const std::vector<absl::string_view> columns = absl::StrSplit(line, '|');
    EmailRow row;
    row.tenant = FormatTenantId(TenantId{Int64Of(columns[0])});
    row.id = FormatEmailId(EmailId{Int64Of(columns[1])});
    row.key = std::string(columns[2]);
    row.state = static_cast<EmailState>(IntOf(columns[3]));
    row.reason = std::string(columns[4]);
    row.accepted = IntOf(columns[5]);
    row.unconfirmed = IntOf(columns[6]);
    row.unended = IntOf(columns[7]);
    row.queued = IntOf(columns[8]) == 1;
    rows.push_back(std::move(row));
  }
  return rows;
}

class Reconciler {
 public:
  explicit Reconciler(const AccountingInput& input) : input_(input) {
    for (const std::string& record : input.records) {
      for (const testing::AcceptedLine& line : testing::ReadGroundTruth(record)) {
        ++taken_[line.email_id];
      }
    }
  }

  Accounting Run(const Stack& stack) {
    for (const EmailRow& row : ReadEmails(stack)) Judge(row);
    for (const auto& [who, email] : input_.acknowledged) {
      ++totals_[who.first].acknowledged;
      if (found_.count(who) == 0) Violation("I1", email.id, "was acknowledged and is not there");
    }
    for (const auto& [id, count] : taken_) {
      if (known_ids_.count(id) == 0) Violation("I1", id, "went to a provider and is not there");
    }
    const std::string moves = stack.ForbiddenMoves();
    if (!moves.empty()) Violation("I4", moves, "left a terminal state");
    for (const auto& [tenant, totals] : totals_) Sum(tenant, totals);
    const std::string wrong = stack.Query(kLedgerFaults);
    if (!wrong.empty()) Violation("I9", wrong, "(tenant|lane|state|ledger|rows) does not balance");
    return std::move(result_);
  }

 private:
  void Judge(const EmailRow& row) {
    TenantTotals& totals = totals_[row.tenant];
    const int taken = taken_.count(row.id) > 0 ? taken_.at(row.id) : 0;
    ++totals.emails;
    ++totals.states[row.state];
    totals.taken += taken;
    totals.unconfirmed += row.unconfirmed;
    known_ids_.insert(row.id);
    const auto acknowledged = input_.acknowledged.find({row.tenant, row.key});
    if (acknowledged == input_.acknowledged.end()) {
      Violation("I9", row.id, "is there and was never acknowledged");
    } else if (acknowledged->second.id != row.id) {
      Violation("I3", row.id, absl::StrCat("has the key of ", acknowledged->second.id));
    }
    found_.insert({row.tenant, row.key});
    if (!IsTerminal(row.state) && !(input_.unfinished && row.queued)) {
      Violation("I1", row.id, absl::StrCat("is still ", EmailStateName(row.state)));
    }
    if (row.unended > 0) Violation("I1", row.id, "has an attempt without an end");
    JudgeCount(row, taken);
  }

  void JudgeCount(const EmailRow& row, int taken) {
    const int most = input_.idempotent ? 1 : 1 + row.unconfirmed;
    if (taken > most) {
      Violation("I2", row.id,
                absl::StrCat("was taken ", taken, " times, with ", row.unconfirmed,
                             " unconfirmed attempts"));
    }
    if (row.state == EmailState::kSent && (taken == 0 || row.accepted != 1)) {
      Violation("I2", row.id,
                absl::StrCat("is SENT, was taken ", taken, " times and has ", row.accepted,
                             " accepted attempts"));
    }
    // Known to none but the provider: only an unconfirmed attempt can explain it.
    if (row.state != EmailState::kSent && taken > 0 && row.unconfirmed == 0) {
      Violation("I2", row.id,
                absl::StrCat("was taken and is ", EmailStateName(row.state), " (", row.reason,
                             ") without an unconfirmed attempt"));
    }
  }

  void Sum(const std::string& tenant, const TenantTotals& totals) {
    int sum = 0;
    std::vector<std::string> parts;
    for (const auto& [state, count] : totals.states) {
      sum += count;
      parts.push_back(absl::StrCat(EmailStateName(state), " ", count));
    }
    result_.lines.push_back(absl::StrCat("accounting of ", tenant, ": acknowledged ",
                                         totals.acknowledged, " = ", absl::StrJoin(parts, " + "),
                                         "; taken by providers ", totals.taken,
                                         "; unconfirmed attempts ", totals.unconfirmed));
    if (sum != totals.acknowledged) {
      Violation(
          "I9", tenant,
          absl::StrCat("states add up to ", sum, ", acknowledged were ", totals.acknowledged));
    }
  }

  void Violation(absl::string_view invariant, absl::string_view whose, absl::string_view what) {
    if (result_.violations.size() >= kViolationsMax) return;
    result_.violations.push_back(absl::StrCat(invariant, ": ", whose, " ", what));
  }

  const AccountingInput& input_;
  std::map<std::string, int> taken_;  // by email id
  std::set<std::string> known_ids_;
  std::set<std::pair<std::string, std::string>> found_;
  std::map<std::string, TenantTotals> totals_;
  Accounting result_;
};

// Those that tell of an error of heraldd's own, or else the last ones.
std::string TellingLines(std::vector<std::string> lines) {
  std::vector<std::string> errors;
  for (const std::string& line : lines) {
    if (absl::StrContains(line, "\"severity\":\"ERROR\"")) errors.push_back(line);
  }
  if (!errors.empty()) lines = std::move(errors);
  const size_t skipped = lines.size() - std::min(lines.size(), kLogLines);
  return absl::StrJoin(lines.begin() + static_cast<std::ptrdiff_t>(skipped), lines.end(), "\n");
}

}  // namespace

std::string Accounting::Text() const {
  return absl::StrCat(absl::StrJoin(lines, "\n"), "\n", absl::StrJoin(violations, "\n"));
}

bool AwaitQuiescence(const Stack& stack, absl::Duration patience) {
  int64_t shortest = std::numeric_limits<int64_t>::max();
  absl::Time deadline = absl::Now() + patience;
  while (true) {
    const int64_t length =
        Int64Of(stack.Query("SELECT (SELECT count(*) FROM herald.queue) + "
                            "(SELECT count(*) FROM herald.chunks)"));
    if (length == 0) return true;
    if (length < shortest) {
      shortest = length;
      deadline = absl::Now() + patience;
    }
    if (absl::Now() > deadline) return false;
    absl::SleepFor(absl::Milliseconds(100));
  }
}

Accounting Reconcile(const Stack& stack, const AccountingInput& input) {
  return Reconciler(input).Run(stack);
}

void ExpectAccountedFor(const Stack& stack, const AccountingInput& input) {
  const Accounting accounting = Reconcile(stack, input);
  for (const std::string& line : accounting.lines) std::cout << line << std::endl;
  EXPECT_TRUE(accounting.violations.empty()) << accounting.Text();
}

void ExpectEverythingAccountedFor(const Stack& stack, Load& load,
                                  std::vector<std::string> records) {
  ASSERT_EQ(stack.process().Wait(absl::ZeroDuration()), absl::nullopt)
      << "heraldd ended by itself:\n"
      << stack.process().Stderr();
  EXPECT_TRUE(load.Finish(kSettlePatience)) << "keys were left without an acknowledgement";
  EXPECT_TRUE(AwaitQuiescence(stack, kQuiescencePatience))
      << "still queued (lane, claims, attempts, lease, due):\n"
      << stack.Query(
             "SELECT lane, claims, attempts, lease_until - now(), run_at - now(), count(*) "
             "FROM herald.queue GROUP BY 1, 2, 3, 4, 5 LIMIT 20");
  ExpectAccountedFor(stack, {load.acknowledged(), std::move(records), /*idempotent=*/true});
  std::cout << "replays " << load.replays() << ", conflicts " << load.conflicts()
            << ", refused with RetryInfo " << load.refusals() << std::endl;
  EXPECT_TRUE(load.violations().empty())
      << absl::StrJoin(load.violations(), "\n") << "\nheraldd's log:\n"
      << TellingLines(stack.process().Lines());
}

}  // namespace herald::fault

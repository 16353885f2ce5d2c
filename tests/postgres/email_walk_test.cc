// A random walk over everything that can happen to emails, against a model that knows only what is
// allowed.

#include <map>
#include <random>

#include "absl/strings/str_cat.h"
#include "tests/postgres/email_fixture.h"

namespace herald::storage {
namespace {

constexpr int kSteps = 700;

class EmailWalkTest : public EmailFixture, public ::testing::WithParamInterface<unsigned> {
 protected:
  int Pick(int n) { return std::uniform_int_distribution<int>(0, n - 1)(random_); }

  EmailId AnyEmail() {
    auto it = model_.begin();
    std::advance(it, Pick(static_cast<int>(model_.size())));
    return it->first;
  }

  void Step() {
    if (model_.size() < 5) return AcceptSome();
    switch (Pick(14)) {
      case 0:
        return AcceptSome();
      case 1:
      case 2:
      case 3:
        return ClaimSome();
      case 4:
      case 5:
        return BeginSome();
      case 6:
      case 7:
        return RecordSome();
      case 8:
        return Take(Pick(3) == 0);
      case 9:
        emails_.CancelEmail(a_, AnyEmail()).status().IgnoreError();
        return;
      case 10:
        emails_.RedriveEmail(a_, AnyEmail(), absl::Hours(1), "walk").status().IgnoreError();
        return;
      case 11:
        emails_.RescheduleEmail(a_, AnyEmail(), absl::Now() - absl::Seconds(1))
            .status()
            .IgnoreError();
        return;
      case 12:
        return Tell();
      default:
        return Disturb();
    }
  }

  void AcceptSome() {
    std::vector<NewEmail> group;
    for (int i = 0; i < 3; ++i) {
      // Every other one repeats a key.
      group.push_back(Make(absl::StrCat(next_key_ + Pick(2))));
      ++next_key_;
      group.back().recipient_normalised = absl::StrCat("r", Pick(30), "@example.com");
    }
    const auto results = emails_.AcceptEmails(group);
    ASSERT_OK(results);
    for (size_t i = 0; i < group.size(); ++i) {
      if ((*results)[i].kind == AcceptResult::Kind::kAccepted) {
        model_[group[i].id] = (*results)[i].state;
      }
    }
  }

  void ClaimSome() {
    const auto claimed = queue_.Claim(Lane::kTransactional, 4, absl::Seconds(60), {});
    ASSERT_OK(claimed);
    for (const LeasedEmail& email : *claimed) leases_.push_back(email.lease);
  }

  // Leases are kept after their end too, so that stale ones are tried.
  void BeginSome() {
    if (leases_.empty()) return;
    const Lease lease = leases_[static_cast<size_t>(Pick(static_cast<int>(leases_.size())))];
    const BeginResult begun = TryBegin(lease);
    if (begun.verdict != BeginResult::Verdict::kBegun) return;
    AttemptEnd end;
    end.lease = lease;
    end.attempt = begun.attempt;
    end.account = kAccount;
    end.request_digest = std::string(32, 'd');
    open_.push_back(end);
  }

  void RecordSome() {
    if (open_.empty()) return;
    const size_t i = static_cast<size_t>(Pick(static_cast<int>(open_.size())));
    AttemptEnd end = open_[i];
    switch (Pick(5)) {
      case 0:
        end.outcome = Outcome::kAccepted;
        end.disposition = Sent();
        break;
      case 1:
        end.outcome = Outcome::kRetryable;
        end.disposition = Retry();
        break;
      case 2:
        end.outcome = Outcome::kUnconfirmed;
        end.disposition = Unconfirmed();
        break;
      case 3:
        end.outcome = Outcome::kRejected;
        end.disposition = Failed("rejected");
        break;
      default:
        end.outcome = Outcome::kRetryable;
        end.disposition = Dead();
    }
    Record(end);
    if (Pick(3) > 0) open_.erase(open_.begin() + static_cast<std::ptrdiff_t>(i));
  }

  void Take(bool expire_first) {
    if (expire_first) ExpireLeases();
    ASSERT_OK(queue_.RescueExpired(3, 4));
    if (leases_.empty() || Pick(2) == 0) return;
    ASSERT_OK(queue_.ReturnLeases({leases_.back()}));
  }

  void Tell() {
    static constexpr EventType kTypes[] = {EventType::kProviderAccepted, EventType::kDelivered,
                                           EventType::kBounced, EventType::kComplained,
                                           EventType::kOpened};
    std::vector<ProviderEvent> events;
    for (int i = 0; i < 2; ++i) {
      events.push_back(Event(AnyEmail(), kTypes[Pick(5)], absl::StrCat("e", Pick(1000))));
      events.back().bounce_class = Pick(4) == 0 ? BounceClass::kHard : BounceClass::kSoft;
    }
    RecordEvents(events);
  }

  void Disturb() {
    if (Pick(4) == 0) {
      Sql(
          absl::StrCat("UPDATE herald.queue SET expire_time = now() - interval '1 s' "
                       "WHERE email_id = ",
                       AnyEmail().value));
    }
    ASSERT_OK(queue_.ExpireOverdue(10));
  }

  // Compares what is stored with what the model allows, and brings the model up to date.
  void Check() {
    EmailQuery all;
    all.limit = 10000;
    const auto records = emails_.ListEmails(a_, all);
    ASSERT_OK(records);
    ASSERT_EQ(records->size(), model_.size());
    for (const EmailRecord& record : *records) {
      EmailState& known = model_.at(record.id);
      ASSERT_TRUE(Reachable(known, record.state))
          << EmailStateName(known) << " to " << EmailStateName(record.state);
      known = record.state;
    }
  }

  // One step of the walk may be two of the state machine: an attempt's end passes through SENDING,
  // and evidence about one shows an email that is SENDING or waits for a retry as delivered.
  static bool Reachable(EmailState from, EmailState to) {
    if (from == to || CanTransition(from, to)) return true;
    if (IsTerminal(from)) return false;
    if (from == EmailState::kUnconfirmed && to == EmailState::kSending) return true;
    const bool evidence = to >= EmailState::kSent && to <= EmailState::kComplained;
    return evidence || CanTransition(EmailState::kSending, to);
  }

  std::mt19937 random_{GetParam()};
  std::map<EmailId, EmailState> model_;
  std::vector<Lease> leases_;
  std::vector<AttemptEnd> open_;
  int next_key_ = 0;
};

TEST_P(EmailWalkTest, TheLedgerBalancesAndNoStateGoesBack) {
  for (int step = 0; step < kSteps; ++step) {
    ASSERT_NO_FATAL_FAILURE(Step()) << "step " << step;
    ASSERT_NO_FATAL_FAILURE(Check()) << "step " << step;
  }
  // I1, I9: what is not finished is queued, and nothing else is but what a holder still has.
  EXPECT_EQ(Sql("SELECT count(*) FROM herald.emails e LEFT JOIN herald.queue q USING (tenant_id, "
                "email_id) WHERE (e.state IN (1, 2, 4)) <> (q.email_id IS NOT NULL) "
                "AND q.lease_until IS NULL"),
            "0");
  // I2: handed over at most once more than there are recorded unconfirmed attempts.
  EXPECT_EQ(Sql("SELECT count(*) FROM (SELECT 1 FROM herald.attempts GROUP BY email_id HAVING "
                "count(*) FILTER (WHERE outcome IN (1, 3) OR outcome IS NULL) > 1 + "
                "count(*) FILTER (WHERE outcome = 3)) x"),
            "0");
  // At most one attempt is open, and only of an email that is leased.
  EXPECT_EQ(Sql("SELECT count(*) FROM herald.attempts a LEFT JOIN herald.queue q USING (tenant_id, "
                "email_id) WHERE a.outcome IS NULL AND q.lease_token IS DISTINCT FROM "
                "a.lease_token"),
            "0");
}

INSTANTIATE_TEST_SUITE_P(Seeds, EmailWalkTest, ::testing::Values(1u, 2u, 3u));

}  // namespace
}  // namespace herald::storage

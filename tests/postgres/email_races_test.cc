// What holds when many do things to the same emails at once.

#include <algorithm>
#include <atomic>
#include <pqxx/pqxx>
#include <random>
#include <set>
#include <thread>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/barrier.h"
#include "tests/postgres/email_fixture.h"
#include "tests/postgres/gated_pool.h"

namespace herald::storage {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Kind = AcceptResult::Kind;
using Verdict = BeginResult::Verdict;

class EmailRacesTest : public EmailFixture {
 protected:
  EmailRacesTest() : EmailFixture(/*max_connections=*/16) {}

  template <class F>
  static void InThreads(int count, F&& body) {
    std::vector<std::thread> threads;
    for (int i = 0; i < count; ++i) threads.emplace_back(body, i);
    for (std::thread& thread : threads) thread.join();
  }

  // Runs both at once.
  template <class F, class G>
  static void Race(F&& first, G&& second) {
    auto* barrier = new absl::Barrier(2);
    std::thread thread([&] {
      if (barrier->Block()) delete barrier;
      first();
    });
    if (barrier->Block()) delete barrier;
    second();
    thread.join();
  }

  void AcceptMany(int count) {
    std::vector<NewEmail> group;
    for (int i = 0; i < count; ++i) group.push_back(Make(absl::StrCat("many-", i)));
    ASSERT_OK(emails_.AcceptEmails(group));
  }
};

TEST_F(EmailRacesTest, SixtyFourCallersWithOneKeyGetOneEmail) {
  std::vector<NewEmail> emails;
  for (int i = 0; i < 64; ++i) emails.push_back(Make("key"));
  std::vector<EmailId> ids(64);
  std::atomic<int> accepted{0};
  InThreads(64, [&](int i) {
    const auto n = static_cast<size_t>(i);
    const AcceptResult result = AcceptOne(emails[n]);
    if (result.kind == Kind::kAccepted) {
      ++accepted;
      ids[n] = emails[n].id;
    } else if (result.kind == Kind::kReplayed) {
      ids[n] = result.existing->id;
    }
  });
  EXPECT_EQ(accepted, 1);
  EXPECT_EQ(std::set<EmailId>(ids.begin(), ids.end()).size(), 1u);
  EXPECT_NE(ids[0], EmailId{});
  EXPECT_EQ(Sql("SELECT count(*) FROM herald.emails"), "1");
}

TEST_F(EmailRacesTest, PermutedGroupsOfTheSameKeysNeverDeadlock) {
  constexpr int kRounds = 40;
  std::vector<std::vector<NewEmail>> groups;
  std::mt19937 random(1);
  for (int i = 0; i < 8 * kRounds; ++i) {
    std::vector<NewEmail> group;
    for (int k = 0; k < 20; ++k) {
      group.push_back(Make(absl::StrCat(i % kRounds, "-", k), k % 2 == 0 ? a_ : b_));
    }
    std::shuffle(group.begin(), group.end(), random);
    groups.push_back(std::move(group));
  }
  std::atomic<int> accepted{0}, replayed{0};
  InThreads(8, [&](int thread) {
    for (int round = 0; round < kRounds; ++round) {
      const auto results =
          emails_.AcceptEmails(groups[static_cast<size_t>(thread * kRounds + round)]);
      ASSERT_OK(results);
      for (const AcceptResult& result : *results) {
        accepted += result.kind == Kind::kAccepted;
        replayed += result.kind == Kind::kReplayed;
      }
    }
  });
  EXPECT_EQ(accepted, 20 * kRounds);
  EXPECT_EQ(replayed, 7 * 20 * kRounds);
  EXPECT_EQ(Sql("SELECT pg_stat_clear_snapshot(), deadlocks FROM pg_stat_database "
                "WHERE datname = current_database()"),
            "|0");
}

class BrokenLinkTest : public EmailRacesTest {
 protected:
  using Gate = GatedPool::Gate;
  void AcceptThroughCut(absl::string_view bytes, Gate::CutPoint point) {
    SuppressRecipientOf(Accept("before"));
    ASSERT_OK(store_.AcceptEmails({Make("warm-up")}));
    NewEmail queued = Make("queued");
    queued.recipient_normalised = "berta@example.com";
    const std::vector<NewEmail> group = {queued, Make("suppressed"), Make("before")};
    gate_.CutWhenSeen(Gate::Direction::kFromClient, bytes, point);
    ASSERT_OK_AND_ASSIGN(const auto results, store_.AcceptEmails(group));
    EXPECT_TRUE(gate_.WaitForCut(absl::Seconds(1)));
    EXPECT_EQ(results[0].kind, Kind::kAccepted);
    EXPECT_EQ(results[0].state, EmailState::kQueued);
    EXPECT_EQ(results[1].kind, Kind::kAccepted);
    EXPECT_EQ(results[1].state, EmailState::kSuppressed);
    EXPECT_EQ(results[1].state_reason, "manual");
    EXPECT_EQ(results[2].kind, Kind::kReplayed);
    EXPECT_EQ(Sql("SELECT count(*) FROM herald.emails"), "4");
    EXPECT_EQ(Sql("SELECT count(*) FROM herald.queue"), "2");
  }

  GatedPool gated_{database_};
  Gate& gate_ = gated_.gate();
  PostgresEmailStore store_{gated_.pool(), keys_};
};

TEST_F(BrokenLinkTest, ACommitWhoseReplyIsLostIsAcceptedOnce) {
  AcceptThroughCut("COMMIT", Gate::CutPoint::kAtReply);
}

TEST_F(BrokenLinkTest, ACommitThatNeverArrivesIsRunAgain) {
  AcceptThroughCut("COMMIT", Gate::CutPoint::kBeforeForwarding);
}

TEST_F(BrokenLinkTest, AGroupCutInItsMiddleIsRunAgain) {
  AcceptThroughCut("herald.insert_emails_", Gate::CutPoint::kBeforeForwarding);
}

TEST_F(BrokenLinkTest, ADatabaseThatStaysAwayIsUnavailable) {
  gate_.Cut();
  EXPECT_THAT(store_.AcceptEmails({Make("key")}),
              support::StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(EmailRacesTest, AGroupRunAgainAfterALostCommitIsAcceptedAndNotReplayed) {
  const NewEmail email = Make("key");
  EXPECT_EQ(AcceptOne(email).kind, Kind::kAccepted);
  EXPECT_EQ(AcceptOne(email).kind, Kind::kAccepted);
  EXPECT_EQ(Sql("SELECT count(*) FROM herald.emails"), "1");
}

TEST_F(EmailRacesTest, AcceptanceSurvivesBrokenConnections) {
  Accept("before");
  Sql("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
      "WHERE datname = current_database() AND pid <> pg_backend_pid()");
  EXPECT_EQ(AcceptOne(Make("after")).kind, Kind::kAccepted);
}

TEST_F(EmailRacesTest, ClaimersNeverShareAnEmail) {
  AcceptMany(1000);
  std::vector<std::vector<EmailId>> claimed(4);
  InThreads(4, [&](int thread) {
    for (;;) {
      const auto batch = queue_.Claim(Lane::kTransactional, 37, absl::Seconds(60), {});
      ASSERT_OK(batch);
      if (batch->empty()) return;
      for (const LeasedEmail& email : *batch) {
        claimed[static_cast<size_t>(thread)].push_back(email.lease.email);
      }
    }
  });
  std::set<EmailId> distinct;
  size_t total = 0;
  for (const auto& ids : claimed) {
    distinct.insert(ids.begin(), ids.end());
    total += ids.size();
  }
  EXPECT_EQ(total, 1000u);
  EXPECT_EQ(distinct.size(), 1000u);
}

TEST_F(EmailRacesTest, TheFeedWaitsForATransactionThatCommitsLate) {
  const EmailId id = Accept("key");
  ASSERT_OK_AND_ASSIGN(const FeedCursor start, emails_.FeedEnd(a_));
  pqxx::connection connection(database_.dsn());
  pqxx::work late(connection);
  late.exec(
      absl::StrCat("INSERT INTO herald.email_events (tenant_id, email_id, event_key, type, "
                   "event_time) VALUES (",
                   a_.value, ", ", id.value, ", 'late', 22, now())"));
  RecordEvents({Event(id, EventType::kOpened, "early")});
  ASSERT_OK_AND_ASSIGN(const FeedPage before, emails_.ReadFeed(a_, start, 10));
  EXPECT_THAT(before.events, IsEmpty());
  late.commit();
  ASSERT_OK_AND_ASSIGN(const FeedPage after, emails_.ReadFeed(a_, before.next, 10));
  ASSERT_THAT(after.events, SizeIs(2));
  EXPECT_EQ(after.events[0].type, EventType::kDeferred);
  EXPECT_EQ(after.events[1].type, EventType::kOpened);
}

TEST_F(EmailRacesTest, NothingBeginsAfterACommittedCancel) {
  constexpr int kRounds = 1000;
  AcceptMany(kRounds);
  int cancelled = 0, begun = 0;
  for (int round = 0; round < kRounds; ++round) {
    const LeasedEmail leased = ClaimOne();
    BeginResult begin;
    absl::Status cancel;
    Race([&] { cancel = emails_.CancelEmail(a_, leased.lease.email).status(); },
         [&] { begin = TryBegin(leased.lease); });
    ASSERT_NE(cancel.ok(), begin.verdict == Verdict::kBegun);
    cancelled += cancel.ok();
    begun += begin.verdict == Verdict::kBegun;
  }
  EXPECT_EQ(cancelled + begun, kRounds);
  EXPECT_EQ(Sql("SELECT count(*) FROM herald.emails e JOIN herald.attempts a USING (tenant_id, "
                "email_id) WHERE e.state = 12"),
            "0");
}

TEST_F(EmailRacesTest, NothingIsClaimedAndBegunAfterACommittedCancel) {
  constexpr int kRounds = 500;
  for (int round = 0; round < kRounds; ++round) {
    const EmailId id = Accept(absl::StrCat(round));
    bool begun = false;
    absl::Status cancel;
    Race([&] { cancel = emails_.CancelEmail(a_, id).status(); },
         [&] {
           const auto claimed = queue_.Claim(Lane::kTransactional, 1, absl::Seconds(60), {});
           ASSERT_OK(claimed);
           if (claimed->empty()) return;
           begun = TryBegin(claimed->at(0).lease).verdict == Verdict::kBegun;
         });
    ASSERT_EQ(cancel.ok(), !begun) << cancel;
  }
}

TEST_F(EmailRacesTest, NothingBeginsAfterACommittedSuppression) {
  constexpr int kRounds = 500;
  std::vector<NewEmail> group;
  for (int i = 0; i < kRounds; ++i) {
    group.push_back(Make(absl::StrCat(i)));
    group.back().recipient_normalised = absl::StrCat("r", i, "@example.com");
  }
  ASSERT_OK(emails_.AcceptEmails(group));
  pqxx::connection connection(database_.dsn());
  connection.prepare("suppress",
                     "INSERT INTO herald.suppressions (tenant_id, address_hash, reason, source) "
                     "SELECT tenant_id, recipient_hash, 'manual', 'test' FROM herald.emails "
                     "WHERE email_id = $1");
  int after_commit = 0;
  for (int round = 0; round < kRounds; ++round) {
    const LeasedEmail leased = ClaimOne();
    BeginResult begin;
    absl::Time committed;
    Race(
        [&] {
          pqxx::nontransaction work(connection);
          work.exec_prepared("suppress", leased.lease.email.value);
          committed = absl::Now();
        },
        [&] { begin = TryBegin(leased.lease); });
    if (begin.verdict != Verdict::kBegun) continue;
    pqxx::nontransaction work(connection);
    const pqxx::result time = work.exec_params(
        "SELECT herald.micros(begin_time) FROM herald.attempts WHERE email_id = $1",
        leased.lease.email.value);
    after_commit += absl::FromUnixMicros(time[0][0].as<int64_t>()) > committed;
  }
  EXPECT_EQ(after_commit, 0);
}

}  // namespace
}  // namespace herald::storage

#include "storage/postgres/transaction.h"

#include <gtest/gtest.h>

#include <pqxx/pqxx>

#include "storage/postgres/array_param.h"
#include "storage/postgres/error_translation.h"
#include "tests/postgres/database.h"
#include "tests/postgres/gated_pool.h"
#include "tests/support/status_matchers.h"

namespace herald::storage {
namespace {

using support::IsOkAndHolds;
using support::StatusIs;

using ::testing::HasSubstr;
using ::testing::Not;

class TransactionTest : public ::testing::Test {
 protected:
  std::string Entries() { return database_.Psql("SELECT count(*) FROM herald.audit_entries"); }
  static std::string RaiseScript(const std::string& state) {
    return "DO $$ BEGIN RAISE EXCEPTION 'boom' USING ERRCODE = '" + state + "'; END $$";
  }

  TestDatabase database_;
};

// The server gives every error of its own a code.
TEST(ErrorTranslation, TakesAnErrorWithoutACodeForTheLossOfTheServer) {
  const pqxx::failure lost("server closed the connection unexpectedly");
  EXPECT_THAT(TranslateError(lost, /*link_open=*/true, "find"),
              StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_TRUE(LeavesCommitInDoubt(lost, /*link_open=*/true));
}

TEST_F(TransactionTest, CommitsWhatItsBodyWrote) {
  ASSERT_OK(RunTransaction(database_.pool(), {.role = DatabaseRole::kEngine, .name = "write"},
                           [](Transaction& transaction) {
                             transaction.Exec({"insert",
                                               "INSERT INTO herald.audit_entries (actor, "
                                               "action, target) VALUES ($1, $2, $3)"},
                                              "operator", std::string("act"), "target");
                             return absl::OkStatus();
                           }));
  EXPECT_EQ(database_.Psql("SELECT actor, action FROM herald.audit_entries"), "operator|act");
}

TEST_F(TransactionTest, ArraysArriveAsTheyWereBuilt) {
  const std::string text = "a\"b\\c,{}\n é NULL";
  const std::string bytes("\0\x7f\xff\"", 4);
  const absl::Time time = absl::FromUnixMicros(1732234583123456);
  const absl::StatusOr<std::string> found =
      RunTransaction(database_.pool(), {.tenants = {{1}}, .read_only = true, .name = "arrays"},
                     [&](Transaction& transaction) -> absl::StatusOr<std::string> {
                       const pqxx::result result = transaction.Exec(
                           {"unnest",
                            "SELECT t, b, herald.micros(m), n FROM unnest($1::text[], $2::bytea[], "
                            "$3::timestamptz[], $4::bigint[]) AS x(t, b, m, n)"},
                           ArrayParam().AddText(absl::string_view(text)).Take(),
                           ArrayParam().AddBytes(bytes).Take(), ArrayParam().AddTime(time).Take(),
                           ArrayParam().AddNull().Take());
                       EXPECT_EQ(TextOf(result[0][0]), text);
                       EXPECT_EQ(BytesOf(result[0][1]), bytes);
                       EXPECT_EQ(TimeOf(result[0][2]), time);
                       EXPECT_TRUE(result[0][3].is_null());
                       return TextOf(result[0][0]);
                     });
  EXPECT_THAT(found, IsOkAndHolds(text));
}

constexpr NamedQuery kInsert{"insert_audit",
                             "INSERT INTO herald.audit_entries (actor, action, target) "
                             "VALUES ('x', 'x', 'x')"};
const TransactionOptions kWrite{.role = DatabaseRole::kEngine, .name = "write"};

absl::Status Write(ConnectionPool& pool) {
  return RunTransaction(pool, kWrite, [](Transaction& transaction) {
    transaction.Exec(kInsert);
    return absl::OkStatus();
  });
}

TEST_F(TransactionTest, ABodyThatFailsLeavesNothing) {
  EXPECT_THAT(RunTransaction(database_.pool(), kWrite,
                             [](Transaction& transaction) {
                               transaction.Exec(kInsert);
                               return absl::FailedPreconditionError("no");
                             }),
              StatusIs(absl::StatusCode::kFailedPrecondition, "no"));
  EXPECT_EQ(Entries(), "0");
}

TEST_F(TransactionTest, ABodyThatHidesAFailedQueryIsNotTakenForCommitted) {
  EXPECT_THAT(RunTransaction(database_.pool(), kWrite,
                             [](Transaction& transaction) {
                               transaction.Exec(kInsert);
                               try {
                                 transaction.Exec({"bad", "SELECT 1/0"});
                               } catch (const std::exception&) {
                               }
                               return absl::OkStatus();
                             }),
              StatusIs(absl::StatusCode::kInternal, HasSubstr("hid")));
  EXPECT_EQ(Entries(), "0");
}

TEST_F(TransactionTest, OpensWithOneRoundTripAndItsOwnLimits) {
  EXPECT_THAT(RunTransaction(
                  database_.pool(), {.tenants = {{1}, {2}}, .read_only = true, .name = "limits"},
                  [](Transaction& transaction) -> absl::StatusOr<std::string> {
                    return TextOf(transaction.Exec(
                        {"limits",
                         "SELECT concat_ws(' ', current_user, current_setting('statement_timeout'),"
                         " current_setting('lock_timeout'),"
                         " current_setting('idle_in_transaction_session_timeout'),"
                         " current_setting('transaction_read_only'),"
                         " current_setting('herald.tenant_id'))"})[0][0]);
                  }),
              IsOkAndHolds(std::string("herald_api 5s 2s 10s on 1,2")));
}

TEST_F(TransactionTest, WaitsForTheDiskUnlessToldOtherwiseAndForItselfAlone) {
  const auto setting = [this](bool durable) {
    return RunTransaction(database_.pool(), {.name = "disk", .durable = durable},
                          [](Transaction& transaction) -> absl::StatusOr<std::string> {
                            return TextOf(transaction.Exec(
                                {"disk", "SELECT current_setting('synchronous_commit')"})[0][0]);
                          });
  };
  EXPECT_THAT(setting(false), IsOkAndHolds(std::string("off")));
  EXPECT_THAT(setting(true), IsOkAndHolds(std::string("on")));
}

TEST_F(TransactionTest, ALostRaceIsRunAgainUntilItIsWon) {
  int runs = 0;
  EXPECT_OK(RunTransaction(database_.pool(), kWrite, [&](Transaction& transaction) {
    transaction.Exec(kInsert);
    if (++runs < 3) transaction.ExecScript({"lose", RaiseScript("40001").c_str()});
    return absl::OkStatus();
  }));
  EXPECT_EQ(runs, 3);
  EXPECT_EQ(Entries(), "1");
}

TEST_F(TransactionTest, ARaceLostThreeTimesIsAborted) {
  int runs = 0;
  EXPECT_THAT(RunTransaction(database_.pool(), kWrite,
                             [&](Transaction& transaction) {
                               ++runs;
                               transaction.ExecScript({"lose", RaiseScript("40P01").c_str()});
                               return absl::OkStatus();
                             }),
              StatusIs(absl::StatusCode::kAborted));
  EXPECT_EQ(runs, 3);
}

TEST_F(TransactionTest, AnAbortTheBodyDecidedOnIsNotRunAgain) {
  int runs = 0;
  EXPECT_THAT(RunTransaction(database_.pool(), kWrite,
                             [&](Transaction&) {
                               ++runs;
                               return absl::AbortedError("stale lease");
                             }),
              StatusIs(absl::StatusCode::kAborted, "stale lease"));
  EXPECT_EQ(runs, 1);
}

TEST_F(TransactionTest, EverySqlStateHasItsStatus) {
  const std::pair<const char*, absl::StatusCode> expected[] = {
      {"08006", absl::StatusCode::kUnavailable},
      {"53100", absl::StatusCode::kUnavailable},
      {"53200", absl::StatusCode::kUnavailable},
      {"53300", absl::StatusCode::kUnavailable},
      {"57P01", absl::StatusCode::kUnavailable},
      {"57P03", absl::StatusCode::kUnavailable},
      {"25006", absl::StatusCode::kUnavailable},
      {"58030", absl::StatusCode::kUnavailable},
      {"57014", absl::StatusCode::kDeadlineExceeded},
      {"55P03", absl::StatusCode::kDeadlineExceeded},
      {"40001", absl::StatusCode::kAborted},
      {"40P01", absl::StatusCode::kAborted},
      {"23505", absl::StatusCode::kAlreadyExists},
      {"23514", absl::StatusCode::kInvalidArgument},
      {"23502", absl::StatusCode::kInvalidArgument},
      {"22003", absl::StatusCode::kInvalidArgument},
      {"22P02", absl::StatusCode::kInvalidArgument},
      {"42601", absl::StatusCode::kInternal},
      {"42501", absl::StatusCode::kInternal},
      {"XX000", absl::StatusCode::kInternal}};
  for (const auto& [state, code] : expected) {
    const std::string script = RaiseScript(state);
    EXPECT_THAT(RunTransaction(database_.pool(), kWrite,
                               [&](Transaction& transaction) {
                                 transaction.ExecScript({"raise", script.c_str()});
                                 return absl::OkStatus();
                               }),
                StatusIs(code, HasSubstr("raise")))
        << state;
  }
}

TEST_F(TransactionTest, AnErrorQuotesNoValue) {
  const absl::Status status =
      RunTransaction(database_.pool(), kWrite, [&](Transaction& transaction) {
        transaction.Exec({"cast", "SELECT $1::text::bigint"}, "ada@example.com");
        return absl::OkStatus();
      });
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument, "cast: SQLSTATE 22P02"));
}

TEST_F(TransactionTest, AUniqueViolationNamesItsConstraintAndNotTheValue) {
  const absl::Status status =
      RunTransaction(database_.pool(), kWrite, [&](Transaction& transaction) {
        for (int i = 0; i < 2; ++i) {
          transaction.Exec({"tenant",
                            "INSERT INTO herald.tenants (slug, display_name, "
                            "sender_domains) VALUES ($1, '', '{}')"},
                           "secret-slug");
        }
        return absl::OkStatus();
      });
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kAlreadyExists, HasSubstr("tenants_slug_key")));
  EXPECT_THAT(status.ToString(), Not(HasSubstr("secret-slug")));
}

int64_t Backend(ConnectionPool& pool) {
  return RunTransaction(
             pool, {.name = "backend"},
             [](Transaction& transaction) -> absl::StatusOr<int64_t> {
               return Int64Of(transaction.Exec({"backend", "SELECT pg_backend_pid()"})[0][0]);
             })
      .value();
}

// As every session of a server that a failover made a standby.
absl::Status TurnReadOnly(ConnectionPool& pool) {
  return RunTransaction(pool, {.name = "turn"}, [](Transaction& transaction) {
    transaction.ExecScript({"turn", "SET SESSION default_transaction_read_only = on"});
    return absl::OkStatus();
  });
}

TEST_F(TransactionTest, ALinkThatTookNoWriteIsNotLentAgain) {
  ConnectionPool pool({.dsn = database_.dsn(), .max_connections = 1});
  const int64_t standby = Backend(pool);
  ASSERT_OK(TurnReadOnly(pool));
  ASSERT_EQ(Backend(pool), standby);
  EXPECT_THAT(Write(pool), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("25006")));
  EXPECT_OK(Write(pool));
  EXPECT_NE(Backend(pool), standby);
  EXPECT_EQ(Entries(), "1");
}

TEST_F(TransactionTest, NoLinkIsOpenedToAServerThatTakesNoWrites) {
  database_.Psql("ALTER DATABASE " + database_.name() + " SET default_transaction_read_only = on");
  ConnectionPool pool({.dsn = database_.dsn(), .acquire_timeout = absl::Milliseconds(50)});
  EXPECT_THAT(Write(pool), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("reached")));
  EXPECT_EQ(pool.stats().open, 0);
}

class LostLinkTest : public TransactionTest {
 protected:
  using Gate = GatedPool::Gate;
  GatedPool gated_{database_};
  Gate& gate_ = gated_.gate();
  ConnectionPool& pool_ = gated_.pool();
};

TEST_F(LostLinkTest, ACommitWhoseReplyIsLostIsInDoubtAndHappened) {
  ASSERT_OK(Write(pool_));
  gated_.LoseTheReplyToCommit();
  const absl::Status status = Write(pool_);
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kUnknown));
  EXPECT_TRUE(IsInDoubt(status));
  EXPECT_EQ(Entries(), "2");
}

TEST_F(LostLinkTest, ACommitThatNeverArrivesIsInDoubtToo) {
  ASSERT_OK(Write(pool_));
  gate_.CutWhenSeen(Gate::Direction::kFromClient, "COMMIT", Gate::CutPoint::kBeforeForwarding);
  EXPECT_TRUE(IsInDoubt(Write(pool_)));
  EXPECT_EQ(Entries(), "1");
}

TEST_F(LostLinkTest, ALinkLostBeforeCommitIsUnavailableAndChangedNothing) {
  gate_.CutWhenSeen(Gate::Direction::kFromClient, "INSERT INTO", Gate::CutPoint::kAtReply);
  const absl::Status status = Write(pool_);
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_FALSE(IsInDoubt(status));
  EXPECT_EQ(Entries(), "0");
  EXPECT_OK(Write(pool_));
}

TEST_F(LostLinkTest, AReadWhoseCommitIsLostIsMerelyUnavailable) {
  gated_.LoseTheReplyToCommit();
  EXPECT_THAT(RunTransaction(pool_, {.read_only = true, .name = "read"},
                             [](Transaction&) { return absl::OkStatus(); }),
              StatusIs(absl::StatusCode::kUnavailable));
}

}  // namespace
}  // namespace herald::storage

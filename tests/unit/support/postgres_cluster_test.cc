#include "tests/support/postgres_cluster.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "tests/support/status_matchers.h"
#include "tests/support/tcp_gate.h"

namespace herald::support {
namespace {

using ::testing::HasSubstr;

constexpr absl::Duration kLong = absl::Seconds(30);

TEST(PostgresCluster, GivesEachCallerItsOwnDatabase) {
  PostgresCluster& cluster = PostgresCluster::Shared();
  ASSERT_OK_AND_ASSIGN(const std::string one, cluster.CreateDatabase());
  ASSERT_OK_AND_ASSIGN(const std::string two, cluster.CreateDatabase());
  ASSERT_OK(cluster.Psql(one, "CREATE TABLE t (x int); INSERT INTO t VALUES (1), (2)"));
  EXPECT_THAT(cluster.Psql(one, "SELECT x, x + 1 FROM t ORDER BY x"), IsOkAndHolds("1|2\n2|3"));
  EXPECT_THAT(cluster.Psql(two, "SELECT x FROM t"),
              StatusIs(absl::StatusCode::kInternal, HasSubstr("does not exist")));
}

TEST(PostgresCluster, CopiesATemplateDatabase) {
  PostgresCluster& cluster = PostgresCluster::Shared();
  ASSERT_OK_AND_ASSIGN(const std::string original, cluster.CreateDatabase());
  ASSERT_OK(cluster.Psql(original, "CREATE TABLE t AS SELECT 7 AS x"));
  ASSERT_OK_AND_ASSIGN(const std::string copy, cluster.CreateDatabase(original));
  EXPECT_THAT(cluster.Psql(copy, "SELECT x FROM t"), IsOkAndHolds("7"));
}

TEST(PostgresCluster, KeepsCommittedRowsThroughACrash) {
  PostgresCluster& cluster = PostgresCluster::Shared();
  ASSERT_OK_AND_ASSIGN(const std::string database, cluster.CreateDatabase());
  ASSERT_OK(cluster.Psql(database, "CREATE TABLE t AS SELECT 7 AS x"));
  const int port = cluster.port();
  ASSERT_OK(cluster.Stop(/*immediate=*/true));
  EXPECT_FALSE(cluster.running());
  EXPECT_THAT(cluster.Psql(database, "SELECT 1"), StatusIs(absl::StatusCode::kInternal));
  ASSERT_OK(cluster.Start());
  EXPECT_EQ(cluster.port(), port);
  EXPECT_THAT(cluster.Psql(database, "SELECT x FROM t"), IsOkAndHolds("7"));
}

TEST(PostgresCluster, AnswersNothingWhileFrozen) {
  PostgresCluster& cluster = PostgresCluster::Shared();
  ChildOptions options;
  options.argv = {
      "psql",           "-X", "-A", "-t", "-d", cluster.TcpDsn("postgres", cluster.port()), "-c",
      "SELECT 'thawed'"};
  cluster.Freeze();
  ASSERT_OK_AND_ASSIGN(auto psql, ChildProcess::Start(options));
  EXPECT_THAT(psql->WaitForLine("thawed", absl::Milliseconds(300)),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
  cluster.Thaw();
  EXPECT_OK(psql->WaitForLine("thawed", kLong));
}

TEST(PostgresCluster, StopsWhileFrozen) {
  PostgresCluster& cluster = PostgresCluster::Shared();
  cluster.Freeze();
  EXPECT_OK(cluster.Restart(/*immediate=*/false));
  EXPECT_THAT(cluster.Psql("postgres", "SELECT 1"), IsOkAndHolds("1"));
}

TEST(PostgresCluster, IsDurableOnRequest) {
  EXPECT_THAT(PostgresCluster::Shared().Psql("postgres", "SHOW fsync"), IsOkAndHolds("off"));
  PostgresOptions options;
  options.durable = true;
  options.settings = {"log_statement = 'all'"};
  ASSERT_OK_AND_ASSIGN(auto cluster, PostgresCluster::Create(options));
  EXPECT_THAT(cluster->Psql("postgres", "SHOW fsync"), IsOkAndHolds("on"));
  EXPECT_THAT(cluster->Psql("postgres", "SHOW log_statement"), IsOkAndHolds("all"));
}

// The case the gate is for: the database committed, and the client cannot know.
TEST(PostgresCluster, CommitsThoughTheGateSwallowsTheReply) {
  PostgresCluster& cluster = PostgresCluster::Shared();
  ASSERT_OK_AND_ASSIGN(const std::string database, cluster.CreateDatabase());
  ASSERT_OK(cluster.Psql(database, "CREATE TABLE t (x int)"));
  ASSERT_OK_AND_ASSIGN(auto gate, TcpGate::Start(cluster.port()));
  gate->CutWhenSeen(TcpGate::Direction::kFromClient, "COMMIT", TcpGate::CutPoint::kAtReply);
  ChildOptions options;
  options.argv = {"psql", "-X",    "-d", cluster.TcpDsn(database, gate->port()),
                  "-c",   "BEGIN", "-c", "INSERT INTO t VALUES (1)",
                  "-c",   "COMMIT"};
  EXPECT_THAT(RunToEnd(options, kLong),
              StatusIs(absl::StatusCode::kInternal, HasSubstr("server closed the connection")));
  EXPECT_TRUE(gate->WaitForCut(kLong));
  EXPECT_THAT(cluster.Psql(database, "SELECT count(*) FROM t"), IsOkAndHolds("1"));
}

// A process of its own starts a cluster, freezes it, so that no signal but SIGKILL works, and dies.
TEST(PostgresCluster, LeavesNothingBehindWhenTheTestIsKilled) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t test = fork();
  if (test == 0) {
    auto cluster = PostgresCluster::Create();
    if (!cluster.ok()) _exit(1);
    (*cluster)->Freeze();
    const std::string dsn = (*cluster)->Dsn("x");
    if (write(ends[1], dsn.data(), dsn.size()) < 0) _exit(1);
    close(ends[1]);
    kill(getpid(), SIGKILL);
  }
  close(ends[1]);
  std::string dsn;
  char buffer[256];
  // The server's processes hold the pipe too, so the end of file means that all have ended.
  for (ssize_t n = read(ends[0], buffer, sizeof(buffer)); n > 0;
       n = read(ends[0], buffer, sizeof(buffer))) {
    dsn.append(buffer, static_cast<size_t>(n));
  }
  close(ends[0]);
  waitpid(test, nullptr, 0);
  ASSERT_THAT(dsn, HasSubstr("host=/tmp/herald-pg-"));
  const std::string directory = dsn.substr(5, dsn.find(' ') - 5);
  ChildOptions options;
  options.argv = {"sh", "-c", "while [ -e \"$0\" ]; do sleep 0.05; done", directory};
  EXPECT_OK(RunToEnd(options, kLong));
}

}  // namespace
}  // namespace herald::support

// The whole path through PgBouncer in transaction mode.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/fault/accounting.h"
#include "tests/fault/fault_harness.h"
#include "tests/fault/load.h"
#include "tests/support/status_matchers.h"

namespace herald::fault {
namespace {

constexpr char kBouncer[] = "/usr/sbin/pgbouncer";
constexpr absl::Duration kPatience = absl::Seconds(30);

TEST(PgBouncerPathTest, WorksInTransactionModeAndSurvivesItsRestart) {
  if (!std::filesystem::exists(kBouncer)) GTEST_SKIP() << "pgbouncer is not installed";
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Stack> stack, Stack::Create());
  const testing::TempDirectory directory;
  std::filesystem::permissions(directory.path(), std::filesystem::perms::all);
  const std::string config = directory.path() + "/pgbouncer.ini";
  std::ofstream(config) << "[databases]\n* = host=127.0.0.1 port=" << stack->cluster().port()
                        << " user=postgres\n[pgbouncer]\nlisten_port=6432\nunix_socket_dir="
                        << directory.path()
                        << "\nauth_type=any\npool_mode=transaction\ndefault_pool_size=4\n";
  support::ChildOptions options;
  options.argv = {kBouncer, config};
  if (::getuid() == 0) options.user = "postgres";
  const auto start = [&]() -> absl::StatusOr<std::unique_ptr<support::ChildProcess>> {
    auto bouncer = support::ChildProcess::Start(options);
    if (!bouncer.ok()) return bouncer.status();
    const auto up = (*bouncer)->WaitForLine("process up", kPatience);
    if (!up.ok()) return up.status();
    return bouncer;
  };
  ASSERT_OK_AND_ASSIGN(auto bouncer, start());
  Settings settings;
  settings.database_dsn = absl::StrCat("host=", directory.path(),
                                       " port=6432 user=postgres dbname=", stack->database());
  ASSERT_OK(stack->Start(settings));
  ASSERT_OK(stack->Provision());
  Load load(*stack, {.callers = 4, .emails_per_call = 10, .seed = Seed()});
  absl::SleepFor(absl::Seconds(2));
  bouncer->Kill9();
  std::filesystem::remove(directory.path() + "/.s.PGSQL.6432");
  ASSERT_OK_AND_ASSIGN(bouncer, start());
  EXPECT_TRUE(load.AwaitProgress(kPatience)) << stack->process().Stderr();
  absl::SleepFor(absl::Seconds(1));
  ExpectEverythingAccountedFor(*stack, load, {stack->SandboxRecord()});
  EXPECT_EQ(stack->Query("SELECT DISTINCT state FROM herald.emails"), "5");
}

}  // namespace
}  // namespace herald::fault

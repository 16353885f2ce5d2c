// PgBouncer in transaction mode: consecutive transactions of one client land on different servers'
// sessions, so nothing may rest in a session.

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <thread>

#include "absl/strings/str_cat.h"
#include "storage/postgres/migrations.h"
#include "storage/postgres/transaction.h"
#include "tests/postgres/tenant_fixture.h"
#include "tests/support/child_process.h"
#include "tests/support/status_matchers.h"

namespace herald::storage {
namespace {

using support::IsOkAndHolds;

class PgBouncerTest : public ::testing::Test, protected TenantFixture {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists("/usr/sbin/pgbouncer")) {
      GTEST_SKIP() << "pgbouncer is not installed";
    }
    directory_ = std::filesystem::temp_directory_path() / absl::StrCat("pgbouncer_", ::getpid());
    std::filesystem::create_directory(directory_);
    std::filesystem::permissions(directory_, std::filesystem::perms::all);
    const int cluster_port = support::PostgresCluster::Shared().port();
    std::ofstream(directory_ / "pgbouncer.ini")
        << "[databases]\n* = host=127.0.0.1 port=" << cluster_port << " user=postgres\n"
        << "[pgbouncer]\nlisten_port=6432\nunix_socket_dir=" << directory_.string()
        << "\nauth_type=any\npool_mode=transaction\ndefault_pool_size=2\n";
    support::ChildOptions options;
    options.argv = {"/usr/sbin/pgbouncer", directory_ / "pgbouncer.ini"};
    if (::getuid() == 0) options.user = "postgres";
    ASSERT_OK_AND_ASSIGN(bouncer_, support::ChildProcess::Start(options));
    ASSERT_OK(bouncer_->WaitForLine("process up", absl::Seconds(20)));
    dsn_ = absl::StrCat("host=", directory_.string(),
                        " port=6432 user=postgres dbname=", database.name());
  }
  ~PgBouncerTest() override {
    bouncer_.reset();
    if (!directory_.empty()) std::filesystem::remove_all(directory_);
  }

  std::filesystem::path directory_;
  std::unique_ptr<support::ChildProcess> bouncer_;
  std::string dsn_;
};

TEST_F(PgBouncerTest, MigrationsRunThroughIt) {
  EXPECT_OK(Migrate(dsn_));
  EXPECT_OK(CheckSchema(dsn_));
}

TEST_F(PgBouncerTest, ManyClientsOnFewSessionsKeepTheirTenants) {
  ConnectionPool pool({.dsn = dsn_, .max_connections = 6, .acquire_timeout = absl::Seconds(30)});
  PostgresTemplateStore store(pool);
  for (const Tenant& tenant : {a, b}) {
    TemplateRow row;
    row.key = "own-" + tenant.slug;
    ASSERT_OK(store.CreateTemplate(tenant.id, row, {}, true, {}));
  }
  std::vector<std::thread> clients;
  for (int i = 0; i < 6; ++i) {
    clients.emplace_back([&, tenant = i % 2 == 0 ? a : b] {
      for (int n = 0; n < 20; ++n) {
        const auto rows = store.ListTemplates(tenant.id, 10, "");
        ASSERT_OK(rows);
        ASSERT_EQ(rows->size(), 1u);
        EXPECT_EQ(rows->front().key, "own-" + tenant.slug);
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_THAT(RunTransaction(pool, {.read_only = true, .name = "none"},
                             [](Transaction& transaction) -> absl::StatusOr<int64_t> {
                               return Int64Of(transaction.Exec(
                                   {"count", "SELECT count(*) FROM herald.templates"})[0][0]);
                             }),
              IsOkAndHolds(0));
}

}  // namespace
}  // namespace herald::storage

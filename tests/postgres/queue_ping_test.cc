#include "storage/postgres/queue_store.h"
#include "storage/postgres/transaction.h"
#include "tests/postgres/email_fixture.h"

namespace herald::storage {
namespace {

using support::StatusIs;

using QueuePingTest = EmailFixture;

TEST_F(QueuePingTest, ADatabaseThatTakesNoWritesIsNotHealthyUntilAnotherLinkTakesThem) {
  ConnectionPool pool({.dsn = database_.dsn(), .max_connections = 1});
  PostgresQueueStore queue(pool, keys_);
  EXPECT_OK(queue.Ping());
  ASSERT_OK(RunTransaction(pool, {.name = "turn"}, [](Transaction& transaction) {
    transaction.ExecScript({"turn", "SET SESSION default_transaction_read_only = on"});
    return absl::OkStatus();
  }));
  EXPECT_THAT(queue.Ping(), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_OK(queue.Ping()) << "the link that took no writes is gone";
}

}  // namespace
}  // namespace herald::storage

#include "storage/postgres/transaction.h"

#include <gtest/gtest.h>

#include "storage/postgres/array_param.h"
#include "tests/postgres/database.h"
#include "tests/support/status_matchers.h"

namespace herald::storage {
namespace {

using support::IsOkAndHolds;
using support::StatusIs;

class TransactionTest : public ::testing::Test {
 protected:
  TestDatabase database_;
};

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

}  // namespace
}  // namespace herald::storage

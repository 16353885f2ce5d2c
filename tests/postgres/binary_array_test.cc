#include "storage/postgres/binary_array.h"

#include <gtest/gtest.h>

#include "storage/postgres/transaction.h"
#include "tests/postgres/database.h"
#include "tests/support/status_matchers.h"

namespace herald::storage {
namespace {

using support::IsOkAndHolds;
using support::StatusIs;
using Type = ElementType;

class BinaryArrayTest : public ::testing::Test {
 protected:
  // What the server reads the array as, in its own text form.
  absl::StatusOr<std::string> Read(const char* type, const pqxx::binarystring& array) {
    const std::string sql = std::string("SELECT ($1::") + type + "[])::text";
    return RunTransaction(database_.pool(),
                          {.role = DatabaseRole::kEngine, .read_only = true, .name = "arrays"},
                          [&](Transaction& transaction) -> absl::StatusOr<std::string> {
                            transaction.ExecScript({"zone", "SET LOCAL TIME ZONE 'UTC'"});
                            return TextOf(transaction.Exec({"read", sql.c_str()}, array)[0][0]);
                          });
  }

  TestDatabase database_;
};

TEST_F(BinaryArrayTest, IntegersOfEveryWidthArrive) {
  EXPECT_THAT(Read("bigint", BinaryArray(Type::kBigint)
                                 .AddInt(int64_t{0})
                                 .AddInt(INT64_MAX)
                                 .AddInt(INT64_MIN)
                                 .AddInt(int64_t{-1})
                                 .Take()),
              IsOkAndHolds("{0,9223372036854775807,-9223372036854775808,-1}"));
  EXPECT_THAT(
      Read("integer",
           BinaryArray(Type::kInteger).AddInt(int64_t{70000}).AddInt(int64_t{-70000}).Take()),
      IsOkAndHolds("{70000,-70000}"));
  EXPECT_THAT(Read("smallint",
                   BinaryArray(Type::kSmallint).AddInt(int64_t{300}).AddInt(int64_t{-2}).Take()),
              IsOkAndHolds("{300,-2}"));
}

TEST_F(BinaryArrayTest, TextAndBytesArriveAsTheyAre) {
  EXPECT_THAT(Read("text", BinaryArray(Type::kText)
                               .AddText("")
                               .AddText("a\"b\\c,{}\n é NULL")
                               .AddText("NULL")
                               .Take()),
              IsOkAndHolds("{\"\",\"a\\\"b\\\\c,{}\n é NULL\",\"NULL\"}"));
  EXPECT_THAT(Read("bytea", BinaryArray(Type::kBytea)
                                .AddBytes(absl::string_view("\0\x7f\xff\"", 4))
                                .AddBytes("")
                                .Take()),
              IsOkAndHolds("{\"\\\\x007fff22\",\"\\\\x\"}"));
}

TEST_F(BinaryArrayTest, TimesAndBooleansArrive) {
  EXPECT_THAT(Read("timestamptz", BinaryArray(Type::kTimestamptz)
                                      .AddTime(absl::FromUnixMicros(1732234583123456))
                                      .AddTime(absl::UnixEpoch() - absl::Microseconds(1))
                                      .AddTime(absl::InfiniteFuture())
                                      .AddTime(absl::InfinitePast())
                                      .Take()),
              IsOkAndHolds("{\"2024-11-22 00:16:23.123456+00\",\"1969-12-31 23:59:59.999999+00\","
                           "infinity,-infinity}"));
  EXPECT_THAT(Read("boolean", BinaryArray(Type::kBoolean).AddBool(true).AddBool(false).Take()),
              IsOkAndHolds("{t,f}"));
}

TEST_F(BinaryArrayTest, NullsAndNothingArrive) {
  EXPECT_THAT(Read("bigint", BinaryArray(Type::kBigint)
                                 .AddNull()
                                 .AddInt(absl::optional<int64_t>(7))
                                 .AddInt(absl::optional<int64_t>())
                                 .Take()),
              IsOkAndHolds("{NULL,7,NULL}"));
  EXPECT_THAT(Read("timestamptz",
                   BinaryArray(Type::kTimestamptz).AddTime(absl::optional<absl::Time>()).Take()),
              IsOkAndHolds("{NULL}"));
  EXPECT_THAT(Read("text", BinaryArray(Type::kText).Take()), IsOkAndHolds("{}"));
}

TEST_F(BinaryArrayTest, ManyMoreElementsThanExpectedArrive) {
  BinaryArray array(Type::kText, 2, 1);
  std::string expected;
  for (int i = 0; i < 1000; ++i) {
    array.AddText(std::string(50, 'x'));
    expected += (i == 0 ? "{" : ",") + std::string(50, 'x');
  }
  EXPECT_THAT(Read("text", array.Take()), IsOkAndHolds(expected + "}"));
}

TEST_F(BinaryArrayTest, WhatTextCannotHoldIsBadData) {
  EXPECT_THAT(
      Read("text", BinaryArray(Type::kText).AddText(absl::string_view("a\0b", 3)).Take()).status(),
      StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Read("text", BinaryArray(Type::kText).AddText("\xff").Take()).status(),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(BinaryArrayTest, AnotherTypeThanTheParametersIsRefused) {
  EXPECT_FALSE(Read("bigint", BinaryArray(Type::kInteger).AddInt(int64_t{1}).Take()).ok());
}

}  // namespace
}  // namespace herald::storage

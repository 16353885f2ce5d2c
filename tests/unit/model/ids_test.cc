#include "model/ids.h"

#include <gtest/gtest.h>

#include <set>

namespace herald {
namespace {

const absl::Time kNow = absl::FromUnixMillis(1790000000123);

TEST(EmailId, GrowsAndRepeatsNothingInOneMillisecond) {
  EmailIdGenerator ids(7);
  std::set<EmailId> seen;
  EmailId last{0};
  for (int i = 0; i < 5000; ++i) {
    const EmailId id = ids.Next(kNow);
    EXPECT_LT(last, id);
    EXPECT_TRUE(seen.insert(id).second);
    last = id;
  }
}

TEST(EmailId, SurvivesAClockThatStepsBack) {
  EmailIdGenerator ids(7);
  const EmailId first = ids.Next(kNow);
  EXPECT_LT(first, ids.Next(kNow - absl::Hours(1)));
}

TEST(EmailId, DiffersBetweenNodes) {
  EXPECT_NE(EmailIdGenerator(1).Next(kNow), EmailIdGenerator(2).Next(kNow));
}

TEST(EmailId, HoldsItsTime) {
  const EmailId id = EmailIdGenerator(4095).Next(kNow);
  EXPECT_EQ(EmailIdTime(id), kNow);
  EXPECT_LE(FirstEmailIdAt(kNow), id);
  EXPECT_LT(id, FirstEmailIdAt(kNow + absl::Milliseconds(1)));
}

TEST(EmailId, BoundsEveryMomentHoweverFarAway) {
  const EmailId id = EmailIdGenerator(0).Next(kNow);
  for (const absl::Time early :
       {absl::InfinitePast(), absl::UnixEpoch() - absl::Hours(24 * 365 * 1969),
        kNow - absl::Hours(24 * 365 * 100)}) {
    EXPECT_LT(FirstEmailIdAt(early), id) << early;
  }
  for (const absl::Time late : {kNow + absl::Hours(24 * 365 * 100), absl::InfiniteFuture()}) {
    EXPECT_GT(FirstEmailIdAt(late), id) << late;
  }
}

TEST(EmailId, ReadsWhatItWrote) {
  for (int64_t value : {int64_t{0}, int64_t{1}, int64_t{1} << 40, INT64_MAX}) {
    const std::string text = FormatEmailId(EmailId{value});
    EXPECT_EQ(text.size(), 16u);
    ASSERT_TRUE(ParseEmailId(text).has_value()) << text;
    EXPECT_EQ(ParseEmailId(text)->value, value);
  }
}

TEST(EmailId, RefusesOtherText) {
  for (absl::string_view bad :
       {"", "em_", "em_00000000000000", "em_000000000000", "tn_0000000000001", "em_000000000000u",
        "em_zzzzzzzzzzzzz", "EM_0000000000001"}) {
    EXPECT_FALSE(ParseEmailId(bad).has_value()) << bad;
  }
}

}  // namespace
}  // namespace herald

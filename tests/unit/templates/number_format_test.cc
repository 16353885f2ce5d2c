#include "server/templates/number_format.h"

#include <gtest/gtest.h>

#include <cmath>

namespace herald::templates {
namespace {

struct Case {
  double value;
  const char* text;
};

class NumberFormatTest : public testing::TestWithParam<Case> {};

TEST_P(NumberFormatTest, PrintsAsJavaScriptDoes) {
  std::string out;
  AppendNumber(GetParam().value, out);
  EXPECT_EQ(out, GetParam().text);
}

INSTANTIATE_TEST_SUITE_P(
    Table, NumberFormatTest,
    testing::Values(Case{0, "0"}, Case{-0.0, "0"}, Case{3, "3"}, Case{-3, "-3"}, Case{3.5, "3.5"},
                    Case{19.90, "19.9"}, Case{0.1, "0.1"}, Case{0.1 + 0.2, "0.30000000000000004"},
                    Case{1e6, "1000000"}, Case{9007199254740992.0, "9007199254740992"},
                    Case{9007199254740991.0, "9007199254740991"},
                    Case{1e20, "100000000000000000000"}, Case{1e21, "1e+21"},
                    Case{1.5e300, "1.5e+300"}, Case{1e-6, "0.000001"}, Case{1.5e-7, "1.5e-07"},
                    Case{-1.2345678901234567e-6, "-0.0000012345678901234567"}, Case{NAN, "NaN"},
                    Case{INFINITY, "Infinity"}, Case{-INFINITY, "-Infinity"}));

}  // namespace
}  // namespace herald::templates

#include "server/templates/subject_line.h"

#include <gtest/gtest.h>

namespace herald::templates {
namespace {

TEST(SubjectLineTest, ReplacesEachRunOfControlsByOneSpace) {
  EXPECT_EQ(SubjectLine("a\r\nb\tc\x7F\x01"
                        "d"),
            "a b c d");
  EXPECT_EQ(SubjectLine(absl::string_view("a\0b", 3)), "a b");
}

TEST(SubjectLineTest, KnowsTheControlsOfUnicode) {
  EXPECT_EQ(SubjectLine("a\u0085b\u2028c\u2029d\u009Fe"), "a b c d e");
}

TEST(SubjectLineTest, KeepsOtherTextAndInnerSpaces) {
  EXPECT_EQ(SubjectLine("Gr\u00FC\u00DFe  \u2026 \U0001F600\u00A0"),
            "Gr\u00FC\u00DFe  \u2026 \U0001F600\u00A0");
}

TEST(SubjectLineTest, TrimsTheEnds) { EXPECT_EQ(SubjectLine("\n hello \n"), "hello"); }

TEST(SubjectLineTest, LeavesNoHeaderBehindALineEnd) {
  EXPECT_EQ(SubjectLine("Hi\r\nBcc: x"), "Hi Bcc: x");
  EXPECT_EQ(SubjectLine("Hi\rBcc: x"), "Hi Bcc: x");
}

}  // namespace
}  // namespace herald::templates

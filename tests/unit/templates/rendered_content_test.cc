#include "server/templates/rendered_content.h"

#include <gtest/gtest.h>

namespace herald::templates {
namespace {

TEST(CompletePartsTest, LeavesBothGivenPartsAlone) {
  const auto content = CompleteParts("s", "<p>{{a}}</p>", " t {{a}}", RenderLimits());
  ASSERT_TRUE(content.ok());
  EXPECT_EQ(content->html, "<p>{{a}}</p>");
  EXPECT_EQ(content->text, " t {{a}}");
}

TEST(CompletePartsTest, DerivesText) {
  const auto content = CompleteParts("s", "<p>a &amp; b</p>", "", RenderLimits());
  ASSERT_TRUE(content.ok());
  EXPECT_EQ(content->text, "a & b");
}

TEST(CompletePartsTest, DerivesHtml) {
  const auto content = CompleteParts("s", "", "a & b", RenderLimits());
  ASSERT_TRUE(content.ok());
  EXPECT_EQ(content->html, "<!DOCTYPE html>\n<html>\n<body>\n<p>a &amp; b</p>\n</body>\n</html>\n");
}

TEST(CompletePartsTest, SaysTheSubjectWhenTheHtmlHasNoText) {
  const auto content = CompleteParts("Big sale", "<img src=x>", "", RenderLimits());
  ASSERT_TRUE(content.ok());
  EXPECT_EQ(content->text, "Big sale");
}

TEST(CompletePartsTest, RefusesNoContent) {
  EXPECT_EQ(CompleteParts("s", " \n", "", RenderLimits()).status(),
            absl::InvalidArgumentError("html and text are both empty"));
}

TEST(CompletePartsTest, RefusesInvalidText) {
  EXPECT_EQ(CompleteParts("\xFF", "h", "t", RenderLimits()).status(),
            absl::InvalidArgumentError("subject: contains invalid UTF-8"));
  EXPECT_EQ(CompleteParts("s", "\xFF", "t", RenderLimits()).status(),
            absl::InvalidArgumentError("html: contains invalid UTF-8"));
  EXPECT_EQ(CompleteParts("s", "h", std::string("\0", 1), RenderLimits()).status(),
            absl::InvalidArgumentError("text: contains a NUL character"));
}

TEST(CompletePartsTest, RefusesASubjectThatSaysNothing) {
  for (const char* subject : {"", " ", " \r\n\t", "\u2028"}) {
    EXPECT_EQ(CompleteParts(subject, "h", "t", RenderLimits()).status(),
              absl::InvalidArgumentError("subject: is empty"));
  }
}

TEST(CompletePartsTest, HoldsGivenPartsToTheLimit) {
  RenderLimits limits;
  limits.output_bytes_max = 100;
  EXPECT_EQ(CompleteParts("s", std::string(101, 'x'), "", limits).status(),
            absl::ResourceExhaustedError("html: renders to more than 100 bytes"));
  EXPECT_EQ(CompleteParts("s", "", std::string(101, 'x'), limits).status(),
            absl::ResourceExhaustedError("text: renders to more than 100 bytes"));
}

TEST(CompletePartsTest, GoesWithoutADerivedPartThatIsTooLarge) {
  const std::string text(size_t{1} << 20, 'a');
  const auto content = CompleteParts("s", "", text, RenderLimits());
  ASSERT_TRUE(content.ok()) << content.status();
  EXPECT_EQ(content->html, "");
  EXPECT_EQ(content->text, text);
}

}  // namespace
}  // namespace herald::templates

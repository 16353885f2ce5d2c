#include "server/templates/text_to_html.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace herald::templates {
namespace {

std::string Document(const std::string& body) {
  return absl::StrCat("<!DOCTYPE html>\n<html>\n<body>\n", body, "</body>\n</html>\n");
}

TEST(TextToHtmlTest, MakesParagraphsAndLineBreaks) {
  EXPECT_EQ(TextToHtml("a\r\nb\n\n \nc\n"), Document("<p>a<br>\nb</p>\n<p>c</p>\n"));
}

TEST(TextToHtmlTest, Escapes) {
  EXPECT_EQ(TextToHtml("<b> & \"'"), Document("<p>&lt;b&gt; &amp; &quot;&#39;</p>\n"));
}

TEST(TextToHtmlTest, LinksUrlsWithoutTheirSentence) {
  EXPECT_EQ(TextToHtml("Go to https://x.example/?a=1&b=2."),
            Document("<p>Go to <a href=\"https://x.example/?a=1&amp;b=2\">"
                     "https://x.example/?a=1&amp;b=2</a>.</p>\n"));
}

TEST(TextToHtmlTest, NeverLetsAUrlLeaveItsAttribute) {
  EXPECT_EQ(TextToHtml("http://x\"onclick='y'"),
            Document("<p><a href=\"http://x\">http://x</a>&quot;onclick=&#39;y&#39;</p>\n"));
}

TEST(TextToHtmlTest, LeavesAloneWhatIsNoUrl) {
  EXPECT_EQ(TextToHtml("http https:// http://. javascript:x"),
            Document("<p>http https:// http://. javascript:x</p>\n"));
}

}  // namespace
}  // namespace herald::templates

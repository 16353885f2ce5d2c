#include "server/templates/html_to_text.h"

#include <gtest/gtest.h>

#include <iterator>
#include <random>
#include <string>

#include "absl/strings/str_cat.h"

namespace herald::templates {
namespace {

struct Case {
  const char* name;
  const char* html;
  const char* text;
};

class HtmlToTextCases : public testing::TestWithParam<Case> {};

TEST_P(HtmlToTextCases, Converts) { EXPECT_EQ(HtmlToText(GetParam().html), GetParam().text); }

constexpr Case kCases[] = {
    {"Empty", "", ""},
    {"Plain", "hello", "hello"},
    {"Paragraphs", "<p>One</p>\n<p>Two</p>", "One\n\nTwo"},
    {"Headings", "<h1>Title</h1><p>Body</p><h2>Next</h2>x", "Title\n\nBody\n\nNext\n\nx"},
    {"CollapsesSpace", "<p>  a \n\t b  </p>", "a b"},
    {"KeepsSpaceBetweenInlines", "<b>a</b> <i>b</i><u>c</u>", "a bc"},
    {"LineBreaks", "a<br>b<br/>c<BR />d", "a\nb\nc\nd"},
    {"TwoLineBreaks", "a<br><br><br>b", "a\n\nb"},
    {"Divs", "<div>a</div><div><div>b</div></div>c", "a\nb\nc"},
    {"UnorderedList", "<p>x</p><ul>\n<li>a</li>\n<li>b</li>\n</ul><p>y</p>", "x\n\n- a\n- b\n\ny"},
    {"OrderedList", "<ol start=3><li>a<li>b</ol>", "3. a\n4. b"},
    {"NestedList", "<ul><li>a<ol><li>b</li></ol></li><li>c</li></ul>", "- a\n  1. b\n- c"},
    {"UnknownNames", "<xtextarea>a</xtextarea><x>b</x><blockquotes>c</blockquotes>", "abc"},
    {"EmptyItem", "<ul><li></li><li>b</li></ul>", "- b"},
    {"Link", "See <a href=\"https://x.example/?a=1&amp;b=2\">the site</a>.",
     "See the site (https://x.example/?a=1&b=2)."},
    {"LinkUnquoted", "<a class=btn href=https://x.example>Go</a>", "Go (https://x.example)"},
    {"LinkSaysItself", "<a href='https://x.example/'>https://x.example</a>", "https://x.example"},
    {"LinkSaysItsHost", "<a href='https://x.example/'>x.example</a>", "x.example"},
    {"LinkMail", "<a href='mailto:a@x.example'>a@x.example</a>", "a@x.example"},
    {"LinkFragment", "<a href='#top'>up</a>", "up"},
    {"LinkScript", "<a href='JavaScript:x()'>x</a>", "x"},
    {"LinkWithoutText", "<a href='https://x.example'><img src=x></a>", "https://x.example"},
    {"LinkImageAlt", "<a href='https://x.example'><img alt='Logo'></a>",
     "Logo (https://x.example)"},
    {"LinkBlock", "<a href='https://x.example'><div>Go</div></a>next",
     "Go (https://x.example)\nnext"},
    {"LinkUnclosed", "<a href='https://x.example'>Go", "Go (https://x.example)"},
    {"LinkInItem", "<ul><li><a href='http://x.example'>http://x.example</a></ul>",
     "- http://x.example"},
    {"LinkHrefLineEnds", "<a href=' https://x\n.example '>Go</a>", "Go (https://x.example)"},
    {"Table", "<table><tr><th>Item<th>Price<tr><td>Tea</td> <td>3</td></tr></table>after",
     "Item | Price\nTea | 3\n\nafter"},
    {"TableEmptyCells", "<table><tr><td></td><td>x</td><td></td></tr></table>", "x"},
    {"TableLayout", "<table><tr><td><p>a</p></td><td><p>b</p></td></tr></table>", "a\n\nb"},
    {"DropsScriptStyleHead",
     "<html><head><title>T</title><style>p{x:y}</style></head><body><script>if(a<b){}</script>x"
     "</body></html>",
     "x"},
    {"DropsScriptUntilItsEnd", "a<script>'</p>' <p></SCRIPT >b", "ab"},
    {"DropsUnclosedStyle", "a<style>b", "a"},
    {"DropsComments", "a<!-- <p>x</p> > -->b<!--[if mso]><p>no</p><![endif]-->c", "abc"},
    {"DropsEmptyComment", "a<!-->b", "ab"},
    {"DropsDoctype", "<!DOCTYPE html><?xml x?>a", "a"},
    {"DropsSvgAndTemplate", "a<svg><text>x</text></svg><template><p>y</template>b<svg/>c", "abc"},
    {"References", "&lt;a&gt; &amp; &quot;b&quot; &#39;c&#x27; &apos;d&apos;",
     "<a> & \"b\" 'c' 'd'"},
    {"NamedReferences", "&euro;5 &rarr; &hellip; &AElig;", "\u20AC5 \u2192 \u2026 \u00C6"},
    {"UnknownReferences", "&nosuch; & &; &amp &#; &#x;", "&nosuch; & &; &amp &#; &#x;"},
    {"ForbiddenCodePoints", "&#0; &#xD800; &#x110000; &#150;", "\uFFFD \uFFFD \uFFFD \u2013"},
    {"DecodesOnce", "&amp;lt;", "&lt;"},
    {"NoBreakSpace", "a&nbsp;&nbsp;b\u00A0", "a b"},
    {"PreviewPadding", "Hi&nbsp;&zwnj;&nbsp;&zwnj;&nbsp;<p>x</p>", "Hi\n\nx"},
    {"SoftHyphen", "Donau&shy;dampf\u200B\uFEFF", "Donaudampf"},
    {"Unicode", "<p>Gr\u00FC\u00DFe \U0001F600 \u65E5\u672C</p>",
     "Gr\u00FC\u00DFe \U0001F600 \u65E5\u672C"},
    {"Preformatted", "<pre>a\n  b</pre>c", "a\n  b\n\nc"},
    {"Rule", "a<hr>b", "a\n\n---\n\nb"},
    {"StrayLess", "1 < 2 and 3 <4 <", "1 < 2 and 3 <4 <"},
    {"QuotedGreater", "<p title=\"a>b\">x</p>", "x"},
    {"UnterminatedTag", "a<p class=\"x", "a"},
    {"StrayEnd", "</ul></li></svg>a</b>", "a"},
    {"DefinitionList", "<dl><dt>a<dd>b</dl>", "a\nb"},
};
INSTANTIATE_TEST_SUITE_P(Table, HtmlToTextCases, testing::ValuesIn(kCases),
                         [](const testing::TestParamInfo<Case>& info) { return info.param.name; });

// Words are read eight bytes at a time where they allow it: as if each byte was looked at.
TEST(HtmlToTextTest, ReadsEightBytesAsItReadsOne) {
  constexpr absl::string_view kPieces[] = {"a",    "bc", "!",      "~",      " ",
                                           " ",    "  ", "\t",     "\n",     "\x7F",
                                           "\x1F", "é",  "\u00A0", "\u00AD", "longer-word"};
  std::minstd_rand random(7);
  for (int round = 0; round < 5000; ++round) {
    std::string html, text;
    bool space = false;
    for (size_t left = random() % 40; left > 0; --left) {
      const absl::string_view piece = kPieces[random() % std::size(kPieces)];
      html.append(piece.data(), piece.size());
      if (piece == "\u00AD") continue;
      if (piece == "\u00A0" || static_cast<unsigned char>(piece[0]) <= ' ' || piece == "\x7F") {
        space = true;
        continue;
      }
      if (space && !text.empty()) text += ' ';
      text.append(piece.data(), piece.size());
      space = false;
    }
    ASSERT_EQ(HtmlToText(html), text) << html;
  }
}

TEST(HtmlToTextTest, LooksUpAtMost64UnusualReferences) {
  std::string html;
  for (int i = 0; i < 64; ++i) absl::StrAppend(&html, "&none", i, ";");
  EXPECT_EQ(HtmlToText(html + "&rarr;"), html + "&rarr;");
  EXPECT_EQ(HtmlToText("&rarr;" + html + "&rarr;&amp;"), "\u2192" + html + "\u2192&");
}

}  // namespace
}  // namespace herald::templates

// Random templates, variables and HTML, the same in every run: whatever comes in, nothing crashes
// (the sanitizers watch) and what comes out keeps its promises.
#include <gtest/gtest.h>

#include <random>

#include "server/templates/compiled_template.h"
#include "server/templates/html_to_text.h"
#include "server/templates/utf8.h"

namespace herald::templates {
namespace {

using google::protobuf::Struct;
using google::protobuf::Value;

class RandomTemplate : public testing::Test {
 protected:
  size_t Below(size_t n) { return std::uniform_int_distribution<size_t>(0, n - 1)(random_); }

  std::string Pieces(size_t count_max, const std::vector<std::string>& pieces) {
    std::string out;
    for (size_t n = Below(count_max); n > 0; --n) out += pieces[Below(pieces.size())];
    return out;
  }

  // Mostly well-formed: opens and closes what it opens.
  std::string Source(int depth) {
    static const std::vector<std::string> kLeaves = {
        "text ",    "\n",    "  ",       "{{a}}",   "{{{b}}}",
        "{{&a.b}}", "{{.}}", "{{! c }}", "<p>",     "'",
        "</p>",     "\r\n",  "{{",       "}}",      "{{> p}}",
        "\u20AC",   "{",     "}",        "{{ a }}", "<a href=\"{{a}}\">"};
    std::string out;
    for (size_t n = Below(6); n > 0; --n) {
      if (depth == 0 || Below(3) > 0) {
        // Broken leaves are rare, or nothing would ever compile.
        const size_t leaf = Below(kLeaves.size());
        const bool broken = leaf >= 12 && leaf <= 14;
        if (!broken || Below(20) == 0) out += kLeaves[leaf];
        continue;
      }
      const std::string name = std::vector<std::string>{"a", "b", "a.b", "."}[Below(4)];
      out +=
          (Below(2) == 0 ? "{{#" : "{{^") + name + "}}" + Source(depth - 1) + "{{/" + name + "}}";
    }
    return out;
  }

  void Fill(Value& value, int depth) {
    switch (Below(depth == 0 ? 4 : 6)) {
      case 0:
        return value.set_string_value(Pieces(4, {"x", "<", "&", "'", "\n", "\u00E9", "{{a}}"}));
      case 1:
        return value.set_number_value(static_cast<double>(Below(1000)) / 8);
      case 2:
        return value.set_bool_value(Below(2) == 0);
      case 3:
        return value.set_null_value(google::protobuf::NULL_VALUE);
      case 4:
        for (size_t n = Below(4); n > 0; --n) {
          Fill(*value.mutable_list_value()->add_values(), depth - 1);
        }
        return;
      default:
        return Fill(*value.mutable_struct_value(), depth - 1);
    }
  }

  void Fill(Struct& object, int depth) {
    for (const char* name : {"a", "b"}) {
      if (Below(4) > 0) Fill((*object.mutable_fields())[name], depth);
    }
  }

 private:
  std::mt19937_64 random_{20261121};
};

TEST_F(RandomTemplate, CompilesChecksAndRendersWithoutCrashing) {
  RenderLimits limits;
  limits.steps_max = 2000;
  limits.output_bytes_max = 4000;
  int rendered = 0;
  for (int i = 0; i < 5000; ++i) {
    const TemplateSource source{"s" + Source(1), Source(4), Below(2) == 0 ? "" : Source(2), {}};
    const auto compiled = CompiledTemplate::Compile(source, limits);
    if (!compiled.ok()) {
      ASSERT_EQ(compiled.status().code(), absl::StatusCode::kInvalidArgument);
      continue;
    }
    Struct data;
    Fill(data, 3);
    (*compiled)->Check(data);
    const auto content = (*compiled)->Render(data);
    if (!content.ok()) continue;
    ++rendered;
    ASSERT_EQ(content->subject.find_first_of("\r\n"), std::string::npos);
    ASSERT_LE(content->html.size(), limits.output_bytes_max);
    ASSERT_LE(content->text.size(), limits.output_bytes_max);
    ASSERT_TRUE(IsValidUtf8(content->html) && IsValidUtf8(content->text));
  }
  EXPECT_GT(rendered, 1000);
}

TEST_F(RandomTemplate, GarbageIsCompiledOrRefused) {
  for (int i = 0; i < 20'000; ++i) {
    const std::string source =
        Pieces(12, {"{{", "}}", "{", "}", "#", "/", "^", "&", "!", ">", "=", "a", ".", " ", "\n"});
    const auto compiled = CompiledTemplate::Compile({source, source, "", {}}, RenderLimits());
    if (compiled.ok()) (void)(*compiled)->Render(Struct());
  }
}

TEST_F(RandomTemplate, AnyHtmlBecomesValidText) {
  for (int i = 0; i < 20'000; ++i) {
    const std::string html = Pieces(
        25, {"<",      ">",      "/",        "a",     " ",      "=",      "\"",       "'",
             "<p>",    "</p>",   "<a href=", "<ul>",  "<li>",   "</ul>",  "<script>", "</script>",
             "<!--",   "-->",    "&",        ";",     "&amp;",  "&#",     "x41",      "&#x1F600;",
             "&rarr;", "<td>",   "<br>",     "<pre>", "</pre>", "\u00A0", "\u200C",   "\u00E9",
             "<svg>",  "</svg>", "\n",       "</a>"});
    ASSERT_TRUE(IsValidUtf8(HtmlToText(html))) << html;
  }
}

}  // namespace
}  // namespace herald::templates

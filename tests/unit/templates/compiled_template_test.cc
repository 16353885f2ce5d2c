#include "server/templates/compiled_template.h"

#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <thread>

namespace herald::templates {
namespace {

google::protobuf::Struct Json(const std::string& json) {
  google::protobuf::Struct data;
  EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(json, &data).ok()) << json;
  return data;
}

std::shared_ptr<const CompiledTemplate> Compiled(const TemplateSource& source) {
  auto compiled = CompiledTemplate::Compile(source, RenderLimits());
  EXPECT_TRUE(compiled.ok()) << compiled.status();
  return *compiled;
}

TEST(CompiledTemplateTest, EscapesInHtmlAndNotInSubjectOrText) {
  const auto compiled = Compiled({"Hi {{n}}", "<p>{{n}}</p>", "Hi {{n}}", {}});
  const auto content = compiled->Render(Json(R"({"n":"O'Neil & <Sons>"})"));
  ASSERT_TRUE(content.ok());
  EXPECT_EQ(content->subject, "Hi O'Neil & <Sons>");
  EXPECT_EQ(content->html, "<p>O&#39;Neil &amp; &lt;Sons&gt;</p>");
  EXPECT_EQ(content->text, "Hi O'Neil & <Sons>");
}

TEST(CompiledTemplateTest, PrintsVariablesUnescapedInDerivedText) {
  const auto compiled = Compiled({"s", "<p>Dear {{n}},</p><p>{{{raw}}}</p>", "", {}});
  const auto content = compiled->Render(Json(R"({"n":"O'Neil & Sons","raw":"<b>bold</b>"})"));
  ASSERT_TRUE(content.ok());
  EXPECT_EQ(content->text, "Dear O'Neil & Sons,\n\nbold");
}

TEST(CompiledTemplateTest, EscapesVariablesInHtmlDerivedFromText) {
  const auto compiled = Compiled({"s", "", "Dear {{n}}", {}});
  const auto content = compiled->Render(Json(R"({"n":"<script>"})"));
  ASSERT_TRUE(content.ok());
  EXPECT_EQ(content->html,
            "<!DOCTYPE html>\n<html>\n<body>\n<p>Dear &lt;script&gt;</p>\n</body>\n</html>\n");
  EXPECT_EQ(content->text, "Dear <script>");
}

TEST(CompiledTemplateTest, NewlineInAVariableNeverMakesASubjectHeader) {
  const auto compiled = Compiled({"Order {{id}}", "", "t", {}});
  const auto content = compiled->Render(Json(R"({"id":"1\r\nBcc: all@example.com\u0000\n"})"));
  ASSERT_TRUE(content.ok());
  EXPECT_EQ(content->subject, "Order 1 Bcc: all@example.com");
}

struct RefusedCase {
  const char* name;
  TemplateSource source;
  const char* message;
};

class CompileRefuses : public testing::TestWithParam<RefusedCase> {};

TEST_P(CompileRefuses, WithPartAndPosition) {
  const auto compiled = CompiledTemplate::Compile(GetParam().source, RenderLimits());
  EXPECT_EQ(compiled.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(compiled.status().message(), GetParam().message);
}

INSTANTIATE_TEST_SUITE_P(
    Table, CompileRefuses,
    testing::Values(
        RefusedCase{"Empty", {"s", "", "", {}}, "html: html and text are both empty"},
        RefusedCase{"Unclosed",
                    {"s", "a\n  {{name", "", {}},
                    "html: line 2, column 3: a tag without its closing }}"},
        RefusedCase{"UnclosedTriple",
                    {"s", "{{{name}}", "", {}},
                    "html: line 1, column 1: a tag without its closing }}}"},
        RefusedCase{"UnclosedSection",
                    {"{{#a}}", "h", "", {}},
                    "subject: line 1, column 1: section \"a\" is never closed"},
        RefusedCase{"WrongClose",
                    {"s", "h", "x{{#a}}\n{{/b}}", {}},
                    "text: line 2, column 1: \"/b\" where section \"a\" is open"},
        RefusedCase{"StrayClose",
                    {"s", "{{/b}}", "", {}},
                    "html: line 1, column 1: \"/b\" closes a section that is not open"},
        RefusedCase{"Partial",
                    {"s", "{{> footer}}", "", {}},
                    "html: line 1, column 1: partials ({{>name}}) are not supported"},
        RefusedCase{"Delimiters",
                    {"s", "{{=<% %>=}}", "", {}},
                    "html: line 1, column 1: changing the delimiters ({{= =}}) is not supported"},
        RefusedCase{"Inheritance",
                    {"s", "{{$title}}", "", {}},
                    "html: line 1, column 1: template inheritance ({{<name}}, {{$name}}) is not "
                    "supported"},
        RefusedCase{"Helper",
                    {"s", "{{#if paid}}{{/if}}", "", {}},
                    "html: line 1, column 1: white space inside a name; helpers such as {{#if x}} "
                    "do not exist, write {{#x}}"},
        RefusedCase{
            "Nameless", {"s", "{{ }}", "", {}}, "html: line 1, column 1: a tag without a name"},
        RefusedCase{"EmptySegment",
                    {"s", "{{a..b}}", "", {}},
                    "html: line 1, column 1: a dotted name with an empty segment"},
        RefusedCase{"BadUtf8", {"s", "\xFF", "", {}}, "html: contains invalid UTF-8"},
        RefusedCase{"Nul", {"s", std::string("a\0b", 3), "", {}}, "html: contains a NUL character"},
        RefusedCase{"TooLong",
                    {"s", "", std::string(256 * 1024 + 1, 'x'), {}},
                    "text: is longer than 262144 bytes"},
        RefusedCase{"LongName",
                    {"s", "{{" + std::string(129, 'x') + "}}", "", {}},
                    "html: line 1, column 1: a name longer than 128 bytes"},
        RefusedCase{"Undeclared",
                    {"s", "{{nmae}}", "", {{"name", VariableType::kAny, true, ""}}},
                    "variables: \"nmae\" is used by the template but not declared"},
        RefusedCase{"PrintedList",
                    {"s", "{{a}}", "", {{"a", VariableType::kList, true, ""}}},
                    "variables: \"a\" is printed but declared as a list or an object"},
        RefusedCase{"DottedString",
                    {"s", "{{a.b}}", "", {{"a", VariableType::kString, true, ""}}},
                    "variables: \"a\" is used as an object but not declared as one"},
        RefusedCase{"DeclaredTwice",
                    {"s",
                     "h",
                     "",
                     {{"a", VariableType::kAny, true, ""}, {"a", VariableType::kAny, true, ""}}},
                    "variables: \"a\" is declared twice"},
        RefusedCase{"BadDeclaredName",
                    {"s", "h", "", {{"a.b", VariableType::kAny, true, ""}}},
                    "variables: a name must have 1 to 128 bytes without white space, dots or "
                    "braces"}),
    [](const testing::TestParamInfo<RefusedCase>& info) { return info.param.name; });

TEST(CompiledTemplateTest, RefusesASubjectOver998BytesAfterRendering) {
  const auto compiled = Compiled({"{{s}}", "", "t", {}});
  EXPECT_TRUE(compiled->Render(Json("{\"s\":\"" + std::string(998, 'x') + "\"}")).ok());
  const auto refused = compiled->Render(Json("{\"s\":\"" + std::string(999, 'x') + "\"}"));
  EXPECT_EQ(refused.status(), absl::InvalidArgumentError("subject: is longer than 998 bytes"));
}

TEST(CompiledTemplateTest, RendersConcurrently) {
  const auto compiled = Compiled({"{{a}}", "{{#l}}<li>{{.}}{{/l}}", "", {}});
  const google::protobuf::Struct data = Json(R"({"a":"s","l":[1,2,3]})");
  std::vector<std::thread> threads;
  std::atomic<int> right = 0;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 100; ++n) {
        const auto content = compiled->Render(data);
        if (content.ok() && content->text == "- 1\n- 2\n- 3") ++right;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, 400);
}

}  // namespace
}  // namespace herald::templates

// A template or variables made to exhaust the server fail alone, soon and with a precise status.
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <chrono>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/templates/compiled_template.h"
#include "server/templates/html_to_text.h"

namespace herald::templates {
namespace {

using google::protobuf::Struct;

// Far above what any of these takes under AddressSanitizer, far below what an unbounded one would.
constexpr std::chrono::seconds kSoon(5);

std::string Repeated(int times, absl::string_view piece) {
  std::string out;
  for (int i = 0; i < times; ++i) absl::StrAppend(&out, piece);
  return out;
}

class HostileTemplate : public testing::Test {
 protected:
  void TearDown() override { EXPECT_LT(std::chrono::steady_clock::now() - started_, kSoon); }

  static absl::StatusOr<RenderedContent> Render(const std::string& html, const Struct& data) {
    auto compiled = CompiledTemplate::Compile({"s", html, "", {}}, RenderLimits());
    if (!compiled.ok()) return compiled.status();
    return (*compiled)->Render(data);
  }

  static std::string Nested(int depth, const std::string& core) {
    return Repeated(depth, "{{#a}}") + core + Repeated(depth, "{{/a}}");
  }

  static Struct ListOf(int items) {
    Struct data;
    auto* list = (*data.mutable_fields())["a"].mutable_list_value();
    for (int i = 0; i < items; ++i) list->add_values()->set_string_value("x");
    return data;
  }

 private:
  const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
};

TEST_F(HostileTemplate, ExponentialSectionsRunOutOfSteps) {
  EXPECT_EQ(Render(Nested(16, ""), ListOf(100)).status(),
            absl::ResourceExhaustedError("html: rendering takes more steps than allowed"));
}

TEST_F(HostileTemplate, ManyTagsInALongListRunOutOfSteps) {
  std::string core;
  for (int i = 0; i < 30'000; ++i) core += "{{b}}";
  EXPECT_EQ(Render(Nested(1, core), ListOf(100'000)).status(),
            absl::ResourceExhaustedError("html: rendering takes more steps than allowed"));
}

TEST_F(HostileTemplate, StepsAreSharedByTheParts) {
  RenderLimits limits;
  limits.steps_max = 150;
  const std::string section = "{{#a}}x{{/a}}";
  const auto one = CompiledTemplate::Compile({"s", section, "t", {}}, limits);
  const auto two = CompiledTemplate::Compile({"s", section, section, {}}, limits);
  ASSERT_TRUE(one.ok() && two.ok());
  EXPECT_TRUE((*one)->Render(ListOf(50)).ok());
  EXPECT_EQ((*two)->Render(ListOf(50)).status(),
            absl::ResourceExhaustedError("text: rendering takes more steps than allowed"));
}

TEST_F(HostileTemplate, GigabyteExpansionStopsAtTheOutputLimit) {
  EXPECT_EQ(Render(Nested(2, std::string(100'000, 'x')), ListOf(100)).status(),
            absl::ResourceExhaustedError("html: renders to more than 1048576 bytes"));
}

TEST_F(HostileTemplate, EscapingCountsTowardsTheOutputLimit) {
  Struct data;
  (*data.mutable_fields())["q"].set_string_value(std::string(300'000, '\''));
  EXPECT_EQ(Render("{{q}}", data).status(),
            absl::ResourceExhaustedError("html: renders to more than 1048576 bytes"));
}

TEST_F(HostileTemplate, OneHugeVariableStopsAtTheOutputLimit) {
  Struct data;
  (*data.mutable_fields())["q"].set_string_value(std::string(64 << 20, 'x'));
  EXPECT_EQ(Render("{{{q}}}", data).status(),
            absl::ResourceExhaustedError("html: renders to more than 1048576 bytes"));
}

TEST_F(HostileTemplate, SixteenSectionsMayNestAndSeventeenMayNot) {
  EXPECT_TRUE(Render(Nested(16, "x"), ListOf(1)).ok());
  EXPECT_EQ(Render(Nested(17, "x"), ListOf(1)).status(),
            absl::InvalidArgumentError("html: line 1, column 97: sections nest deeper than 16"));
}

TEST_F(HostileTemplate, TwoHundredNamesMayBeUsedAndOneMoreMayNot) {
  std::string html;
  for (int i = 0; i < 200; ++i) absl::StrAppend(&html, "{{a", i, "}}{{a", i, "}}");
  EXPECT_TRUE(CompiledTemplate::Compile({"s", html, "", {}}, RenderLimits()).ok());
  EXPECT_EQ(Render(html + "{{more}}", {}).status(),
            absl::InvalidArgumentError("variables: the template uses more than 200"));
}

TEST_F(HostileTemplate, WhatTagsTakeInMemoryIsKnown) {
  const auto plain =
      CompiledTemplate::Compile({"s", std::string(200'000, 'x'), "", {}}, RenderLimits());
  const auto tags =
      CompiledTemplate::Compile({"s", Repeated(40'000, "{{a}}"), "", {}}, RenderLimits());
  ASSERT_TRUE(plain.ok() && tags.ok());
  EXPECT_GE((*plain)->bytes(), 200'000u);
  EXPECT_LT((*plain)->bytes(), 201'000u);
  EXPECT_GT((*tags)->bytes(), 400'000u);
}

TEST_F(HostileTemplate, DeeplyNestedSourceIsRefusedAtOnce) {
  EXPECT_TRUE(absl::IsInvalidArgument(Render(Nested(10'000, ""), ListOf(1)).status()));
}

TEST_F(HostileTemplate, HtmlThatDefeatsTreeBuildersIsReadInLinearTime) {
  std::string attributes = "<p";
  std::string formatting;
  for (int i = 0; i < 60'000; ++i) absl::StrAppend(&attributes, " a", i);
  for (int i = 0; i < 40'000; ++i) absl::StrAppend(&formatting, "<p><b a", i, ">x</p>");
  for (const std::string& html :
       {Repeated(200'000, "<div>"), Repeated(150'000, "<b>x"), Repeated(200'000, "<ul><li>"),
        Repeated(500'000, "<a"), Repeated(200'000, "<a \""), Repeated(250'000, "<!--"),
        Repeated(250'000, "&a;"), Repeated(100'000, "<title>"), Repeated(500'000, "</"),
        Repeated(60'000, "<a href=x>y<br>"), Repeated(500'000, "&#"), attributes, formatting}) {
    EXPECT_LE(HtmlToText(html).size(), 4 * html.size() + 64) << html.substr(0, 20);
  }
}

}  // namespace
}  // namespace herald::templates

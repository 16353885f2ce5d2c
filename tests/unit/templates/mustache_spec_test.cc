// The cases of the mustache specification (interpolation, sections, inverted, comments) that a
// template without partials, lambdas and delimiter changes has to pass.
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include "server/templates/mustache_program.h"
#include "server/templates/mustache_renderer.h"

namespace herald::templates {
namespace {

struct SpecCase {
  const char* name;
  const char* data;
  const char* source;
  const char* expected;
};

class MustacheSpec : public testing::TestWithParam<SpecCase> {};

TEST_P(MustacheSpec, RendersAsSpecified) {
  google::protobuf::Struct data;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(GetParam().data, &data).ok());
  absl::StatusOr<MustacheProgram> program = ParseMustache(GetParam().source, RenderLimits());
  ASSERT_TRUE(program.ok()) << program.status();
  int64_t steps = 1000;
  absl::StatusOr<std::string> out = RenderMustache(*program, data, Escaping::kHtml, 10000, steps);
  ASSERT_TRUE(out.ok()) << out.status();
  EXPECT_EQ(*out, GetParam().expected);
}

std::string NameOf(const testing::TestParamInfo<SpecCase>& info) { return info.param.name; }

constexpr SpecCase kInterpolation[] = {
    {"NoInterpolation", "{}", "Hello from {Mustache}!\n", "Hello from {Mustache}!\n"},
    {"BasicInterpolation", R"({"subject":"world"})", "Hello, {{subject}}!\n", "Hello, world!\n"},
    {"NoReinterpolation", R"({"t":"{{planet}}","planet":"Earth"})", "{{t}}: {{planet}}",
     "{{planet}}: Earth"},
    {"HtmlEscaping", R"({"f":"& \" < > '"})", "{{f}}", "&amp; &quot; &lt; &gt; &#39;"},
    {"TripleMustache", R"({"f":"& \" < >"})", "{{{f}}}", "& \" < >"},
    {"Ampersand", R"({"f":"& \" < >"})", "{{&f}}", "& \" < >"},
    {"Integer", R"({"mph":85})", "{{mph}} {{{mph}}} {{&mph}}", "85 85 85"},
    {"Decimal", R"({"power":1.21})", "{{power}} {{{power}}}", "1.21 1.21"},
    {"Null", R"({"cannot":null})", "I ({{cannot}}) be seen!", "I () be seen!"},
    {"ContextMiss", "{}", "I ({{cannot}}{{{cannot}}}) be seen!", "I () be seen!"},
    {"Booleans", R"({"t":true,"f":false})", "{{t}} {{f}}", "true false"},
    {"DottedNames", R"({"person":{"name":"Joe"}})", "{{person.name}}{{#person}}{{name}}{{/person}}",
     "JoeJoe"},
    {"DottedArbitraryDepth", R"({"a":{"b":{"c":{"d":{"e":{"name":"Phil"}}}}}})",
     "{{a.b.c.d.e.name}}", "Phil"},
    {"DottedBrokenChain", R"({"a":{}})", "[{{a.b.c}}]", "[]"},
    {"DottedBrokenChainResolution", R"({"a":{"b":{}},"c":{"name":"Jim"}})", "[{{a.b.c.name}}]",
     "[]"},
    {"DottedInitialResolution", R"({"a":{"b":{"c":{"name":"Phil"}}},"b":{"c":{"name":"Wrong"}}})",
     "{{#a}}{{b.c.name}}{{/a}}", "Phil"},
    {"DottedContextPrecedence", R"({"a":{"b":{}},"b":{"c":"ERROR"}})", "{{#a}}{{b.c}}{{/a}}", ""},
    {"ImplicitIterator", R"({"l":["&"]})", "{{#l}}{{.}}{{{.}}}{{&.}}{{/l}}", "&amp;&&"},
    {"SurroundingWhitespace", R"({"s":"---"})", "| {{s}} |{{{s}}}| {{&s}} |", "| --- |---| --- |"},
    {"StandaloneInterpolation", R"({"s":"---"})", "  {{s}}\n", "  ---\n"},
    {"StandaloneTriple", R"({"s":"---"})", "  {{{s}}}\n", "  ---\n"},
    {"Padding", R"({"s":"---"})", "|{{ s }}|{{{ s }}}|{{& s }}|{{\ts\n}}|", "|---|---|---|---|"},
};
INSTANTIATE_TEST_SUITE_P(Interpolation, MustacheSpec, testing::ValuesIn(kInterpolation), NameOf);

constexpr SpecCase kSections[] = {
    {"Truthy", R"({"b":true})", "{{#b}}shown{{/b}}", "shown"},
    {"Falsey", R"({"b":false})", "{{#b}}shown{{/b}}", ""},
    {"NullIsFalsey", R"({"b":null})", "[{{#b}}shown{{/b}}]", "[]"},
    {"ZeroIsFalsey", R"({"b":0})", "[{{#b}}shown{{/b}}]", "[]"},
    {"EmptyStringIsFalsey", R"({"b":""})", "[{{#b}}shown{{/b}}]", "[]"},
    {"EmptyObjectIsTruthy", R"({"b":{}})", "[{{#b}}shown{{/b}}]", "[shown]"},
    {"Context", R"({"c":{"name":"Joe"}})", "{{#c}}Hi {{name}}.{{/c}}", "Hi Joe."},
    {"ParentContexts", R"({"a":"foo","b":"wrong","sec":{"b":"bar"},"c":{"d":"baz"}})",
     "{{#sec}}{{a}}, {{b}}, {{c.d}}{{/sec}}", "foo, bar, baz"},
    {"VariableTest", R"({"foo":"bar"})", "{{#foo}}{{.}} is {{foo}}{{/foo}}", "bar is bar"},
    {"ListContexts",
     R"({"tops":[{"tname":{"upper":"A","lower":"a"},"middles":[{"mname":"1",
      "bottoms":[{"bname":"x"},{"bname":"y"}]}]}]})",
     "{{#tops}}{{#middles}}{{tname.lower}}{{mname}}.{{#bottoms}}{{tname.upper}}{{mname}}{{bname}}."
     "{{/bottoms}}{{/middles}}{{/tops}}",
     "a1.A1x.A1y."},
    {"DeeplyNestedContexts", R"({"a":{"one":1},"b":{"two":2},"c":{"three":3}})",
     "{{#a}}{{one}}\n{{#b}}{{one}}{{two}}{{one}}\n{{#c}}{{one}}{{two}}{{three}}{{two}}{{one}}\n"
     "{{/c}}{{/b}}{{/a}}",
     "1\n121\n12321\n"},
    {"List", R"({"list":[{"item":1},{"item":2},{"item":3}]})", "{{#list}}{{item}}{{/list}}", "123"},
    {"EmptyList", R"({"list":[]})", "[{{#list}}Yay lists!{{/list}}]", "[]"},
    {"Doubled", R"({"bool":true,"two":"second"})",
     "{{#bool}}\n* first\n{{/bool}}\n* {{two}}\n{{#bool}}\n* third\n{{/bool}}\n",
     "* first\n* second\n* third\n"},
    {"NestedTruthy", R"({"b":true})", "A{{#b}} B{{#b}} C{{/b}} D{{/b}} E", "A B C D E"},
    {"NestedFalsey", R"({"b":false})", "| A {{#b}}B {{#b}}C{{/b}} D{{/b}} E |", "| A  E |"},
    {"ContextMisses", "{}", "[{{#missing}}Found!{{/missing}}]", "[]"},
    {"ImplicitStrings", R"({"l":["a","b"]})", "{{#l}}({{.}}){{/l}}", "(a)(b)"},
    {"ImplicitNumbers", R"({"l":[1.10,2.20]})", "{{#l}}({{.}}){{/l}}", "(1.1)(2.2)"},
    {"ImplicitNestedLists", R"({"l":[[1,2],["a"]]})", "{{#l}}({{#.}}{{.}}{{/.}}){{/l}}", "(12)(a)"},
    {"DottedTruthy", R"({"a":{"b":{"c":true}}})", "{{#a.b.c}}Here{{/a.b.c}}", "Here"},
    {"DottedBroken", R"({"a":{}})", "[{{#a.b.c}}Here{{/a.b.c}}]", "[]"},
    {"SurroundingWhitespace", R"({"b":true})", " | {{#b}}\t|\t{{/b}} | \n", " | \t|\t | \n"},
    {"InternalWhitespace", R"({"b":true})", " | {{#b}} {{! x }}\n {{/b}} | \n", " |  \n  | \n"},
    {"IndentedInline", R"({"b":true})", " {{#b}}YES{{/b}}\n {{#b}}GOOD{{/b}}\n", " YES\n GOOD\n"},
    {"StandaloneLines", R"({"b":true})", "| This Is\n{{#b}}\n|\n{{/b}}\n| A Line\n",
     "| This Is\n|\n| A Line\n"},
    {"IndentedStandaloneLines", R"({"b":true})", "| This\n  {{#b}}\n|\n  {{/b}}\t\n| Line\n",
     "| This\n|\n| Line\n"},
    {"StandaloneCrLf", R"({"b":true})", "|\r\n{{#b}}\r\n{{/b}}\r\n|", "|\r\n|"},
    {"StandaloneWithoutPreviousLine", R"({"b":true})", "  {{#b}}\n#{{/b}}\n/", "#\n/"},
    {"StandaloneWithoutNewline", R"({"b":true})", "#{{#b}}\n/\n  {{/b}}", "#\n/\n"},
    {"Padding", R"({"b":true})", "|{{# b }}={{/ b }}|", "|=|"},
};
INSTANTIATE_TEST_SUITE_P(Sections, MustacheSpec, testing::ValuesIn(kSections), NameOf);

constexpr SpecCase kInvertedAndComments[] = {
    {"InvertedFalsey", R"({"b":false})", "{{^b}}shown{{/b}}", "shown"},
    {"InvertedTruthy", R"({"b":true})", "[{{^b}}shown{{/b}}]", "[]"},
    {"InvertedNull", R"({"b":null})", "{{^b}}shown{{/b}}", "shown"},
    {"InvertedContext", R"({"c":{"name":"Joe"}})", "[{{^c}}Hi {{name}}.{{/c}}]", "[]"},
    {"InvertedList", R"({"l":[{"n":1}]})", "[{{^l}}none{{/l}}]", "[]"},
    {"InvertedEmptyList", R"({"l":[]})", "{{^l}}none{{/l}}", "none"},
    {"InvertedNested", R"({"b":false})", "A{{^b}} B{{^b}} C{{/b}} D{{/b}} E", "A B C D E"},
    {"InvertedMissing", "{}", "{{^m}}Cannot find key{{/m}}", "Cannot find key"},
    {"InvertedDottedMissing", R"({"a":{}})", "{{^a.b.c}}Not Here{{/a.b.c}}", "Not Here"},
    {"InvertedStandalone", R"({"b":false})", "| This Is\n{{^b}}\n|\n{{/b}}\n| A Line\n",
     "| This Is\n|\n| A Line\n"},
    {"InvertedThenSection", R"({"b":false,"c":true})", "{{^b}}{{#c}}x{{/c}}{{/b}}{{#b}}y{{/b}}",
     "x"},
    {"CommentInline", "{}", "12345{{! Comment Block! }}67890", "1234567890"},
    {"CommentMultiline", "{}", "12345{{!\n  many\n  lines\n}}67890\n", "1234567890\n"},
    {"CommentStandalone", "{}", "Begin.\n{{! Comment Block! }}\nEnd.\n", "Begin.\nEnd.\n"},
    {"CommentIndentedStandalone", "{}", "Begin.\n  {{! Indented }}\nEnd.\n", "Begin.\nEnd.\n"},
    {"CommentStandaloneCrLf", "{}", "|\r\n{{! Standalone }}\r\n|", "|\r\n|"},
    {"CommentWithoutPreviousLine", "{}", "  {{! I'm Still Standalone }}\n!", "!"},
    {"CommentWithoutNewline", "{}", "!\n  {{! I'm Still Standalone }}", "!\n"},
    {"CommentMultilineStandalone", "{}", "Begin.\n{{!\nSomething going on...\n}}\nEnd.\n",
     "Begin.\nEnd.\n"},
    {"CommentIndentedInline", "{}", "  12 {{! 34 }}\n", "  12 \n"},
    {"CommentSurroundingWhitespace", "{}", "12345 {{! Comment }} 67890", "12345  67890"},
    {"CommentsThatLookLikeTags", "{}", "a{{!#x}}b{{!>x}}c", "abc"},
};
INSTANTIATE_TEST_SUITE_P(InvertedAndComments, MustacheSpec, testing::ValuesIn(kInvertedAndComments),
                         NameOf);

}  // namespace
}  // namespace herald::templates

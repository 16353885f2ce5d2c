#include <gmock/gmock.h>
#include <google/protobuf/arena.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <limits>

#include "absl/strings/str_cat.h"
#include "server/templates/compiled_template.h"

namespace herald::templates {
namespace {

using google::protobuf::Struct;
using google::protobuf::Value;
using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> Lines(const std::vector<Violation>& violations) {
  std::vector<std::string> lines;
  for (const Violation& v : violations) lines.push_back(absl::StrCat(v.field, ": ", v.description));
  return lines;
}

Struct Json(const std::string& json) {
  Struct data;
  EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(json, &data).ok()) << json;
  return data;
}

std::shared_ptr<const CompiledTemplate> Compiled(const std::string& text,
                                                 std::vector<Variable> variables = {}) {
  auto compiled = CompiledTemplate::Compile({"s", "", text, std::move(variables)}, RenderLimits());
  EXPECT_TRUE(compiled.ok()) << compiled.status();
  return *compiled;
}

std::string Schema(const CompiledTemplate& compiled) {
  std::string schema;
  for (const Variable& v : compiled.variables()) {
    absl::StrAppend(&schema, v.name, v.type == VariableType::kObject ? ":object" : "",
                    v.required ? "!" : "?", " ");
  }
  return schema;
}

TEST(DerivedSchema, RequiresWhatIsUsedOutsideOfSections) {
  EXPECT_EQ(Schema(*Compiled("{{a}}{{#items}}{{title}}{{/items}}{{user.name}}")),
            "a! items! user:object! ");
}

TEST(DerivedSchema, TakesAnInvertedSectionAsPermissionToBeAbsent) {
  EXPECT_EQ(Schema(*Compiled("{{#p}}x{{/p}}{{^p}}{{fallback}}{{/p}}")), "fallback? p? ");
}

TEST(DerivedSchema, AcceptsAnythingForASection) {
  const auto compiled = Compiled("{{#s}}x{{/s}}");
  for (const char* json : {R"({"s":true})", R"({"s":[1]})", R"({"s":{"a":1}})", R"({"s":"x"})"}) {
    EXPECT_THAT(compiled->Check(Json(json)), IsEmpty()) << json;
  }
}

TEST(DerivedSchema, RefusesAListOrObjectToPrint) {
  const auto compiled = Compiled("{{a}} {{b}}");
  EXPECT_THAT(Lines(compiled->Check(Json(R"({"a":[1],"b":{}})"))),
              ElementsAre("variables.a: must be a string, a number or a boolean",
                          "variables.b: must be a string, a number or a boolean"));
}

TEST(DerivedSchema, NamesTheMissingFieldOfAnObject) {
  const auto compiled = Compiled("{{user.name.first}} {{user.id}}");
  EXPECT_THAT(Lines(compiled->Check(Json(R"({"user":{"id":1}})"))),
              ElementsAre("variables.user.name.first: is required, as a string, a number or a "
                          "boolean"));
  EXPECT_THAT(Lines(compiled->Check(Json(R"({"user":"x"})"))),
              ElementsAre("variables.user: must be an object"));
}

TEST(DeclaredSchema, ChecksPresenceAndType) {
  const auto compiled = Compiled("x", {{"s", VariableType::kString, true, ""},
                                       {"n", VariableType::kNumber, true, ""},
                                       {"b", VariableType::kBoolean, true, ""},
                                       {"l", VariableType::kList, true, ""},
                                       {"o", VariableType::kObject, true, ""},
                                       {"free", VariableType::kNumber, false, ""}});
  EXPECT_THAT(compiled->Check(Json(R"({"s":"","n":0,"b":false,"l":[],"o":{},"extra":1})")),
              IsEmpty());
  EXPECT_THAT(Lines(compiled->Check(Json(R"({"s":1,"n":"1","b":null,"l":{},"free":"x"})"))),
              ElementsAre("variables.s: must be a string", "variables.n: must be a number",
                          "variables.b: is required", "variables.l: must be a list",
                          "variables.o: is required", "variables.free: must be a number"));
}

TEST(VariableCheck, StopsAfterTwentyViolations) {
  std::string text;
  for (int i = 0; i < 50; ++i) absl::StrAppend(&text, "{{v", i, "}}");
  EXPECT_EQ(Compiled(text)->Check(Struct()).size(), 20u);
}

TEST(VariableCheck, RefusesInvalidTextAnywhere) {
  Struct data;
  (*data.mutable_fields())["a"].set_string_value("\xC0\x80");
  (*data.mutable_fields())["b"].mutable_list_value()->add_values()->set_string_value(
      std::string("x\0", 2));
  (*(*data.mutable_fields())["c"].mutable_struct_value()->mutable_fields())["\xFF"];
  (*data.mutable_fields())["d"].set_number_value(std::numeric_limits<double>::infinity());
  (*data.mutable_fields())["\xFE"];
  EXPECT_THAT(Lines(Compiled("x")->Check(data)),
              testing::UnorderedElementsAre(
                  "variables.a: contains invalid UTF-8", "variables.b: contains a NUL character",
                  "variables.c: contains a name that is not valid text",
                  "variables.d: contains a number that is no number",
                  "variables: contains a name that is too long or not valid text"));
}

TEST(VariableCheck, RefusesAHundredThousandLevelsWithoutRecursion) {
  google::protobuf::Arena arena;  // Frees without recursion, unlike a message on the heap.
  auto* data = google::protobuf::Arena::CreateMessage<Struct>(&arena);
  Value* value = &(*data->mutable_fields())["deep"];
  for (int i = 0; i < 100'000; ++i) value = value->mutable_list_value()->add_values();
  const auto compiled = Compiled("{{#deep}}{{#.}}{{.}}{{/.}}{{/deep}}");
  EXPECT_THAT(Lines(compiled->Check(*data)), ElementsAre("variables.deep: nests too deeply"));
  EXPECT_TRUE(compiled->Render(*data).ok() ||
              absl::IsInvalidArgument(compiled->Render(*data).status()));
}

TEST(VariableCheck, RefusesTooManyValues) {
  Struct data;
  auto* list = (*data.mutable_fields())["l"].mutable_list_value();
  for (int i = 0; i < 100'001; ++i) list->add_values();
  EXPECT_THAT(Lines(Compiled("x")->Check(data)), ElementsAre("variables.l: has too many values"));
}

}  // namespace
}  // namespace herald::templates

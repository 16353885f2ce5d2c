#include "server/audience/contact_rules.h"

#include <gmock/gmock.h>

#include <limits>

#include "server/audience/attributes_codec.h"
#include "tests/support/status_matchers.h"

namespace herald::audience {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

v1::Contact Anna() {
  v1::Contact anna;
  anna.set_email("Anna.Smith@EXAMPLE.com");
  anna.set_name("Anna");
  for (const char* tag : {"premium", "beta", "premium"}) anna.add_tags(tag);
  (*anna.mutable_attributes()->mutable_fields())["age"].set_number_value(41);
  return anna;
}

std::vector<std::string> FieldsOf(const v1::Contact& contact) {
  std::vector<FieldViolation> violations;
  CheckContact(contact, "", violations);
  std::vector<std::string> fields;
  for (const FieldViolation& violation : violations) fields.push_back(violation.field);
  return fields;
}

TEST(ContactRulesTest, KeepsTheSpellingAndFindsByTheNormalisedAddress) {
  std::vector<FieldViolation> violations;
  const storage::NewContact contact = CheckContact(Anna(), "", violations);
  EXPECT_THAT(violations, IsEmpty());
  EXPECT_EQ(contact.email, "Anna.Smith@example.com");
  EXPECT_EQ(contact.email_normalised, "anna.smith@example.com");
  EXPECT_THAT(contact.tags, ElementsAre("beta", "premium"));
  EXPECT_EQ(contact.attributes, "{\"age\":41.0}");
  EXPECT_FALSE(contact.state.has_value());
}

TEST(ContactRulesTest, NamesEveryFieldThatIsWrong) {
  v1::Contact bad;
  bad.set_email("nobody");
  bad.set_name("a\nb");
  bad.set_user_id(std::string(129, 'u'));
  bad.set_locale("pt BR");
  bad.set_time_zone("../../etc/passwd");
  bad.add_tags("ok");
  bad.add_tags("not ok");
  bad.set_state(static_cast<v1::Contact::State>(9));
  (*bad.mutable_attributes()->mutable_fields())["a b"].set_number_value(1);
  EXPECT_THAT(FieldsOf(bad), ElementsAre("email", "name", "user_id", "locale", "time_zone",
                                         "tags[1]", "attributes", "state"));
}

TEST(ContactRulesTest, ManyTagsAreRefusedAsOne) {
  v1::Contact contact = Anna();
  for (int i = 0; i < 101; ++i) contact.add_tags("x");
  EXPECT_THAT(FieldsOf(contact), ElementsAre("tags"));
}

TEST(AttributesCodecTest, NullsCountAsAbsent) {
  google::protobuf::Struct attributes;
  (*attributes.mutable_fields())["gone"].set_null_value(google::protobuf::NULL_VALUE);
  (*attributes.mutable_fields())["unset"];
  ASSERT_OK_AND_ASSIGN(const std::string json, EncodeAttributes(attributes));
  EXPECT_EQ(json, "{}");
}

TEST(AttributesCodecTest, GivesBackWhatItTook) {
  google::protobuf::Struct attributes;
  auto& fields = *attributes.mutable_fields();
  fields["number"].set_number_value(0.1 + 0.2);
  fields["text"].set_string_value("\"ü\" \\");
  fields["flag"].set_bool_value(false);
  fields["list"].mutable_list_value()->add_values()->set_string_value("x");
  (*fields["inner"].mutable_struct_value()->mutable_fields())["deep"].set_number_value(-1e300);
  ASSERT_OK_AND_ASSIGN(const std::string json, EncodeAttributes(attributes));
  ASSERT_OK_AND_ASSIGN(const google::protobuf::Struct back, DecodeAttributes(json));
  EXPECT_EQ(back.DebugString(), attributes.DebugString());
}

TEST(AttributesCodecTest, RefusesWhatCannotBeStored) {
  const auto code = [](const google::protobuf::Value& value) {
    google::protobuf::Struct attributes;
    (*attributes.mutable_fields())["a"] = value;
    return EncodeAttributes(attributes).status().code();
  };
  google::protobuf::Value value;
  value.set_number_value(std::numeric_limits<double>::infinity());
  EXPECT_EQ(code(value), absl::StatusCode::kInvalidArgument);
  value.set_string_value(std::string("a\0b", 3));
  EXPECT_EQ(code(value), absl::StatusCode::kInvalidArgument);
  value.set_string_value(std::string(17 << 10, 'x'));
  EXPECT_EQ(code(value), absl::StatusCode::kInvalidArgument);
  google::protobuf::Value deep;
  deep.set_number_value(1);
  for (int i = 0; i < 9; ++i) {
    google::protobuf::Value outer;
    *outer.mutable_list_value()->add_values() = deep;
    deep = outer;
  }
  EXPECT_EQ(code(deep), absl::StatusCode::kInvalidArgument);
}

TEST(ContactChangeTest, TakesWhatTheMaskNamesAndNothingElse) {
  google::protobuf::FieldMask mask;
  mask.add_paths("name");
  mask.add_paths("tags");
  ASSERT_OK_AND_ASSIGN(const storage::ContactChange change, CheckChange(Anna(), mask));
  EXPECT_EQ(change.name, "Anna");
  EXPECT_THAT(*change.tags, ElementsAre("beta", "premium"));
  EXPECT_FALSE(change.address.has_value());
  EXPECT_FALSE(change.attributes.has_value());
}

TEST(ContactChangeTest, RefusesAnEmptyMaskAndFieldsThatCannotBeChanged) {
  EXPECT_EQ(CheckChange(Anna(), {}).status().code(), absl::StatusCode::kInvalidArgument);
  google::protobuf::FieldMask mask;
  mask.add_paths("create_time");
  EXPECT_EQ(CheckChange(Anna(), mask).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace herald::audience

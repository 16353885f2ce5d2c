#include "server/acceptance/request_hash.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "absl/strings/escaping.h"
#include "google/protobuf/text_format.h"

namespace herald::acceptance {
namespace {

v1::SendEmailRequest Parse(const std::string& text) {
  v1::SendEmailRequest request;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &request)) << text;
  return request;
}

constexpr char kFull[] = R"(
  idempotency_key: "order:1" recipient { email: "ada@example.com" name: "Ada" user_id: "u1" }
  from { email: "shop@example.com" } reply_to { email: "help@example.com" }
  template { key: "welcome" version: 2 } lane: LANE_CRITICAL category: "orders"
  variables { fields { key: "a" value { number_value: 1.5 } }
              fields { key: "b" value { list_value { values { bool_value: true } } } } }
  send_time { seconds: 1790000000 nanos: 5 }
  headers { key: "X-A" value: "1" } headers { key: "X-B" value: "2" }
  attachments { filename: "a.txt" content: "abc" } metadata { key: "k" value: "v" })";

TEST(RequestHash, NeverChangesForWhatIsStored) {
  // Golden: a change here turns keys that are still kept into conflicts.
  EXPECT_EQ(absl::BytesToHexString(CanonicalRequestHash(Parse(kFull), false)),
            "db80210344508d4ea12ea4621607b745aaed8cf34675042027ed8892cd857aba");
  EXPECT_EQ(absl::BytesToHexString(CanonicalRequestHash(Parse(kFull), true)),
            "8f5fa264c594fd3b5dfb6752afe745c2093364a9ea944bdb38228a35e315222b");
}

TEST(RequestHash, IgnoresTheKeyAndTheOrderOfMaps) {
  v1::SendEmailRequest request = Parse(kFull);
  const std::string hash = CanonicalRequestHash(request, false);
  request.set_idempotency_key("another");
  EXPECT_EQ(CanonicalRequestHash(request, false), hash);
  request.clear_headers();
  (*request.mutable_headers())["X-B"] = "2";
  (*request.mutable_headers())["X-A"] = "1";
  EXPECT_EQ(CanonicalRequestHash(request, false), hash);
  v1::SendEmailRequest copy;
  ASSERT_TRUE(copy.ParseFromString(request.SerializeAsString()));
  EXPECT_EQ(CanonicalRequestHash(copy, false), hash);
}

TEST(RequestHash, SeesNoDifferenceBetweenAnEmptyMapValueSentAndLeftOut) {
  v1::SendEmailRequest sent = Parse(kFull);
  (*sent.mutable_metadata())["empty"] = "";
  v1::SendEmailRequest received;
  // Entry of field 14 with its key (field 1) alone.
  ASSERT_TRUE(
      received.ParseFromString(Parse(kFull).SerializeAsString() + std::string("\x72\x07\x0a\x05"
                                                                              "empty",
                                                                              9)));
  EXPECT_EQ(received.metadata().at("empty"), "");
  EXPECT_EQ(CanonicalRequestHash(received, false), CanonicalRequestHash(sent, false));
}

TEST(RequestHash, IgnoresFieldsOfLaterReleases) {
  v1::SendEmailRequest request = Parse(kFull);
  const std::string hash = CanonicalRequestHash(request, false);
  request.GetReflection()->MutableUnknownFields(&request)->AddVarint(9999, 1);
  EXPECT_EQ(CanonicalRequestHash(request, false), hash);
}

TEST(RequestHash, SeesEveryDifference) {
  const v1::SendEmailRequest base = Parse(kFull);
  const std::string hash = CanonicalRequestHash(base, false);
  std::vector<v1::SendEmailRequest> others(9, base);
  others[0].mutable_recipient()->set_email("bob@example.com");
  others[1].mutable_recipient()->clear_name();
  others[2].mutable_template_()->set_version(3);
  (*others[3].mutable_variables()->mutable_fields())["a"].set_number_value(2);
  others[4].set_lane(v1::LANE_BULK);
  others[5].mutable_send_time()->set_nanos(6);
  others[6].mutable_attachments(0)->set_content("abd");
  others[7].clear_metadata();
  *others[8].add_reply_to() = base.reply_to(0);
  for (size_t i = 0; i < others.size(); ++i) {
    EXPECT_NE(CanonicalRequestHash(others[i], false), hash) << i;
  }
  EXPECT_NE(CanonicalRequestHash(base, true), hash);
}

// The encoder knows the types below; a new type of field must be taught to it first.
TEST(RequestHash, KnowsEveryTypeOfTheRequest) {
  std::set<const google::protobuf::Descriptor*> seen;
  std::set<std::string> maps;
  std::vector<const google::protobuf::Descriptor*> open = {v1::SendEmailRequest::descriptor()};
  while (!open.empty()) {
    const auto* message = open.back();
    open.pop_back();
    if (!seen.insert(message).second) continue;
    for (int i = 0; i < message->field_count(); ++i) {
      using F = google::protobuf::FieldDescriptor;
      const F* field = message->field(i);
      const auto type = field->cpp_type();
      EXPECT_TRUE(type == F::CPPTYPE_STRING || type == F::CPPTYPE_MESSAGE ||
                  type == F::CPPTYPE_DOUBLE || type == F::CPPTYPE_BOOL || type == F::CPPTYPE_ENUM ||
                  type == F::CPPTYPE_INT32 || type == F::CPPTYPE_INT64)
          << field->full_name();
      if (type == F::CPPTYPE_MESSAGE) open.push_back(field->message_type());
      if (field->is_map()) maps.insert(field->full_name());
    }
  }
  EXPECT_THAT(maps, testing::UnorderedElementsAre("herald.v1.SendEmailRequest.headers",
                                                  "herald.v1.SendEmailRequest.metadata",
                                                  "google.protobuf.Struct.fields"));
}

}  // namespace
}  // namespace herald::acceptance

#include "server/acceptance/request_hash.h"

#include <gtest/gtest.h>

#include <random>

#include "absl/strings/escaping.h"
#include "google/protobuf/text_format.h"
#include "tests/unit/acceptance/reflected_hash.h"

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
  EXPECT_EQ(absl::BytesToHexString(CanonicalRequestHash(Parse(kFull), false, "[Test] ")),
            "fb63ca60a630366c5265966f95c6c5be9976970fbdd828723bf5df8e4a88cdcd");
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
  EXPECT_NE(CanonicalRequestHash(base, false, "[Test] "), hash);
}

// Sets each field of `message` or leaves it, at random, down to `depth` messages below it.
void Fill(google::protobuf::Message& message, int depth, std::mt19937& random) {
  using F = google::protobuf::FieldDescriptor;
  const auto& reflection = *message.GetReflection();
  const auto below = [&](int limit) {
    return static_cast<int>(random() % static_cast<unsigned>(limit));
  };
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    const F* field = message.GetDescriptor()->field(i);
    for (int count = below(field->is_repeated() ? 4 : 2); count > 0; --count) {
      const bool list = field->is_repeated();
      switch (field->cpp_type()) {
        case F::CPPTYPE_STRING: {
          const std::string text(static_cast<size_t>(below(12)),
                                 static_cast<char>('a' + below(26)));
          reflection.SetString(&message, field, text);
          break;
        }
        case F::CPPTYPE_MESSAGE:
          if (depth == 0) break;
          Fill(*(list ? reflection.AddMessage(&message, field)
                      : reflection.MutableMessage(&message, field)),
               depth - 1, random);
          break;
        case F::CPPTYPE_DOUBLE:
          reflection.SetDouble(&message, field, below(3) - 1.5);
          break;
        case F::CPPTYPE_BOOL:
          reflection.SetBool(&message, field, below(2) == 1);
          break;
        case F::CPPTYPE_ENUM:
          reflection.SetEnum(&message, field,
                             field->enum_type()->value(below(field->enum_type()->value_count())));
          break;
        case F::CPPTYPE_INT32:
          reflection.SetInt32(&message, field, below(5) - 2);
          break;
        case F::CPPTYPE_INT64:
          reflection.SetInt64(&message, field, below(5) - 2);
          break;
        default:
          FAIL() << field->full_name() << " has a type that neither encoder knows";
      }
    }
  }
}

// A field that was added to the request, and forgotten by the encoder, is found here.
TEST(RequestHash, LeavesNoFieldOut) {
  std::mt19937 random(20261122);  // NOLINT(cert-msc51-cpp): the same requests in every run
  for (int round = 0; round < 2000; ++round) {
    v1::SendEmailRequest filled, request;
    Fill(filled, 5, random);
    // As it comes from a caller: a map filled as a list may hold a key twice.
    ASSERT_TRUE(request.ParseFromString(filled.SerializeAsString()));
    ASSERT_EQ(absl::BytesToHexString(CanonicalRequestHash(request, round % 2 == 0)),
              absl::BytesToHexString(ReflectedRequestHash(request, round % 2 == 0)))
        << request.DebugString();
  }
}

TEST(RequestHash, TakesBothZeroesForEqual) {
  v1::SendEmailRequest zero, minus_zero;
  (*zero.mutable_variables()->mutable_fields())["a"].set_number_value(0.0);
  (*minus_zero.mutable_variables()->mutable_fields())["a"].set_number_value(-0.0);
  EXPECT_EQ(CanonicalRequestHash(zero, false), CanonicalRequestHash(minus_zero, false));
}

}  // namespace
}  // namespace herald::acceptance

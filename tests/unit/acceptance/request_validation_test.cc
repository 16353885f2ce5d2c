#include "server/acceptance/request_validation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "google/rpc/error_details.pb.h"
#include "server/config/limits.h"
#include "server/status/status_details.h"

namespace herald::acceptance {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'790'000'000);
const LaneLifetimes kLifetimes = {{Lane::kCritical, absl::Minutes(15)},
                                  {Lane::kTransactional, absl::Hours(24)},
                                  {Lane::kStandard, absl::Hours(48)},
                                  {Lane::kBulk, absl::Hours(72)}};

v1::SendEmailRequest Good() {
  v1::SendEmailRequest request;
  request.set_idempotency_key("order:1");
  request.mutable_recipient()->set_email("Ada@Example.com");
  request.mutable_from()->set_email("shop@example.com");
  request.mutable_inline_()->set_subject("Hello");
  request.mutable_inline_()->set_text("Body");
  return request;
}

std::vector<std::string> Fields(const v1::SendEmailRequest& request) {
  const auto checked = ValidateRequest(request, kLifetimes, kNow);
  std::vector<std::string> fields;
  if (checked.ok()) return fields;
  EXPECT_EQ(checked.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ErrorReason(checked.status()), "INVALID_REQUEST");
  google::rpc::BadRequest details;
  details.ParseFromString(
      std::string(*checked.status().GetPayload("type.googleapis.com/google.rpc.BadRequest")));
  for (const auto& violation : details.field_violations()) fields.push_back(violation.field());
  return fields;
}

TEST(RequestValidation, FillsInTheDefaults) {
  const auto checked = ValidateRequest(Good(), kLifetimes, kNow);
  ASSERT_TRUE(checked.ok()) << checked.status();
  EXPECT_EQ(checked->recipient.ToString(), "Ada@example.com");
  EXPECT_EQ(checked->lane, Lane::kTransactional);
  EXPECT_EQ(checked->category, "transactional");
  EXPECT_EQ(checked->send_time, absl::nullopt);
  EXPECT_EQ(checked->expire_time, kNow + absl::Hours(24));
}

TEST(RequestValidation, ReportsEverythingAtOnce) {
  v1::SendEmailRequest request;
  EXPECT_THAT(Fields(request),
              testing::ElementsAre("idempotency_key", "recipient.email", "from.email", "content"));
}

TEST(RequestValidation, RefusesHeaderInjectionWhereverItMayStand) {
  v1::SendEmailRequest request = Good();
  request.mutable_recipient()->set_email("a@example.com\r\nBcc: b@example.com");
  request.mutable_recipient()->set_name("a\r\nBcc: b@example.com");
  request.mutable_from()->set_name("a\nb");
  request.mutable_inline_()->set_subject("a\r\nBcc: b@example.com");
  (*request.mutable_headers())["X-A"] = "a\r\nBcc: b@example.com";
  auto* file = request.add_attachments();
  file->set_filename("a\r\n.txt");
  file->set_content("x");
  EXPECT_THAT(Fields(request), testing::UnorderedElementsAre(
                                   "recipient.email", "recipient.name", "from.name",
                                   "inline.subject", "headers[X-A]", "attachments[0].filename"));
}

TEST(RequestValidation, HoldsTheLimits) {
  struct Case {
    const char* field;
    std::function<void(v1::SendEmailRequest*)> spoil;
  };
  const std::vector<Case> cases = {
      {"idempotency_key", [](auto* r) { r->set_idempotency_key(std::string(257, 'k')); }},
      {"idempotency_key", [](auto* r) { r->set_idempotency_key("a\tb"); }},
      {"recipient.user_id",
       [](auto* r) { r->mutable_recipient()->set_user_id(std::string(129, 'u')); }},
      {"reply_to",
       [](auto* r) {
         for (int i = 0; i < 6; ++i) r->add_reply_to()->set_email("a@b.c");
       }},
      {"inline.subject", [](auto* r) { r->mutable_inline_()->set_subject(std::string(999, 's')); }},
      {"inline.subject", [](auto* r) { r->mutable_inline_()->set_subject("   "); }},
      {"inline.html",
       [](auto* r) { r->mutable_inline_()->set_html(std::string((1 << 20) + 1, 'h')); }},
      {"inline", [](auto* r) { r->mutable_inline_()->set_text(" \r\n\t"); }},
      {"inline.text", [](auto* r) { r->mutable_inline_()->set_text(std::string("a\0b", 3)); }},
      {"inline.html", [](auto* r) { r->mutable_inline_()->set_html(std::string("a\0b", 3)); }},
      {"variables",
       [](auto* r) { (*r->mutable_variables()->mutable_fields())["a"].set_bool_value(true); }},
      {"category", [](auto* r) { r->set_category("No Spaces"); }},
      {"send_time",
       [](auto* r) { r->mutable_send_time()->set_seconds(1'790'000'000 + 367 * 86400); }},
      {"expire_time", [](auto* r) { r->mutable_expire_time()->set_seconds(1'790'000'000); }},
      {"headers",
       [](auto* r) {
         for (int i = 0; i < 21; ++i) (*r->mutable_headers())[absl::StrCat("X-", i)] = "v";
       }},
      {"headers[Bcc]", [](auto* r) { (*r->mutable_headers())["Bcc"] = "v"; }},
      {"attachments",
       [](auto* r) {
         auto* a = r->add_attachments();
         a->set_filename("a");
         a->set_content(std::string(limits::kContentBytesMax + 1, 'x'));
       }},
      {"metadata", [](auto* r) { (*r->mutable_metadata())[std::string(65, 'k')] = "v"; }},
      {"lane", [](auto* r) { r->set_lane(static_cast<v1::Lane>(9)); }},
  };
  for (const Case& c : cases) {
    v1::SendEmailRequest request = Good();
    c.spoil(&request);
    EXPECT_THAT(Fields(request), testing::Contains(c.field));
  }
}

TEST(RequestValidation, RefusesVariablesNestedTooDeeply) {
  v1::SendEmailRequest request = Good();
  request.mutable_template_()->set_key("welcome");
  google::protobuf::Struct* at = request.mutable_variables();
  for (int i = 0; i < 15; ++i) at = (*at->mutable_fields())["a"].mutable_struct_value();
  EXPECT_THAT(Fields(request), testing::IsEmpty());
  for (int i = 0; i < 2; ++i) at = (*at->mutable_fields())["a"].mutable_struct_value();
  EXPECT_THAT(Fields(request), testing::ElementsAre("variables"));
}

TEST(RequestValidation, CountsTheLifetimeFromSendTime) {
  v1::SendEmailRequest request = Good();
  request.set_lane(v1::LANE_CRITICAL);
  request.mutable_send_time()->set_seconds(absl::ToUnixSeconds(kNow + absl::Hours(5)));
  auto checked = ValidateRequest(request, kLifetimes, kNow);
  ASSERT_TRUE(checked.ok());
  EXPECT_EQ(checked->send_time, kNow + absl::Hours(5));
  EXPECT_EQ(checked->expire_time, kNow + absl::Hours(5) + absl::Minutes(15));
  // A send_time that has passed means at once.
  request.mutable_send_time()->set_seconds(absl::ToUnixSeconds(kNow - absl::Hours(5)));
  checked = ValidateRequest(request, kLifetimes, kNow);
  EXPECT_EQ(checked->send_time, absl::nullopt);
  EXPECT_EQ(checked->expire_time, kNow + absl::Minutes(15));
}

}  // namespace
}  // namespace herald::acceptance

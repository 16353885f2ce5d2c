#include <gtest/gtest.h>

#include <random>

#include "providers/decoders/webhook_decoders.h"
#include "providers/diagnostic.h"
#include "tests/unit/webhook/signed_webhook.h"

namespace herald::providers {
namespace {

constexpr char kOurTags[] =
    R"({"herald_email_id":"em_0000000000001","herald_tenant_id":"tn_0000000000002"})";

std::string Body(absl::string_view type, absl::string_view more = "") {
  return absl::StrCat(R"({"type":")", type, R"(","created_at":"2021-02-25T15:02:00.500Z",)",
                      R"("data":{"email_id":"56761188-7520","tags":)", kOurTags, more, "}}");
}

absl::StatusOr<std::vector<DecodedEvent>> Decode(const std::string& body) {
  return NewWebhookDecoder("resend")->Decode(SignedWebhook(body), {kSecret}, kSignedAt);
}

DecodedEvent DecodeOne(const std::string& body) {
  const auto events = Decode(body);
  EXPECT_TRUE(events.ok()) << events.status();
  if (!events.ok() || events->size() != 1) return {};
  return events->front();
}

TEST(ResendDecoder, ReadsEveryFieldOfADelivery) {
  const DecodedEvent event = DecodeOne(Body("email.delivered"));
  EXPECT_EQ(event.provider_event_id, kMessageId);
  EXPECT_EQ(event.type, EventType::kDelivered);
  EXPECT_EQ(event.bounce_class, BounceClass::kNone);
  EXPECT_EQ(event.event_time, absl::FromUnixMillis(1614265320500));
  EXPECT_EQ(event.tenant_id, TenantId{2});
  EXPECT_EQ(event.email_id, EmailId{1});
  EXPECT_EQ(event.provider_message_id, "56761188-7520");
  EXPECT_EQ(event.provider_type, "email.delivered");
  EXPECT_EQ(event.diagnostic, "");
}

TEST(ResendDecoder, MapsEveryType) {
  const std::pair<const char*, EventType> kCases[] = {
      {"email.sent", EventType::kProviderAccepted},
      {"email.delivered", EventType::kDelivered},
      {"email.delivery_delayed", EventType::kDeferred},
      {"email.bounced", EventType::kBounced},
      {"email.complained", EventType::kComplained},
      {"email.opened", EventType::kOpened},
      {"email.clicked", EventType::kClicked},
      {"email.failed", EventType::kRejected},
      {"email.suppressed", EventType::kRejected},
      {"email.scheduled", EventType::kUnknown},
      {"contact.updated", EventType::kUnknown},
      {"domain.created", EventType::kUnknown},
      {"something.new", EventType::kUnknown}};
  for (const auto& [name, type] : kCases) {
    const DecodedEvent event = DecodeOne(Body(name));
    EXPECT_EQ(event.type, type) << name;
    EXPECT_EQ(event.provider_type, name);
  }
}

TEST(ResendDecoder, CallsOnlyAPermanentBounceHard) {
  const auto bounce_class = [](absl::string_view type) {
    return DecodeOne(Body("email.bounced", absl::StrCat(R"(,"bounce":{"type":")", type, R"("})")))
        .bounce_class;
  };
  EXPECT_EQ(bounce_class("Permanent"), BounceClass::kHard);
  EXPECT_EQ(bounce_class("Transient"), BounceClass::kSoft);
  EXPECT_EQ(bounce_class("Undetermined"), BounceClass::kSoft);
  EXPECT_EQ(DecodeOne(Body("email.bounced")).bounce_class, BounceClass::kSoft);
}

TEST(ResendDecoder, CallsAPermanentBounceSoftThatBlamesSomethingElseThanTheAddress) {
  const auto bounce_class = [](absl::string_view sub_type, absl::string_view words) {
    return DecodeOne(Body("email.bounced",
                          absl::StrCat(R"(,"bounce":{"type":"Permanent","subType":")", sub_type,
                                       R"(","diagnosticCode":["smtp; )", words, R"("]})")))
        .bounce_class;
  };
  for (absl::string_view words :
       {"550 5.1.1 <a@b.test>: unknown", "550 5.1.10 RESOLVER.ADR.RecipientNotFound",
        "550 5.1.2 no such domain", "501 5.1.3 syntax", "551 5.1.6 moved", "550 5.0.0 no",
        "550 no such user", "550-5.1.1 gone 550 5.7.1 see policy", "550 from 192.5.7.1",
        "550 5.7.1.9 is no code"}) {
    EXPECT_EQ(bounce_class("General", words), BounceClass::kHard) << words;
  }
  for (absl::string_view words :
       {"550-5.7.26 This mail is unauthenticated", "554 5.7.1 blocked.", "552 5.2.2 over quota",
        "552 5.2.3 too large", "550 5.2.1 disabled", "554 5.3.0 unavailable", "550 5.4.4 no route",
        "550 5.5.0 sequence", "554 (5.6.0) bad content", "550 5.1.0 rejected",
        "553 5.1.8 sender's domain not found", "#5.7.1 smtp;550", "451 4.4.2 gave up"}) {
    EXPECT_EQ(bounce_class("General", words), BounceClass::kSoft) << words;
  }
  EXPECT_EQ(bounce_class("NoEmail", "550"), BounceClass::kHard);
  EXPECT_EQ(bounce_class("Suppressed", ""), BounceClass::kHard);
  for (absl::string_view sub_type :
       {"MailboxFull", "MessageTooLarge", "ContentRejected", "AttachmentRejected"}) {
    EXPECT_EQ(bounce_class(sub_type, "550"), BounceClass::kSoft) << sub_type;
  }
}

TEST(ResendDecoder, TakesTheCodeFromTheMessageWhereThereIsNoOther) {
  EXPECT_EQ(DecodeOne(Body("email.bounced", R"(,"bounce":{"type":"Permanent",)"
                                            R"("message":"refused: 550 5.7.26 no DKIM"})"))
                .bounce_class,
            BounceClass::kSoft);
}

TEST(ResendDecoder, KeepsTheReasonWithoutAddresses) {
  EXPECT_EQ(DecodeOne(Body("email.bounced", R"(,"bounce":{"type":"Permanent","subType":"NoEmail",)"
                                            R"("message":"ignored","diagnosticCode":)"
                                            R"(["smtp; 550 5.1.1 <jane@example.com>: unknown"]})"))
                .diagnostic,
            "NoEmail: smtp; 550 5.1.1 <[address]>: unknown");
  EXPECT_EQ(
      DecodeOne(Body("email.failed", R"(,"failed":{"reason":"reached_daily_quota"})")).diagnostic,
      "reached_daily_quota");
  EXPECT_EQ(DecodeOne(Body("email.suppressed",
                           R"(,"suppressed":{"reason":"previous_bounce","message":"listed"})"))
                .diagnostic,
            "previous_bounce: listed");
}

TEST(ResendDecoder, TakesNowForATimeItCannotBelieve) {
  for (absl::string_view time : {"", "yesterday", "infinite-future", "9999-12-31T00:00:00Z",
                                 "0001-01-01T00:00:00Z", "2021-02-30T00:00:00Z"}) {
    EXPECT_EQ(
        DecodeOne(absl::StrCat(R"({"type":"email.sent","created_at":")", time, "\"}")).event_time,
        kSignedAt)
        << time;
  }
}

TEST(ResendDecoder, ReadsTheOlderFormOfTime) {
  EXPECT_EQ(
      DecodeOne(R"({"type":"email.sent","created_at":"2021-02-25 15:02:00.5+00"})").event_time,
      absl::FromUnixMillis(1614265320500));
}

TEST(ResendDecoder, LeavesForeignTagsOut) {
  const DecodedEvent event = DecodeOne(
      R"({"type":"email.sent","data":{"tags":{"herald_email_id":"em_x","herald_tenant_id":7}}})");
  EXPECT_FALSE(event.email_id.has_value());
  EXPECT_FALSE(event.tenant_id.has_value());
}

TEST(ResendDecoder, RefusesAForgedEvent) {
  const auto events = NewWebhookDecoder("resend")->Decode(
      SignedWebhook(Body("email.sent"), kOtherSecret), {kSecret}, kSignedAt);
  EXPECT_EQ(events.status().code(), absl::StatusCode::kUnauthenticated);
}

TEST(ResendDecoder, CallsAVerifiedButUnreadableBodyInvalid) {
  const std::string deep(100000, '[');
  const std::string deep_objects = [] {
    std::string text = R"({"type":"email.sent","data":)";
    for (int i = 0; i < 1000; ++i) text += R"({"a":)";
    return text + "1" + std::string(1001, '}');
  }();
  for (const std::string& body :
       {std::string(), std::string("null"), std::string("[]"), std::string("\"x\""),
        std::string("{"), std::string("{}"), std::string(R"({"type":7})"),
        std::string(R"({"type":""})"), std::string(R"({"type":"email.sent"} x)"),
        std::string("{\"type\":\"email.\xff\"}"), std::string("\0", 1), deep, deep_objects}) {
    EXPECT_EQ(Decode(body).status().code(), absl::StatusCode::kInvalidArgument)
        << body.substr(0, 60);
  }
}

TEST(ResendDecoder, CallsAnIdThatCannotBeStoredInvalid) {
  for (const std::string& id : {std::string("msg\xff"), std::string("msg\x01"), std::string("a b"),
                                std::string(257, 'x')}) {
    const auto events = NewWebhookDecoder("resend")->Decode(
        SignedWebhook(Body("email.sent"), kSecret, kSignedAt, id), {kSecret}, kSignedAt);
    EXPECT_EQ(events.status().code(), absl::StatusCode::kInvalidArgument) << id;
  }
}

TEST(ResendDecoder, TakesMembersOfAnyKindInStride) {
  for (absl::string_view value : {"null", "1", "-1.5e300", "true", "[]", "[[1]]", "\"x\"", "{}",
                                  R"({"type":{},"diagnosticCode":{},"message":[]})"}) {
    for (absl::string_view key : {"created_at", "data", "x"}) {
      EXPECT_TRUE(
          Decode(absl::StrCat(R"({"type":"email.bounced",")", key, "\":", value, "}")).ok());
    }
    for (absl::string_view key : {"tags", "bounce", "email_id", "suppressed", "failed"}) {
      EXPECT_TRUE(
          Decode(absl::StrCat(R"({"type":"email.bounced","data":{")", key, "\":", value, "}}"))
              .ok());
    }
  }
}

TEST(ResendDecoder, KeepsToTheLimitsOfTheRpc) {
  const std::string longest(5000, 'x');
  const DecodedEvent event =
      DecodeOne(absl::StrCat(R"({"type":")", longest, R"(","data":{"email_id":")", longest,
                             R"(","failed":{"reason":")", longest, "\\u0000\"}}}"));
  EXPECT_EQ(event.provider_type.size(), 128u);
  EXPECT_EQ(event.provider_message_id.size(), 256u);
  EXPECT_EQ(event.diagnostic.size(), 500u);
}

TEST(ResendDecoder, SurvivesGarbage) {
  std::mt19937 random(20240501);
  const std::string seed = Body(
      "email.bounced", R"(,"bounce":{"type":"Permanent","diagnosticCode":["550 <a@b.test>"]})");
  int readable = 0;
  for (int round = 0; round < 3000; ++round) {
    std::string body = seed;
    for (size_t edits = 1 + random() % 6; edits > 0; --edits) {
      const size_t at = random() % body.size();
      if (random() % 3 == 0) {
        body.erase(at, 1 + random() % 4);
      } else {
        body[at] = static_cast<char>(random());
      }
    }
    const auto events = Decode(body);
    if (events.ok()) {
      ++readable;
    } else {
      EXPECT_EQ(events.status().code(), absl::StatusCode::kInvalidArgument);
    }
  }
  EXPECT_GT(readable, 0);
}

TEST(WebhookDecoders, KnowTheirTypes) {
  for (const std::string& type : WebhookProviderTypes()) {
    EXPECT_NE(NewWebhookDecoder(type), nullptr) << type;
    EXPECT_TRUE(CheckWebhookSecret(type, kSecret).ok()) << type;
    EXPECT_FALSE(CheckWebhookSecret(type, "short").ok()) << type;
  }
  EXPECT_EQ(NewWebhookDecoder("pigeon"), nullptr);
}

TEST(Diagnostic, MasksAddressesInAllTheirForms) {
  const std::pair<const char*, const char*> kCases[] = {
      {"550 5.1.1 user@example.com unknown", "550 5.1.1 [address] unknown"},
      {"<user@example.com>", "<[address]>"},
      {"a@b.c,d@e.f;g@h.i", "[address],[address];[address]"},
      {"\"jane doe\"@example.com gone", "[address] gone"},
      {"user@[192.0.2.1] gone", "[address] gone"},
      {"bounce+user=example.com@relay.test", "[address]"},
      {"@", "[address]"},
      {"\"@\"@\"@", "[address][address][address]"},
      {"mailto:user@example.com", "mailto:[address]"},
      {"no address", "no address"}};
  for (const auto& [text, masked] : kCases) {
    EXPECT_EQ(MaskedDiagnostic(text, 500), masked) << text;
  }
}

TEST(Diagnostic, CutsBetweenCharacters) {
  EXPECT_EQ(CleanText("abc\xc3\xa4", 4), "abc");
  EXPECT_EQ(CleanText("abc\xc3\xa4", 5), "abc\xc3\xa4");
  EXPECT_EQ(CleanText("\ra\nb\t", 500), "a b");
}

}  // namespace
}  // namespace herald::providers

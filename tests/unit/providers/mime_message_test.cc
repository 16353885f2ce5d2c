#include "providers/sandbox/mime_message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/providers/send_answer.h"

namespace herald::providers {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const absl::Time kDate = absl::FromUnixSeconds(1790000000);

TEST(MimeMessage, CarriesHeadersAndBothTexts) {
  const std::string mime = BuildMimeMessage(ExampleMessage(), kDate);
  EXPECT_THAT(mime, HasSubstr("From: \"Example, Orders\" <orders@example.com>\r\n"));
  EXPECT_THAT(mime, HasSubstr("<delivered@sandbox.herald.test>\r\n"));
  EXPECT_THAT(mime, HasSubstr("Reply-To: help@example.com\r\n"));
  EXPECT_THAT(mime, HasSubstr("Subject: Your order =?"));
  EXPECT_THAT(mime, HasSubstr("Date: Mon, 21 Sep 2026 14:13:20 +0000\r\n"));
  EXPECT_THAT(mime, HasSubstr("Message-Id: <em_0d3v7q9k2x5ab@sandbox.herald.test>\r\n"));
  EXPECT_THAT(mime, HasSubstr("X-Order: order_123\r\n"));
  EXPECT_THAT(mime, HasSubstr("Content-Type: multipart/alternative;"));
  EXPECT_THAT(mime, HasSubstr("Content-Type: text/plain; charset=utf-8\r\n"));
  EXPECT_THAT(mime, HasSubstr("\r\n\r\nThank you, Zo=C3=AB\r\n"));
  EXPECT_THAT(mime, HasSubstr("\r\n\r\n<p>Thank you, Zo=C3=AB</p>\r\n"));
}

TEST(MimeMessage, KeepsALongHeaderInAsciiAsItIs) {
  OutboundMessage message = ExampleMessage();
  const std::string link = "<https://mail.example.com/u/" + std::string(200, 'x') + ">";
  message.headers = {{"List-Unsubscribe", link}};
  EXPECT_THAT(BuildMimeMessage(message, kDate), HasSubstr("List-Unsubscribe: " + link + "\r\n"));
}

TEST(MimeMessage, HasOnePartForATextAlone) {
  OutboundMessage message = ExampleMessage();
  message.html.clear();
  EXPECT_THAT(BuildMimeMessage(message, kDate), Not(HasSubstr("multipart")));
}

TEST(MimeMessage, KeepsAttachmentsAndInlineImagesApart) {
  OutboundMessage message = ExampleMessage();
  message.attachments = {{"Rechnung ä.pdf", "application/pdf", std::string("\0\x01hi", 4), ""},
                         {"logo.png", "image/png", "png", "logo"}};
  const std::string mime = BuildMimeMessage(message, kDate);
  EXPECT_THAT(mime, HasSubstr("Content-Type: multipart/mixed;"));
  EXPECT_THAT(mime, HasSubstr("Content-Type: multipart/related;"));
  EXPECT_THAT(mime, HasSubstr("Content-Disposition: attachment;"));
  EXPECT_THAT(mime, HasSubstr("Content-Disposition: inline; filename=logo.png"));
  EXPECT_THAT(mime, HasSubstr("Content-Id: <logo>\r\n"));
  EXPECT_THAT(mime, HasSubstr("\r\n\r\nAAFoaQ==\r\n"));
}

TEST(MimeMessage, IsEqualForEqualMessages) {
  EXPECT_EQ(BuildMimeMessage(ExampleMessage(), kDate), BuildMimeMessage(ExampleMessage(), kDate));
}

}  // namespace
}  // namespace herald::providers

#include "server/acceptance/header_rules.h"

#include <gtest/gtest.h>

namespace herald::acceptance {
namespace {

TEST(HeaderRules, TakesTheAllowList) {
  for (const char* name : {"List-Id", "LIST-UNSUBSCRIBE", "list-unsubscribe-post", "In-Reply-To",
                           "References", "X-Campaign", "x-a_b"}) {
    EXPECT_TRUE(CheckHeader(name, "value").ok()) << name;
  }
}

TEST(HeaderRules, RefusesWhatIsNotTheCallersToSet) {
  for (const char* name : {"From", "to", "Subject", "Date", "Message-ID", "MIME-Version",
                           "Content-Type", "DKIM-Signature", "Received", "Return-Path", "Bcc",
                           "X-Herald-Email", "", "X Y", "X:Y", "X\r\nBcc", "List-Id\n"}) {
    EXPECT_FALSE(CheckHeader(name, "value").ok()) << name;
  }
}

TEST(HeaderRules, LetsNoValueBeginAnotherHeader) {
  for (const std::string& value :
       {std::string("a\r\nBcc: b@example.com"), std::string("a\nb"), std::string("a\rb"),
        std::string("a\0b", 3), std::string("caf\xc3\xa9"), std::string(996, 'a')}) {
    EXPECT_FALSE(CheckHeader("X-A", value).ok());
  }
  EXPECT_TRUE(CheckHeader("X-A", std::string(995, 'a')).ok());
  EXPECT_TRUE(HasControlCharacter("a\x7f"));
  EXPECT_FALSE(HasControlCharacter("Zoë"));
}

}  // namespace
}  // namespace herald::acceptance

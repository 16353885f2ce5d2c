#include "model/address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace herald {
namespace {

std::string Parsed(absl::string_view text) {
  absl::StatusOr<Address> address = ParseAddress(text);
  return address.ok() ? address->ToString() : std::string(address.status().message());
}

TEST(Address, KeepsTheLocalPartAndLowersTheDomain) {
  EXPECT_EQ(Parsed("Ada.Lovelace+x@Example.COM."), "Ada.Lovelace+x@example.com");
  EXPECT_EQ(ParseAddress("Ada@Example.com")->Normalised(), "ada@example.com");
}

TEST(Address, ConvertsInternationalDomains) {
  EXPECT_EQ(Parsed("a@bücher.example"), "a@xn--bcher-kva.example");
  EXPECT_EQ(Parsed("a@BÜCHER.example"), "a@xn--bcher-kva.example");
}

TEST(Address, RefusesWhatNoProviderTakes) {
  for (absl::string_view bad :
       {"", "a", "@example.com", "a@", "a@localhost", "a b@example.com", ".a@example.com",
        "a..b@example.com", "a@exa mple.com", "a@-x.com", "a@x..com", "\"a b\"@example.com",
        "ä@example.com", "a@example.com\r\nBcc: b@example.com", "a@b@example.com", "<a@b.c>"}) {
    EXPECT_EQ(ParseAddress(bad).status().code(), absl::StatusCode::kInvalidArgument) << bad;
  }
  EXPECT_FALSE(ParseAddress(absl::string_view("a@example.com\0.evil.com", 23)).ok());
}

TEST(Address, RefusesWhatIsLeftOfARedactedOne) {
  for (absl::string_view redacted : {"a***@example.com", "***@example.com"}) {
    EXPECT_EQ(ParseAddress(redacted).status().message(),
              "the address is redacted; read or export it in full")
        << redacted;
  }
  EXPECT_EQ(Parsed("ab***@example.com"), "ab***@example.com");
  EXPECT_EQ(Parsed("a**@example.com"), "a**@example.com");
}

TEST(Address, HoldsTheLimitsOfRfc5321) {
  EXPECT_TRUE(ParseAddress(std::string(64, 'a') + "@example.com").ok());
  EXPECT_FALSE(ParseAddress(std::string(65, 'a') + "@example.com").ok());
  const std::string label(60, 'd');
  EXPECT_FALSE(ParseAddress("abcdefghijk@" + label + "." + label + "." + label + "." + label).ok());
}

TEST(Address, NeverRepeatsTheAddressInAnError) {
  EXPECT_THAT(Parsed("secret person@example.com"), testing::Not(testing::HasSubstr("secret")));
}

}  // namespace
}  // namespace herald

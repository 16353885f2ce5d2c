#include "providers/resend/json_text.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

namespace herald::providers {
namespace {

std::string Ours(const std::string& text) {
  std::string out = "x";
  AppendJsonText(&out, text);
  return out.substr(1);
}

std::string Theirs(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

TEST(JsonText, IsWhatTheLibraryWrites) {
  for (const std::string& text :
       {std::string(), std::string("plain"), std::string("a \"quoted\" \\ word"),
        std::string("line\r\nbreak\ttab\b\f"), std::string("\0nul\x1f\x7f", 6),
        std::string("Zoë – 你好 🎉"), std::string("cut \xc3"), std::string("\xff\xfe bad"),
        std::string("\xed\xa0\x80 surrogate"), std::string("<a href=\"x\">é</a>")}) {
    EXPECT_EQ(Ours(text), Theirs(text));
  }
}

TEST(JsonText, IsWhatTheLibraryWritesOfRandomBytes) {
  std::mt19937 random(20261122);
  for (int round = 0; round < 20000; ++round) {
    std::string text;
    for (auto i = random() % 24; i > 0; --i) {
      text += static_cast<char>(random() % 3 == 0 ? random() % 256 : 0x80 + random() % 0x80);
    }
    ASSERT_EQ(Ours(text), Theirs(text)) << round;
  }
}

TEST(JsonText, IsWhatTheLibraryWritesOfWordsAndMarkup) {
  constexpr char kBytes[] = "abcdefghijklmnopqrstuvwxyz  <>=/~\x7f\"\"\\\n\t\x01\x1f\xc3";
  std::mt19937 random(20261123);
  for (int round = 0; round < 20000; ++round) {
    std::string text;
    for (auto i = random() % 64; i > 0; --i) text += kBytes[random() % (sizeof(kBytes) - 1)];
    ASSERT_EQ(Ours(text), Theirs(text)) << round;
  }
  for (int byte = 0; byte < 256; ++byte) {
    for (size_t place = 0; place < 17; ++place) {
      std::string text(17, 'x');
      text[place] = static_cast<char>(byte);
      ASSERT_EQ(Ours(text), Theirs(text)) << byte << " at " << place;
    }
  }
}

}  // namespace
}  // namespace herald::providers

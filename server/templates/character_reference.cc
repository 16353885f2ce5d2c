#include "server/templates/character_reference.h"

#include <gumbo.h>

#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace herald::templates {
namespace {

// "&CounterClockwiseContourIntegral;" is the longest one.
constexpr size_t kReferenceBytesMax = 33;

void AppendUtf8(uint32_t code, std::string& out) {
  const auto tail = [&](int shift) {
    out.push_back(static_cast<char>(0x80 | ((code >> shift) & 0x3F)));
  };
  if (code < 0x80) {
    out.push_back(static_cast<char>(code));
  } else if (code < 0x800) {
    out.push_back(static_cast<char>(0xC0 | (code >> 6)));
    tail(0);
  } else if (code < 0x10000) {
    out.push_back(static_cast<char>(0xE0 | (code >> 12)));
    tail(6), tail(0);
  } else {
    out.push_back(static_cast<char>(0xF0 | (code >> 18)));
    tail(12), tail(6), tail(0);
  }
}

// Digits of "&#39;" or "&#x27;". False for what is no number, and for the range in which HTML
// substitutes the characters of windows-1252.
bool AppendNumeric(absl::string_view digits, std::string& out) {
  uint32_t code = 0;
  const bool hex = !digits.empty() && (digits[0] == 'x' || digits[0] == 'X');
  if (hex ? !absl::SimpleHexAtoi(digits.substr(1), &code) : !absl::SimpleAtoi(digits, &code)) {
    return false;
  }
  if (code >= 0x80 && code < 0xA0) return false;
  const bool surrogate = code >= 0xD800 && code < 0xE000;
  AppendUtf8(code == 0 || surrogate || code > 0x10FFFF ? 0xFFFD : code, out);
  return true;
}

// The references that fill real emails, above all our own escaping.
absl::string_view Usual(absl::string_view name) {
  if (name == "amp") return "&";
  if (name == "lt") return "<";
  if (name == "gt") return ">";
  if (name == "quot") return "\"";
  if (name == "nbsp") return "\u00A0";
  if (name == "apos") return "'";
  if (name == "copy") return "\u00A9";
  if (name == "zwnj") return "\u200C";
  return {};
}

// Asks gumbo, which knows the 2231 names. Its input is one reference, so its cost is constant.
std::string LookUp(absl::string_view reference) {
  const std::string document = absl::StrCat("<body>", reference);
  GumboOutput* output =
      gumbo_parse_with_options(&kGumboDefaultOptions, document.data(), document.size());
  std::string decoded(reference);
  const GumboVector& html = output->root->v.element.children;
  if (html.length == 2) {
    const GumboVector& body = static_cast<const GumboNode*>(html.data[1])->v.element.children;
    if (body.length == 1) {
      const auto* node = static_cast<const GumboNode*>(body.data[0]);
      if (node->type == GUMBO_NODE_TEXT) decoded = node->v.text.text;
    }
  }
  gumbo_destroy_output(&kGumboDefaultOptions, output);
  return decoded;
}

bool IsReference(absl::string_view name) {
  for (const char c : name) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c)) && c != '#') return false;
  }
  return !name.empty();
}

}  // namespace

void CharacterReferences::AppendOne(absl::string_view reference, std::string& out) {
  const absl::string_view name = reference.substr(1, reference.size() - 2);
  if (name[0] == '#' && AppendNumeric(name.substr(1), out)) return;
  absl::string_view decoded = Usual(name);
  if (decoded.empty()) {
    auto found = looked_up_.find(reference);
    if (found == looked_up_.end() && looked_up_.size() < kLookupsMax) {
      found = looked_up_.emplace(reference, LookUp(reference)).first;
    }
    decoded = found == looked_up_.end() ? reference : absl::string_view(found->second);
  }
  out.append(decoded.data(), decoded.size());
}

void CharacterReferences::AppendDecoded(absl::string_view text, std::string& out) {
  while (!text.empty()) {
    const size_t ampersand = std::min(text.find('&'), text.size());
    out.append(text.data(), ampersand);
    text.remove_prefix(ampersand);
    if (text.empty()) return;
    const size_t semicolon = text.substr(0, kReferenceBytesMax).find(';');
    if (semicolon == absl::string_view::npos || !IsReference(text.substr(1, semicolon - 1))) {
      out.push_back('&');
      text.remove_prefix(1);
      continue;
    }
    AppendOne(text.substr(0, semicolon + 1), out);
    text.remove_prefix(semicolon + 1);
  }
}

}  // namespace herald::templates

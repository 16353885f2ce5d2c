#include "server/templates/text_flow.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

#include "absl/strings/match.h"

namespace herald::templates {
namespace {

constexpr int kIndentDepthMax = 8;

// False for white space, controls, and the lead bytes of characters with a meaning of their own.
constexpr std::array<bool, 256> PlainBytes() {
  std::array<bool, 256> plain = {};
  for (size_t byte = 0x21; byte < plain.size(); ++byte) {
    plain[byte] = byte != 0x7F && byte != 0xC2 && byte != 0xCD && byte != 0xE2 && byte != 0xEF;
  }
  return plain;
}

constexpr std::array<bool, 256> kPlain = PlainBytes();

bool IsPlain(char c) { return kPlain[static_cast<unsigned char>(c)]; }

constexpr uint64_t EightOf(unsigned char byte) { return byte * uint64_t{0x0101010101010101}; }

// The high bit of every byte that is 0, and perhaps of a byte 1 beside one.
uint64_t ZeroBytes(uint64_t eight) { return (eight - EightOf(1)) & ~eight & EightOf(0x80); }

// Whether the eight bytes at `at` are plain ASCII and spaces, no two of these side by side; at
// times false where they are. Most of a text is read this way, eight bytes in the time of two.
bool AreWords(const char* at) {
  uint64_t eight = 0;
  std::memcpy(&eight, at, sizeof eight);
  const uint64_t controls = (eight - EightOf(0x20)) & ~eight;
  const uint64_t deletes = ZeroBytes(eight ^ EightOf(0x7F));
  const uint64_t spaces = ZeroBytes(eight ^ EightOf(' '));
  return ((eight | controls | deletes) & EightOf(0x80)) == 0 && (spaces & (spaces >> 8)) == 0;
}

// Behind the words at `begin`, which single spaces part: those stay, preformatted or not.
size_t EndOfWords(absl::string_view text, size_t begin) {
  size_t end = begin;
  while (end < text.size() && IsPlain(text[end])) {
    do ++end;
    while (end < text.size() && IsPlain(text[end]));
    // Behind a plain byte, so that a space that comes first is a single one.
    while (end + 8 < text.size() && AreWords(text.data() + end)) {
      end += text[end + 7] == ' ' ? 7 : 8;
    }
    if (end + 1 < text.size() && text[end] == ' ' && IsPlain(text[end + 1])) ++end;
  }
  return end;
}

}  // namespace

void TextFlow::Text(absl::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const size_t end = EndOfWords(text, i);
    if (end > i) {
      Flush();
      out_.append(text.data() + i, end - i);
      i = end;
    } else {
      i += Special(text, i);
    }
  }
}

size_t TextFlow::Special(absl::string_view text, size_t i) {
  const auto byte = static_cast<unsigned char>(text[i]);
  if (byte <= 0x20 || byte == 0x7F) {
    Space(text[i]);
    return 1;
  }
  const absl::string_view rest = text.substr(i, 3);
  if (absl::StartsWith(rest, "\u00A0")) {
    Space(' ');
    return 2;
  }
  if (absl::StartsWith(rest, "\u00AD") || absl::StartsWith(rest, "\u034F")) return 2;
  if (rest == "\u200B" || rest == "\uFEFF") return 3;
  // Preview texts are padded with pairs of no-break space and zero-width non-joiner.
  if (rest == "\u200C" && space_pending_) return 3;
  Flush();
  out_.push_back(text[i]);
  return 1;
}

void TextFlow::Space(char c) {
  if (!preformatted_) {
    space_pending_ = true;
  } else if (c == '\n') {
    LineBreak();
  } else if (c == ' ' || c == '\t') {
    Flush();
    out_.push_back(c);
  }
}

void TextFlow::Break(int lines) {
  lines_pending_ = std::max(lines_pending_, lines);
  space_pending_ = false;
  cell_pending_ = false;
}

void TextFlow::LineBreak() { Break(std::min(lines_pending_ + 1, 2)); }

void TextFlow::Item(std::string marker) {
  Break(1);
  marker_ = std::move(marker);
}

void TextFlow::CloseList() {
  list_depth_ = std::max(list_depth_ - 1, 0);
  marker_.clear();
}

void TextFlow::Flush() {
  if (out_.empty() || lines_pending_ > 0) {
    StartLine();
  } else if (cell_pending_) {
    out_ += " | ";
  } else if (space_pending_) {
    out_.push_back(' ');
  }
  lines_pending_ = 0;
  space_pending_ = false;
  cell_pending_ = false;
  if (mark_pending_) mark_ = out_.size();
  mark_pending_ = false;
}

void TextFlow::StartLine() {
  if (!out_.empty()) out_.append(static_cast<size_t>(lines_pending_), '\n');
  const int depth = std::min(marker_.empty() ? list_depth_ : list_depth_ - 1, kIndentDepthMax);
  out_.append(2 * static_cast<size_t>(std::max(depth, 0)), ' ');
  out_ += marker_;
  marker_.clear();
}

absl::string_view TextFlow::SinceMark() const {
  return mark_pending_ ? absl::string_view() : absl::string_view(out_).substr(mark_);
}

void TextFlow::AppendToLine(std::initializer_list<absl::string_view> pieces) {
  for (const absl::string_view piece : pieces) out_.append(piece.data(), piece.size());
}

}  // namespace herald::templates

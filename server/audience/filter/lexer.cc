#include "server/audience/filter/lexer.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace herald::audience {
namespace {

using Kind = FilterToken::Kind;

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

bool IsWord(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.' || c == '+' ||
         c == '-' || c == '/';
}

class Lexer {
 public:
  explicit Lexer(absl::string_view filter) : filter_(filter) {}

  absl::StatusOr<std::vector<FilterToken>> Run() {
    std::vector<FilterToken> tokens;
    while (true) {
      while (at_ < filter_.size() && IsSpace(filter_[at_])) ++at_;
      if (at_ == filter_.size()) break;
      absl::StatusOr<FilterToken> token = Next();
      if (!token.ok()) return token.status();
      tokens.push_back(*std::move(token));
    }
    tokens.push_back({Kind::kEnd, "", at_});
    return tokens;
  }

 private:
  absl::StatusOr<FilterToken> Next() {
    const char c = filter_[at_];
    if (IsWord(c)) return Word();
    if (c == '"' || c == '\'') return Quoted(c);
    switch (c) {
      case '(':
        return Take(Kind::kOpen, 1);
      case ')':
        return Take(Kind::kClose, 1);
      case '*':
        return Take(Kind::kStar, 1);
      case ':':
      case '=':
        return Take(Kind::kOperator, 1);
      case '<':
      case '>':
        return Take(Kind::kOperator, FollowedByEquals() ? 2 : 1);
      case '!':
        if (FollowedByEquals()) return Take(Kind::kOperator, 2);
        return FilterError(filter_, at_, "expected = after !");
      default:
        return FilterError(filter_, at_, "unexpected character; put values in double quotes");
    }
  }

  bool FollowedByEquals() const { return at_ + 1 < filter_.size() && filter_[at_ + 1] == '='; }

  FilterToken Take(Kind kind, size_t bytes) {
    FilterToken token{kind, std::string(filter_.substr(at_, bytes)), at_};
    at_ += bytes;
    return token;
  }

  FilterToken Word() {
    size_t end = at_;
    while (end < filter_.size() && IsWord(filter_[end])) ++end;
    return Take(Kind::kWord, end - at_);
  }

  // A backslash keeps the meaning of a quote or a backslash from it.
  absl::StatusOr<FilterToken> Quoted(char quote) {
    FilterToken token{Kind::kString, "", at_};
    for (++at_; at_ < filter_.size(); ++at_) {
      char c = filter_[at_];
      if (c == quote) {
        ++at_;
        return token;
      }
      if (c == '\\') {
        if (++at_ == filter_.size()) break;
        c = filter_[at_];
        if (c != '\\' && c != '"' && c != '\'') {
          return FilterError(filter_, at_, "only \\\\, \\\" and \\' may follow a backslash");
        }
      }
      if (c == '\0') return FilterError(filter_, at_, "a value has a NUL");
      token.text.push_back(c);
    }
    return FilterError(filter_, token.offset, "the quote is not closed");
  }

  const absl::string_view filter_;
  size_t at_ = 0;
};

}  // namespace

absl::StatusOr<std::vector<FilterToken>> TokenizeFilter(absl::string_view filter) {
  return Lexer(filter).Run();
}

absl::Status FilterError(absl::string_view filter, size_t offset, absl::string_view what) {
  const absl::string_view before = filter.substr(0, std::min(offset, filter.size()));
  const auto characters = std::count_if(before.begin(), before.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  });
  return absl::InvalidArgumentError(absl::StrCat("at character ", characters + 1, ": ", what));
}

}  // namespace herald::audience

#include "server/audience/filter/parser.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/audience/filter/filter_limits.h"
#include "server/audience/filter/lexer.h"
#include "server/audience/filter/term.h"

namespace herald::audience {
namespace {

using storage::FilterNode;
using Node = absl::StatusOr<FilterNode>;
using TokenKind = FilterToken::Kind;

// expression = factor { AND factor } | factor { OR factor }
// factor     = NOT factor | "(" expression ")" | field comparison value
class Parser {
 public:
  Parser(absl::string_view filter, const std::vector<FilterToken>& tokens)
      : filter_(filter), tokens_(tokens) {}

  Node Run() {
    Node node = Expression(0);
    if (!node.ok()) return node;
    if (Peek().kind != TokenKind::kEnd) {
      return Error(Peek().kind == TokenKind::kClose ? "there is no ( for this )"
                                                    : "expected AND, OR or the end");
    }
    return node;
  }

 private:
  const FilterToken& Peek() const { return tokens_[at_]; }
  bool AtWord(absl::string_view word) const {
    return Peek().kind == TokenKind::kWord && Peek().text == word;
  }
  absl::Status Error(absl::string_view what) const {
    return FilterError(filter_, Peek().offset, what);
  }

  Node Expression(int depth) {
    Node first = Factor(depth);
    if (!first.ok() || (!AtWord("AND") && !AtWord("OR"))) return first;
    const std::string joint = Peek().text;
    FilterNode joined;
    joined.kind = joint == "AND" ? FilterNode::Kind::kAnd : FilterNode::Kind::kOr;
    joined.operands.push_back(*std::move(first));
    while (AtWord("AND") || AtWord("OR")) {
      // Some read AND first, others OR: nobody shall mail the wrong people over it.
      if (Peek().text != joint) return Error("AND and OR are mixed; say with ( ) what is meant");
      ++at_;
      Node next = Factor(depth);
      if (!next.ok()) return next;
      joined.operands.push_back(*std::move(next));
    }
    return joined;
  }

  Node Factor(int depth) {
    if (depth > kFilterDepthMax) {
      return Error(absl::StrCat("more than ", kFilterDepthMax, " levels of ( and NOT"));
    }
    if (AtWord("NOT")) {
      ++at_;
      Node operand = Factor(depth + 1);
      if (!operand.ok()) return operand;
      FilterNode node;
      node.kind = FilterNode::Kind::kNot;
      node.operands.push_back(*std::move(operand));
      return node;
    }
    if (Peek().kind == TokenKind::kOpen) {
      ++at_;
      Node inner = Expression(depth + 1);
      if (!inner.ok()) return inner;
      if (Peek().kind != TokenKind::kClose) return Error("expected AND, OR or )");
      ++at_;
      return inner;
    }
    return Term();
  }

  Node Term() {
    if (Peek().kind != TokenKind::kWord || AtWord("AND") || AtWord("OR")) {
      return Error("expected a field, NOT or (");
    }
    if (++terms_ > kFilterTermsMax) {
      return Error(absl::StrCat("more than ", kFilterTermsMax, " comparisons"));
    }
    const FilterToken& field = tokens_[at_++];
    if (Peek().kind != TokenKind::kOperator) {
      return Error("expected one of : = != < <= > >= after the field");
    }
    const FilterToken& comparison = tokens_[at_++];
    if (Peek().kind != TokenKind::kWord && Peek().kind != TokenKind::kString &&
        Peek().kind != TokenKind::kStar) {
      return Error("expected a value");
    }
    const FilterToken& value = tokens_[at_++];
    return MakeTerm(filter_, field, comparison, value);
  }

  const absl::string_view filter_;
  const std::vector<FilterToken>& tokens_;
  size_t at_ = 0;  // below the kEnd token, or at it
  int terms_ = 0;
};

}  // namespace

Node ParseFilter(absl::string_view filter) {
  if (filter.size() > kFilterBytesMax) {
    return absl::InvalidArgumentError(absl::StrCat("is longer than ", kFilterBytesMax, " bytes"));
  }
  const absl::StatusOr<std::vector<FilterToken>> tokens = TokenizeFilter(filter);
  if (!tokens.ok()) return tokens.status();
  if (tokens->size() == 1) return FilterNode{};
  return Parser(filter, *tokens).Run();
}

}  // namespace herald::audience

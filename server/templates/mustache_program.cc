#include "server/templates/mustache_program.h"

#include <optional>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "server/templates/mustache_tag.h"

namespace herald::templates {
namespace {

class Parser {
 public:
  Parser(absl::string_view source, const RenderLimits& limits) : source_(source), limits_(limits) {}

  absl::StatusOr<MustacheProgram> Parse() {
    size_t position = 0;
    for (;;) {
      absl::StatusOr<std::optional<Tag>> next = NextTag(source_, position);
      if (!next.ok()) return next.status();
      if (!next->has_value()) break;
      const Tag& tag = **next;
      AddLiteral(position, tag.text_end);
      if (absl::Status s = AddTag(tag); !s.ok()) return s;
      position = tag.resume;
    }
    AddLiteral(position, source_.size());
    if (!open_.empty()) {
      const Tag& tag = open_.back().tag;
      return SyntaxError(source_, tag.begin,
                         absl::StrCat("section \"", tag.name, "\" is never closed"));
    }
    return std::move(program_);
  }

 private:
  struct OpenSection {
    Tag tag;
    uint32_t instruction;
  };

  void Emit(Op op, uint32_t first, uint32_t second) {
    program_.instructions.push_back({op, first, second});
  }

  uint32_t Here() const { return static_cast<uint32_t>(program_.instructions.size()); }

  void AddLiteral(size_t begin, size_t end) {
    if (begin >= end) return;
    const auto offset = static_cast<uint32_t>(program_.literals.size());
    const absl::string_view text = source_.substr(begin, end - begin);
    program_.literals.append(text.data(), text.size());
    Emit(Op::kLiteral, offset, static_cast<uint32_t>(text.size()));
  }

  uint32_t NameIndex(absl::string_view name) {
    const auto next = static_cast<uint32_t>(program_.names.size());
    const auto [it, inserted] = name_index_.try_emplace(name, next);
    if (inserted) {
      MustacheProgram::Name path;
      if (name != ".") path = absl::StrSplit(name, '.');
      program_.names.push_back(std::move(path));
    }
    return it->second;
  }

  absl::Status AddTag(const Tag& tag) {
    switch (tag.kind) {
      case TagKind::kComment:
        break;
      case TagKind::kEscaped:
        Emit(Op::kEscaped, NameIndex(tag.name), 0);
        break;
      case TagKind::kRaw:
        Emit(Op::kRaw, NameIndex(tag.name), 0);
        break;
      case TagKind::kSection:
        return Open(tag, Op::kSection);
      case TagKind::kInverted:
        return Open(tag, Op::kInverted);
      case TagKind::kClose:
        return Close(tag);
    }
    return absl::OkStatus();
  }

  absl::Status Open(const Tag& tag, Op op) {
    if (open_.size() >= limits_.nesting_max) {
      return SyntaxError(source_, tag.begin,
                         absl::StrCat("sections nest deeper than ", limits_.nesting_max));
    }
    open_.push_back({tag, Here()});
    Emit(op, NameIndex(tag.name), 0);
    return absl::OkStatus();
  }

  absl::Status Close(const Tag& tag) {
    if (open_.empty()) {
      return SyntaxError(source_, tag.begin,
                         absl::StrCat("\"/", tag.name, "\" closes a section that is not open"));
    }
    const OpenSection open = open_.back();
    if (open.tag.name != tag.name) {
      return SyntaxError(
          source_, tag.begin,
          absl::StrCat("\"/", tag.name, "\" where section \"", open.tag.name, "\" is open"));
    }
    open_.pop_back();
    if (program_.instructions[open.instruction].op == Op::kSection) {
      Emit(Op::kEnd, open.instruction, 0);
    }
    program_.instructions[open.instruction].second = Here();
    return absl::OkStatus();
  }

  const absl::string_view source_;
  const RenderLimits& limits_;
  MustacheProgram program_;
  std::vector<OpenSection> open_;
  absl::flat_hash_map<absl::string_view, uint32_t> name_index_;
};

}  // namespace

absl::StatusOr<MustacheProgram> ParseMustache(absl::string_view source,
                                              const RenderLimits& limits) {
  return Parser(source, limits).Parse();
}

}  // namespace herald::templates

#include "server/templates/html_to_text.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "server/templates/character_reference.h"
#include "server/templates/html_role.h"
#include "server/templates/html_tag.h"
#include "server/templates/text_flow.h"

namespace herald::templates {
namespace {

// They are not said by who writes a place out.
constexpr absl::string_view kSchemes[] = {"https://", "http://", "mailto:", "tel:"};

// Lists open at once; deeper ones are read as if they were part of the last.
constexpr size_t kListDepthMax = 32;

class Converter {
 public:
  explicit Converter(absl::string_view html) : html_(html) { flow_.Reserve(html.size() / 2); }

  std::string Run() {
    size_t position = 0;
    size_t text_begin = 0;
    HtmlTag tag;
    while ((position = html_.find('<', position)) != absl::string_view::npos) {
      const size_t text_end = position;
      if (!ReadHtmlTag(html_, position, tag)) {
        ++position;
        continue;
      }
      Text(html_.substr(text_begin, text_end - text_begin));
      const HtmlRole role = HtmlRoleOf(tag.name);
      if (role == HtmlRole::kRawText && !tag.closing) {
        position = FindRawTextEnd(html_, position, tag.name);
      } else {
        Tag(role, tag);
      }
      text_begin = position;
    }
    Text(html_.substr(text_begin));
    CloseLink();
    return flow_.Finish();
  }

 private:
  void Text(absl::string_view text) {
    if (hidden_ > 0 || text.empty()) return;
    if (text.find('&') == absl::string_view::npos) return flow_.Text(text);
    decoded_.clear();
    references_.AppendDecoded(text, decoded_);
    flow_.Text(decoded_);
  }

  void Tag(HtmlRole role, const HtmlTag& tag) {
    if (role == HtmlRole::kHidden) {
      if (!tag.closing && !tag.self_closing) ++hidden_;
      if (tag.closing && hidden_ > 0) --hidden_;
      return;
    }
    if (hidden_ > 0) return;
    switch (role) {
      case HtmlRole::kParagraph:
        return flow_.Break(lists_.empty() ? 2 : 1);
      case HtmlRole::kBlock:
        return flow_.Break(1);
      case HtmlRole::kLineBreak:
        return flow_.LineBreak();
      case HtmlRole::kRule:
        flow_.Break(2);
        flow_.Text("---");
        return flow_.Break(2);
      case HtmlRole::kList:
      case HtmlRole::kOrderedList:
        return List(role, tag);
      case HtmlRole::kItem:
        return tag.closing ? flow_.Break(1) : flow_.Item(NextMarker());
      case HtmlRole::kCell:
        return tag.closing ? void() : flow_.Cell();
      case HtmlRole::kLink:
        CloseLink();
        return tag.closing ? void() : OpenLink(tag.href);
      case HtmlRole::kImage:
        return Text(tag.alt);
      case HtmlRole::kPreformatted:
        flow_.Break(2);
        return flow_.SetPreformatted(!tag.closing);
      default:
        return;
    }
  }

  void List(HtmlRole role, const HtmlTag& tag) {
    if (!tag.closing) {
      flow_.Break(lists_.empty() ? 2 : 1);
      if (lists_.size() == kListDepthMax) return;
      int32_t start = 1;
      if (!absl::SimpleAtoi(tag.start, &start)) start = 1;
      lists_.push_back({role == HtmlRole::kOrderedList, start});
      flow_.OpenList();
    } else if (!lists_.empty()) {
      lists_.pop_back();
      flow_.CloseList();
      flow_.Break(lists_.empty() ? 2 : 1);
    }
  }

  std::string NextMarker() {
    if (lists_.empty() || !lists_.back().ordered) return "- ";
    return absl::StrCat(lists_.back().next++, ". ");
  }

  void OpenLink(absl::string_view href) {
    link_.clear();
    references_.AppendDecoded(href, link_);
    // As browsers do: no white space around, no line ends or tabs within.
    link_.erase(std::remove_if(link_.begin(), link_.end(),
                               [](unsigned char c) { return c < 0x20 || c == 0x7F; }),
                link_.end());
    absl::StripAsciiWhitespace(&link_);
    flow_.Mark();
  }

  void CloseLink() {
    if (LeadsSomewhere(link_)) {
      const absl::string_view text = flow_.SinceMark();
      if (text.empty()) {
        flow_.Text(link_);
      } else if (!SaysTheSame(text, link_)) {
        flow_.AppendToLine({" (", link_, ")"});
      }
    }
    link_.clear();
  }

  // False without a link, and for those that mean nothing outside of the document.
  static bool LeadsSomewhere(absl::string_view link) {
    return !link.empty() && link[0] != '#' && !absl::StartsWithIgnoreCase(link, "javascript:") &&
           !absl::StartsWithIgnoreCase(link, "data:") && !absl::StartsWithIgnoreCase(link, "cid:");
  }

  // "example.com" linked to "https://example.com/" needs no second mention.
  static bool SaysTheSame(absl::string_view text, absl::string_view link) {
    absl::string_view target = link;
    for (const absl::string_view scheme : kSchemes) {
      if (absl::StartsWithIgnoreCase(link, scheme)) target = link.substr(scheme.size());
    }
    const auto is_text = [text](absl::string_view place) {
      return absl::StartsWith(place, text) &&
             (place.size() == text.size() || place.substr(text.size()) == "/");
    };
    return is_text(link) || is_text(target);
  }

  struct OpenedList {
    bool ordered;
    int64_t next;
  };

  const absl::string_view html_;
  TextFlow flow_;
  CharacterReferences references_;
  std::string decoded_;
  std::string link_;
  std::vector<OpenedList> lists_;
  size_t hidden_ = 0;
};

}  // namespace

std::string HtmlToText(absl::string_view html) { return Converter(html).Run(); }

}  // namespace herald::templates

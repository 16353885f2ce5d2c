// Lays out running text: the output side of HtmlToText.
#pragma once

#include <initializer_list>
#include <string>

#include "absl/strings/string_view.h"

namespace herald::templates {

// Collects text and breaks; white space is written only once the text after it arrives, so that
// neither lines nor the whole end in it.
class TextFlow {
 public:
  void Reserve(size_t bytes) { out_.reserve(bytes); }

  // Running text in UTF-8. White space, no-break spaces among it, collapses unless preformatted;
  // invisible fillers (soft hyphen, zero-width space, byte order mark) vanish.
  void Text(absl::string_view text);

  // At least `lines` line ends before the next text: 1 starts a line, 2 leaves a blank one.
  void Break(int lines);
  void LineBreak();

  // What follows is a table cell; " | " parts it from one before it on the same line.
  void Cell() { cell_pending_ = true; }

  // What follows is an item of the innermost list; `marker` is written before its first text.
  void Item(std::string marker);
  void OpenList() { ++list_depth_; }
  void CloseList();

  void SetPreformatted(bool on) { preformatted_ = on; }

  // Text written since Mark(), for links. AppendToLine adds right behind it, before any break.
  void Mark() { mark_pending_ = true; }
  absl::string_view SinceMark() const;
  void AppendToLine(std::initializer_list<absl::string_view> pieces);

  std::string Finish() { return std::move(out_); }

 private:
  void Flush();
  void StartLine();
  // Handles the character at `text[i]` that is not plain; returns its length.
  size_t Special(absl::string_view text, size_t i);
  void Space(char c);

  std::string out_;
  std::string marker_;
  int lines_pending_ = 0;
  int list_depth_ = 0;
  bool space_pending_ = false;
  bool cell_pending_ = false;
  bool preformatted_ = false;
  bool mark_pending_ = true;
  size_t mark_ = 0;
};

}  // namespace herald::templates

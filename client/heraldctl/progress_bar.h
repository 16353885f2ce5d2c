#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>

namespace herald::heraldctl {

// One line on a terminal that says how far something is; nothing when the stream is no terminal.
class ProgressBar {
 public:
  // `what` is counted, e.g. "contacts". `out` is standard error.
  ProgressBar(std::ostream& out, std::string what);
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  // `share` from 0 to 1; negative: not known.
  void Show(int64_t count, double share);

 private:
  std::ostream& out_;
  const std::string what_;
  const bool terminal_;
  bool shown_ = false;
};

}  // namespace herald::heraldctl

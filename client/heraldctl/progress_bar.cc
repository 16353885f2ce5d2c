#include "client/heraldctl/progress_bar.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <ostream>

#include "absl/strings/str_cat.h"

namespace herald::heraldctl {
namespace {

constexpr int kWidth = 30;

}  // namespace

ProgressBar::ProgressBar(std::ostream& out, std::string what)
    : out_(out), what_(std::move(what)), terminal_(isatty(STDERR_FILENO) == 1) {}

ProgressBar::~ProgressBar() {
  if (shown_) out_ << "\n";
}

void ProgressBar::Show(int64_t count, double share) {
  if (!terminal_) return;
  shown_ = true;
  std::string bar;
  if (share >= 0) {
    const double part = std::min(share, 1.0);
    const auto full = static_cast<size_t>(std::lround(part * kWidth));
    bar = absl::StrCat("[", std::string(full, '#'), std::string(kWidth - full, '.'), "] ",
                       std::lround(part * 100), " %  ");
  }
  out_ << "\r" << bar << count << " " << what_ << "\x1b[K" << std::flush;
}

}  // namespace herald::heraldctl

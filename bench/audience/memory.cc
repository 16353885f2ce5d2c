#include "bench/audience/memory.h"

#include <fstream>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace herald::bench {
namespace {

// Of a line "VmRSS:     1234 kB" in /proc/PID/status.
double StatusMebibytes(pid_t process, absl::string_view name) {
  std::ifstream file(absl::StrCat("/proc/", process, "/status"));
  std::string line;
  while (std::getline(file, line)) {
    if (!absl::StartsWith(line, name)) continue;
    const std::vector<std::string> words = absl::StrSplit(line, ' ', absl::SkipEmpty());
    double kibibytes = 0;
    for (const std::string& word : words) {
      for (absl::string_view part : absl::StrSplit(word, '\t')) {
        if (absl::SimpleAtod(part, &kibibytes)) return kibibytes / 1024;
      }
    }
  }
  return 0;
}

}  // namespace

double ResidentMebibytes(pid_t process) { return StatusMebibytes(process, "VmRSS:"); }

double PeakMebibytes(pid_t process) { return StatusMebibytes(process, "VmHWM:"); }

void ResetPeak(pid_t process) {
  std::ofstream(absl::StrCat("/proc/", process, "/clear_refs")) << "5";
}

}  // namespace herald::bench

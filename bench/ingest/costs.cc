#include "bench/ingest/costs.h"

#include <unistd.h>

#include <fstream>
#include <pqxx/pqxx>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "bench/measure.h"

namespace herald::bench {
namespace {

constexpr int kCommits = 51;

}  // namespace

absl::Duration CpuTimeOf(const std::vector<pid_t>& processes) {
  long ticks = 0;
  for (const pid_t process : processes) {
    std::ifstream file(absl::StrCat("/proc/", process, "/stat"));
    std::string line;
    std::getline(file, line);
    // "pid (name) state …": the name may hold anything; utime and stime are fields 14 and 15.
    const size_t name_end = line.rfind(')');
    if (name_end == std::string::npos) continue;
    std::istringstream fields(line.substr(name_end + 2));
    std::string skipped;
    for (int field = 3; field < 14; ++field) fields >> skipped;
    long user = 0, system = 0;
    fields >> user >> system;
    ticks += user + system;
  }
  return absl::Seconds(1) * ticks / sysconf(_SC_CLK_TCK);
}

absl::StatusOr<absl::Duration> CommitTime(const std::string& dsn) {
  try {
    pqxx::connection connection(dsn);
    std::vector<double> seconds;
    for (int i = 0; i < kCommits; ++i) {
      pqxx::work work(connection);
      work.exec("SELECT pg_logical_emit_message(true, 'bench', 'x')");  // so that there is
                                                                        // something to flush
      const absl::Time begin = absl::Now();
      work.commit();
      seconds.push_back(absl::ToDoubleSeconds(absl::Now() - begin));
    }
    return absl::Seconds(Median(seconds));
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat("commit: ", error.what()));
  }
}

}  // namespace herald::bench

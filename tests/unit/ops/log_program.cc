#include <cstdlib>

#include "server/ops/log.h"

// Logs as a server does and leaves by exit(), without StopLog.
int main() {
  using herald::ops::Log;
  using herald::ops::Severity;
  Log(Severity::kInfo, "starting", {{"pid", 1}});
  herald::ops::StartLog({});
  Log(Severity::kInfo, "serving", {{"port", 50051}});
  Log(Severity::kInfo, "stopping", {{"signal", "SIGTERM"}});
  std::exit(3);
}

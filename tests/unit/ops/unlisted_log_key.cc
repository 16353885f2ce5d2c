#include "server/ops/log.h"

// Must not compile: see CMakeLists.txt.
int main() { herald::ops::Log(herald::ops::Severity::kInfo, "sent", {{"recipient", "x"}}); }

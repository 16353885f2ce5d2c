#pragma once

#include <string>

namespace herald::dev {

// A port of `host`, an IPv4 address, on which nobody listens: `wanted`, or one that the kernel
// chooses when that is 0 or taken; 0 when there is none. What will listen there starts later, so
// until this process ends the port is kept bound, and the kernel gives it to no outgoing
// connection. Servers have to set SO_REUSEADDR to listen there, as all of ours and PostgreSQL do.
int ChoosePort(const std::string& host, int wanted);

}  // namespace herald::dev

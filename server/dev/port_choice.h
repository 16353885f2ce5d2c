#pragma once

#include "server/config/config.h"

namespace herald::dev {

// Puts a port into `endpoint`, an IPv4 address, on which nobody listens: its own, or one that the
// kernel chooses when that is 0 or taken. What will listen there starts later, so until this
// process ends the port is kept bound, and the kernel gives it to no outgoing connection. Servers
// have to set SO_REUSEADDR to listen there, as all of ours do.
void ChoosePort(config::Endpoint* endpoint);

}  // namespace herald::dev

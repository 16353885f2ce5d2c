#pragma once

#include "server/config/config.h"

namespace herald::dev {

// Puts a port into `endpoint`, an IPv4 address, on which nobody listens: its own, or else (0 among
// that) one that the kernel chooses. Until this process ends the port is kept from being chosen
// again, for outgoing connections too, since what will listen there starts later. It has to set
// SO_REUSEADDR, as all our servers do.
void ChoosePort(config::Endpoint* endpoint);

}  // namespace herald::dev

#pragma once

#include <string>

namespace herald::storage {

// Adds what keeps a broken network from hanging a client (connect_timeout, TCP keepalives,
// tcp_user_timeout) and what passes over standbys (target_session_attrs) to a libpq connection
// string or URI, except where it already says so.
std::string WithLinkDefaults(const std::string& dsn);

}  // namespace herald::storage

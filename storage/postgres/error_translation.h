#pragma once

#include <exception>

#include "absl/status/status.h"

namespace herald::storage {

// What libpqxx threw, as a status; the only place that knows its exceptions. The text holds the
// query's name and the SQLSTATE, and the server's own words only where they cannot quote a value.
// `link_open` is whether the connection survived.
absl::Status TranslateError(const std::exception& error, bool link_open, const char* query);

// What connecting threw. libpq's text may name hosts and users: the message holds a class of
// failure in words of our own, where the text is known. kInvalidArgument: the connection string is
// malformed, so that trying again is no use; else kUnavailable.
absl::Status TranslateConnectFailure(const std::exception& error);

// Whether an error that COMMIT met leaves open if it took place: the link is gone, or the server
// says so itself (08xxx, 40003, 57Pxx). A server that goes on talking has rolled back.
bool LeavesCommitInDoubt(const std::exception& error, bool link_open);

// Whether the server refused a write because it takes none, as one that became a standby does.
bool MetReadOnlyServer(const std::exception& error);

}  // namespace herald::storage

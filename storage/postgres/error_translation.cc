#include "storage/postgres/error_translation.h"

#include <pqxx/pqxx>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace herald::storage {
namespace {

constexpr char kReadOnlySqlTransaction[] = "25006";

std::string SqlState(const std::exception& error) {
  const auto* sql = dynamic_cast<const pqxx::sql_error*>(&error);
  if (sql != nullptr && !sql->sqlstate().empty()) return sql->sqlstate();
  // libpqxx 6 gives some errors classes of their own, without the code.
  if (dynamic_cast<const pqxx::insufficient_privilege*>(&error) != nullptr) return "42501";
  if (dynamic_cast<const pqxx::deadlock_detected*>(&error) != nullptr) return "40P01";
  if (dynamic_cast<const pqxx::serialization_failure*>(&error) != nullptr) return "40001";
  if (dynamic_cast<const pqxx::statement_completion_unknown*>(&error) != nullptr) return "40003";
  if (dynamic_cast<const pqxx::transaction_rollback*>(&error) != nullptr) return "40000";
  if (dynamic_cast<const pqxx::too_many_connections*>(&error) != nullptr) return "53300";
  // Any other error of a statement without a code is not the server's: libpq lost it, whether or
  // not the connection shows it already.
  if (dynamic_cast<const pqxx::failure*>(&error) != nullptr) return "08000";
  return "";
}

absl::StatusCode CodeOf(absl::string_view state, bool link_open) {
  if (!link_open) return absl::StatusCode::kUnavailable;
  const absl::string_view cls = state.substr(0, 2);
  if (cls == "08" || cls == "53" || cls == "58") return absl::StatusCode::kUnavailable;
  if (absl::StartsWith(state, "57P")) return absl::StatusCode::kUnavailable;
  if (state == kReadOnlySqlTransaction) return absl::StatusCode::kUnavailable;
  if (state == "25P03") return absl::StatusCode::kUnavailable;  // idle in transaction
  if (state == "57014" || state == "55P03") return absl::StatusCode::kDeadlineExceeded;
  if (cls == "40") return absl::StatusCode::kAborted;
  if (state == "23505") return absl::StatusCode::kAlreadyExists;
  if (cls == "22" || cls == "23") return absl::StatusCode::kInvalidArgument;
  return absl::StatusCode::kInternal;
}

// The server's first line names constraints, columns and tables in these classes, never a value.
std::string SafeWords(const std::exception& error, absl::string_view state) {
  const absl::string_view cls = state.substr(0, 2);
  if (cls != "23" && cls != "42") return "";
  const absl::string_view words = error.what();
  return absl::StrCat(": ", words.substr(0, words.find('\n')));
}

struct KnownFailure {
  const char* text;  // of libpq, or of the server in English
  const char* reason;
};

// The first that fits counts.
constexpr KnownFailure kConnectFailures[] = {
    {"password authentication failed", "authentication failed"},
    {"authentication failed for user", "authentication failed"},
    {"no password supplied", "authentication failed"},
    {"no pg_hba.conf entry", "the server allows no such connection"},
    {"is not permitted to log in", "the role may not log in"},
    {"permission denied for database", "the role may not connect to this database"},
    {"is not currently accepting connections", "the database takes no connections"},
    {"FATAL:  role \"", "no such role"},
    {"FATAL:  database \"", "no such database"},
    {"too many clients", "too many connections"},
    {"remaining connection slots", "too many connections"},
    {"too many connections for", "too many connections"},
    {"could not translate host name", "the host's name cannot be resolved"},
    {"Connection refused", "refused"},
    {"timeout expired", "timed out"},
};

// How libpq begins its word on a connection string that it cannot use.
constexpr const char* kMalformed[] = {
    "invalid ",
    "could not match ",
    "missing \"=\"",
    "unterminated quoted",
    "end of string reached",
    "unexpected character",
    "forbidden value",
};

}  // namespace

absl::Status TranslateConnectFailure(const std::exception& error) {
  const absl::string_view text = error.what();
  for (const char* beginning : kMalformed) {
    if (!absl::StartsWith(text, beginning)) continue;
    return absl::InvalidArgumentError("database.dsn: the connection string is malformed");
  }
  std::string message = "the database cannot be reached";
  for (const KnownFailure& known : kConnectFailures) {
    if (!absl::StrContains(text, known.text)) continue;
    absl::StrAppend(&message, ": ", known.reason);
    break;
  }
  return absl::UnavailableError(message);
}

absl::Status TranslateError(const std::exception& error, bool link_open, const char* query) {
  const std::string state = SqlState(error);
  const absl::StatusCode code = CodeOf(state, link_open);
  if (!link_open) {
    return absl::Status(code, absl::StrCat(query, ": the link to the database broke"));
  }
  return absl::Status(code, absl::StrCat(query, ": SQLSTATE ", state.empty() ? "none" : state,
                                         SafeWords(error, state)));
}

bool LeavesCommitInDoubt(const std::exception& error, bool link_open) {
  if (!link_open) return true;
  const std::string state = SqlState(error);
  return state.empty() || absl::StartsWith(state, "08") || state == "40003" ||
         absl::StartsWith(state, "57P");
}

bool MetReadOnlyServer(const std::exception& error) {
  return SqlState(error) == kReadOnlySqlTransaction;
}

}  // namespace herald::storage

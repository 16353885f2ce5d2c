#include "storage/postgres/migrations.h"

#include <map>
#include <pqxx/pqxx>

#include "absl/strings/str_cat.h"
#include "storage/postgres/connection_string.h"
#include "storage/postgres/error_translation.h"
#include "storage/postgres/kept_queries.h"

namespace herald::storage {
namespace {

// Any number that nothing else in the database locks: "herald" in ASCII.
constexpr char kLock[] = "SELECT pg_advisory_xact_lock(114784820031844)";

// Roles belong to the whole cluster: another database's migration may create them at this moment.
// A superuser needs no grant to take a role on; granting again would only contend. From PostgreSQL
// 16 on, who creates a role is its member but may not SET it.
constexpr char kBootstrap[] = R"sql(
SET LOCAL client_min_messages = warning;
CREATE SCHEMA IF NOT EXISTS herald;
DO $$
DECLARE
  r text;
  may_set text := CASE WHEN current_setting('server_version_num')::int < 160000
                       THEN 'MEMBER' ELSE 'SET' END;
BEGIN
  FOREACH r IN ARRAY ARRAY['herald_api', 'herald_engine'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = r) THEN
      BEGIN
        EXECUTE format('CREATE ROLE %I NOLOGIN', r);
      EXCEPTION WHEN duplicate_object OR unique_violation THEN
        NULL;
      END;
    END IF;
    IF NOT pg_has_role(current_user, r, may_set) THEN
      EXECUTE format('GRANT %I TO CURRENT_USER', r);
    END IF;
  END LOOP;
END
$$;
CREATE TABLE IF NOT EXISTS herald.schema_migrations (
  version      integer PRIMARY KEY,
  name         text NOT NULL,
  checksum     text NOT NULL,
  applied_time timestamptz NOT NULL DEFAULT now()
);
)sql";

constexpr char kRolesThatBypass[] = R"sql(
SELECT rolname FROM pg_roles
WHERE rolname IN ('herald_api', 'herald_engine') AND (rolbypassrls OR rolsuper OR rolcanlogin)
)sql";

using Applied = std::map<int, std::string>;  // version → checksum

Applied ReadApplied(pqxx::work& work) {
  Applied applied;
  const pqxx::result exists = work.exec("SELECT to_regclass('herald.schema_migrations')");
  if (exists[0][0].is_null()) return applied;
  for (const auto& row : work.exec("SELECT version, checksum FROM herald.schema_migrations")) {
    applied[row[0].as<int>()] = row[1].c_str();
  }
  return applied;
}

absl::Status CheckApplied(const Applied& applied, const std::vector<Migration>& migrations) {
  if (!applied.empty() && applied.rbegin()->first > static_cast<int>(migrations.size())) {
    return absl::FailedPreconditionError(
        absl::StrCat("the database's schema is at version ", applied.rbegin()->first,
                     ", this binary knows up to ", migrations.size(), ": run a newer binary"));
  }
  for (const Migration& m : migrations) {
    const auto it = applied.find(m.version);
    if (it == applied.end() || it->second == m.checksum) continue;
    return absl::FailedPreconditionError(
        absl::StrCat("migration ", m.name, " was applied with checksum ", it->second.substr(0, 12),
                     "…, this binary's is ", m.checksum.substr(0, 12),
                     "…: an applied migration must not change"));
  }
  return absl::OkStatus();
}

absl::Status CheckRoles(pqxx::work& work) {
  const pqxx::result roles = work.exec(kRolesThatBypass);
  if (roles.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "role ", roles[0][0].c_str(),
      " must be NOLOGIN, NOSUPERUSER and NOBYPASSRLS: it is what keeps tenants apart"));
}

absl::Status Bootstrap(pqxx::connection& connection) {
  pqxx::work work(connection);
  work.exec(kLock);
  work.exec(kBootstrap);
  absl::Status status = CheckRoles(work);
  if (status.ok()) work.commit();
  return status;
}

absl::Status Apply(pqxx::connection& connection, const Migration& migration,
                   const std::vector<Migration>& migrations) {
  pqxx::work work(connection);
  work.exec(kLock);
  const Applied applied = ReadApplied(work);
  absl::Status status = CheckApplied(applied, migrations);
  if (!status.ok() || applied.count(migration.version) > 0) return status;
  work.exec(migration.sql);
  work.exec_params(
      "INSERT INTO herald.schema_migrations (version, name, checksum) "
      "VALUES ($1, $2, $3)",
      migration.version, migration.name, migration.checksum);
  work.commit();
  return absl::OkStatus();
}

absl::Status KeepQueries(pqxx::connection& connection) {
  pqxx::work work(connection);
  work.exec(kLock);
  CreateKeptQueries(work);
  work.commit();
  return absl::OkStatus();
}

// Connects, and turns what libpqxx throws into a status that names `step`.
template <class F>
absl::Status WithConnection(const std::string& dsn, const std::string& step, F use) {
  std::unique_ptr<pqxx::connection> connection;
  try {
    connection = std::make_unique<pqxx::connection>(WithLinkDefaults(dsn));
  } catch (const std::exception& error) {
    return TranslateConnectFailure(error);
  }
  try {
    return use(*connection);
  } catch (const std::exception& error) {
    return TranslateError(error, connection->is_open(), step.c_str());
  }
}

}  // namespace

absl::Status Migrate(const std::string& dsn, const std::vector<Migration>& migrations) {
  absl::Status status = WithConnection(dsn, "prepare migrations", Bootstrap);
  for (const Migration& migration : migrations) {
    if (!status.ok()) return status;
    status = WithConnection(
        dsn, absl::StrCat("migration ", migration.name),
        [&](pqxx::connection& connection) { return Apply(connection, migration, migrations); });
  }
  return status;
}

absl::Status CheckSchema(const std::string& dsn, const std::vector<Migration>& migrations) {
  return WithConnection(dsn, "check schema", [&](pqxx::connection& connection) {
    pqxx::work work(connection);
    const Applied applied = ReadApplied(work);
    absl::Status status = CheckApplied(applied, migrations);
    if (status.ok() && applied.size() < migrations.size()) {
      status = absl::FailedPreconditionError(absl::StrCat("the database's schema is at version ",
                                                          applied.size(), ", this binary needs ",
                                                          migrations.size(), ": migrate it first"));
    }
    if (status.ok()) status = CheckRoles(work);
    return status;
  });
}

absl::Status Migrate(const std::string& dsn) {
  const absl::Status status = Migrate(dsn, EmbeddedMigrations());
  return status.ok() ? WithConnection(dsn, "keep queries", KeepQueries) : status;
}

absl::Status CheckSchema(const std::string& dsn) {
  const absl::Status status = CheckSchema(dsn, EmbeddedMigrations());
  if (!status.ok()) return status;
  return WithConnection(dsn, "check kept queries", [](pqxx::connection& connection) {
    pqxx::work work(connection);
    return CheckKeptQueries(work);
  });
}

}  // namespace herald::storage

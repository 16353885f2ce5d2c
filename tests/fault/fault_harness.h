#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "client/herald_client.h"
#include "tests/support/child_process.h"
#include "tests/support/postgres_cluster.h"
#include "tests/support/temp_directory.h"

namespace herald::fault {

// What random choices of this run grow from: HERALD_SEED, or a fresh number. Printed, so that a
// failed run can be repeated.
uint64_t Seed();

// Whether HERALD_FAULT_LONG asks for the long form of tests that have one.
bool Long();

struct Account {
  std::string name;
  std::string base_url;      // of a Resend emulator; empty: the sandbox
  std::string options = "";  // more keys of the configuration: "batch: false"
};

// How heraldd runs; may differ from one start to the next.
struct Settings {
  std::vector<Account> accounts = {{"sandbox", ""}};
  std::string route = "sandbox";  // of every lane: an account, or "[one, another]"
  std::string breaker;            // "{open_base: 1s}", as below delivery.breaker
  absl::Duration provider_timeout = absl::Seconds(1);
  // The shortest that heraldd allows, since a crashed process's emails wait for the end of it.
  absl::Duration lease = absl::Seconds(11);
  absl::Duration evidence_wait = absl::Seconds(1);
  absl::Duration drain_grace = absl::Seconds(10);
  std::string roles;         // empty: all
  std::string database_dsn;  // empty: straight to the cluster
  int acceptance_connections = 2;
  std::string failpoint;         // server/delivery/failpoint.h
  std::string clock_shift_file;  // empty: the host's clock; see tests/support/clock_shift.cc
};

struct Tenant {
  std::string id;
  std::string token;
};

// What wraps the tenants' keys.
inline constexpr char kMasterKeys[] = "test:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

// What signs the webhooks of every account.
inline constexpr char kWebhookSecret[] = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

// One more process of a stack's.
struct Replica {
  std::unique_ptr<support::ChildProcess> process;
  int port = 0;  // where it takes calls
};

// heraldd as it is shipped, on a durable PostgreSQL of its own, with two tenants and a template.
// Its port and data survive restarts. Use it from one thread, the test's; what is const may be used
// from any.
class Stack {
 public:
  // A running cluster with an empty database, kept below `database_parent`. heraldd is not started.
  static absl::StatusOr<std::unique_ptr<Stack>> Create(int database_connections = 100,
                                                       const std::string& database_parent = "/tmp");
  // Kills heraldd.
  ~Stack();

  // Starts heraldd; returns once it logs that it takes calls.
  absl::Status Start(const Settings& settings);
  // As Start, but returns at once.
  absl::Status Launch(const Settings& settings);
  absl::Status AwaitListening(absl::Duration timeout) const;
  // One more heraldd on the same database; it lives as long as the result. Returns once it takes
  // calls or, without the role api, works.
  absl::StatusOr<Replica> StartReplica(const Settings& settings);
  // The webhook sidecar in front of this stack's heraldd. It knows every account of `settings`, as
  // one in the shape of Resend, by kWebhookSecret. It lives as long as the result.
  absl::StatusOr<Replica> StartSidecar(const Settings& settings);
  void Kill9();
  // SIGTERM. The exit code, or nullopt when it still ran after `grace`.
  absl::optional<int> Terminate(absl::Duration grace);
  support::ChildProcess& process() const { return *heraldd_; }

  // Lets every lease end now, as the passing of time would.
  void EndLeases() const;
  // Calls `send` until a heraldd with Settings::failpoint has died of what it was sent: the first
  // answer may have been a refusal. False: it still lives after half a minute.
  bool DiesOf(const std::function<absl::Status()>& send) const;

  // Creates the tenants and their template, and begins to watch emails.state. Once, after a Start.
  absl::Status Provision();
  const std::vector<Tenant>& tenants() const { return tenants_; }
  client::Client Connect(const Tenant& tenant, const client::RetryPolicy& retry = {}) const;
  client::Client ConnectTo(const Replica& replica, const Tenant& tenant) const;
  client::Client ConnectAsOperator() const;
  // A client that shows every UNAVAILABLE instead of trying again.
  client::Client ConnectWithoutRetries(const Tenant& tenant) const;

  support::PostgresCluster& cluster() const { return *cluster_; }
  const std::string& database() const { return database_; }
  // Output of a query that must work.
  std::string Query(absl::string_view sql) const;
  // Moves of an email from a terminal state to another that is not, as the database saw them.
  std::string ForbiddenMoves() const;
  // Where heraldd takes calls.
  int port() const { return port_; }
  // The sandbox's record of what it accepted.
  std::string SandboxRecord() const { return directory_.path() + "/mail/accepted.log"; }

 private:
  Stack() = default;
  client::ClientOptions OptionsOf(const std::string& token) const;
  absl::Status CreateTenant(client::Client& operator_client, const std::string& slug);
  std::string ConfigText(const Settings& settings, int port) const;
  absl::StatusOr<std::unique_ptr<support::ChildProcess>> Run(const Settings& settings, int port);

  support::PostgresOptions postgres_options_;
  std::unique_ptr<support::PostgresCluster> cluster_;
  std::string database_;
  testing::TempDirectory directory_;
  int port_ = 0;
  std::vector<Tenant> tenants_;
  std::unique_ptr<support::ChildProcess> heraldd_;
};

// An email to one recipient from the stack's template; another `content` is another email.
v1::SendEmailRequest EmailOf(int content, v1::Lane lane = v1::LANE_TRANSACTIONAL);

}  // namespace herald::fault

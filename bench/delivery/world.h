#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "providers/http/http_client.h"
#include "providers/provider.h"
#include "providers/resend/resend_provider.h"
#include "server/catalog/template_catalog.h"
#include "server/delivery/renderer.h"
#include "server/delivery/router.h"
#include "storage/crypto/master_keys.h"
#include "storage/postgres/chunk_store.h"
#include "storage/postgres/connection_pool.h"
#include "storage/postgres/email_store.h"
#include "storage/postgres/queue_store.h"
#include "storage/postgres/tenant_keys.h"
#include "tests/support/child_process.h"
#include "tests/support/one_template_store.h"
#include "tests/support/postgres_cluster.h"

namespace herald::bench {

// What a delivery needs, as heraldd puts it together: a durable PostgreSQL, the stores on it, a
// tenant, a template, and an account at an emulated Resend in a process of its own.
class World {
 public:
  // `programs` is the directory of bench-batch-emulator.
  static absl::StatusOr<std::unique_ptr<World>> Create(const std::string& programs);

  // Accepts so many new emails in groups of 500, by heraldd's own store.
  absl::Status Accept(Lane lane, int64_t count);
  // One; its time of creation.
  absl::StatusOr<absl::Time> AcceptOne(Lane lane);
  std::string Query(const std::string& sql) const;
  int64_t Number(const std::string& sql) const;
  std::string Dsn() const { return cluster_->Dsn("postgres"); }
  std::vector<pid_t> DatabasePids() const;
  pid_t emulator_pid() const { return emulator_->pid(); }
  const std::string& emulator_url() const { return url_; }
  // Emails in the emulator's record, repetitions included.
  int64_t Taken() const;

  storage::PostgresEmailStore& emails() { return *email_store_; }
  storage::PostgresQueueStore& queue() { return *queue_; }
  storage::PostgresQueueStore& critical_queue() { return *critical_queue_; }
  storage::PostgresChunkStore& chunks() { return *chunks_; }
  const delivery::Renderer& renderer() const { return *renderer_; }
  // Another account at the emulator, over `http`, which must outlive it.
  std::unique_ptr<providers::Provider> MakeAccount(providers::HttpClient& http) const;
  delivery::Router& router() const { return *router_; }
  // The same account without its batch call.
  delivery::Router& singles_router() const { return *singles_router_; }
  providers::HttpClient& http() { return *http_; }
  providers::Provider& provider() { return *provider_; }

 private:
  World() = default;
  absl::Status StartDatabase();
  absl::Status StartEmulator(const std::string& programs);
  absl::Status CreateTenant();
  providers::ResendOptions AccountOptions() const;
  storage::NewEmail Make(Lane lane);

  std::unique_ptr<support::PostgresCluster> cluster_;
  std::unique_ptr<support::ChildProcess> emulator_;
  std::string url_;
  std::string record_;
  std::unique_ptr<storage::MasterKeys> master_keys_;
  std::unique_ptr<storage::ConnectionPool> api_pool_, critical_pool_, delivery_pool_;
  std::unique_ptr<storage::TenantKeys> keys_;
  std::unique_ptr<storage::PostgresEmailStore> email_store_;
  std::unique_ptr<storage::PostgresQueueStore> queue_, critical_queue_;
  std::unique_ptr<storage::PostgresChunkStore> chunks_;
  std::unique_ptr<support::OneTemplateStore> templates_;
  std::unique_ptr<catalog::TemplateCatalog> catalog_;
  std::unique_ptr<delivery::Renderer> renderer_;
  std::unique_ptr<providers::HttpClient> http_, urgent_http_;
  std::unique_ptr<providers::Provider> provider_;
  std::unique_ptr<delivery::Router> router_;
  std::unique_ptr<providers::Provider> singles_provider_;
  std::unique_ptr<delivery::Router> singles_router_;
  TenantId tenant_;
  EmailIdGenerator ids_{1};
  std::atomic<int64_t> next_{0};
};

}  // namespace herald::bench

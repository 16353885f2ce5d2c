#include "bench/delivery/world.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "herald/internal/v1/content.pb.h"
#include "providers/http/curl_http_client.h"
#include "storage/postgres/migrations.h"
#include "storage/postgres/tenant_store.h"
#include "tests/support/one_account_router.h"

namespace herald::bench {
namespace {

constexpr char kMasterKey[] = "bench:QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkI=";
constexpr char kAccount[] = "resend-bench";
constexpr int kGroup = 500;

// About as much as a campaign's email says besides its pictures.
storage::TemplateVersionRow Newsletter() {
  std::string html = "<h1>Hello {{firstName}}</h1>";
  for (int i = 0; i < 8; ++i) {
    html +=
        "<p>This week in the shop: {{offer}} and more, for order {{orderId}}. <a "
        "href=\"https://shop.example/offers\">Have a look</a> before they are gone.</p>";
  }
  return {"newsletter", 1, "{{firstName}}, {{offer}}", html, "", "[]", absl::UnixEpoch()};
}

std::string Content(int64_t number) {
  internal::v1::EmailContent content;
  content.mutable_from()->set_email("news@shop.example");
  content.mutable_from()->set_name("The Example Shop");
  content.set_recipient_name("Grace Example");
  auto& variables = *content.mutable_variables()->mutable_fields();
  variables["firstName"].set_string_value("Grace");
  variables["offer"].set_string_value("Bread & Butter");
  variables["orderId"].set_string_value(absl::StrFormat("order_%010d", number));
  return content.SerializeAsString();
}

}  // namespace

absl::StatusOr<std::unique_ptr<World>> World::Create(const std::string& programs) {
  std::unique_ptr<World> world(new World());
  absl::Status status = world->StartDatabase();
  if (status.ok()) status = world->StartEmulator(programs);
  if (status.ok()) status = world->CreateTenant();
  if (!status.ok()) return status;
  return world;
}

absl::Status World::StartDatabase() {
  const long long megabytes =
      static_cast<long long>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGE_SIZE) / (1024 * 1024);
  support::PostgresOptions options;
  options.durable = true;
  options.max_connections = 40;
  options.parent = "/var/tmp";
  options.settings = {absl::StrCat("shared_buffers = '", std::min(megabytes / 4, 4096LL), "MB'"),
                      "max_wal_size = '8GB'", "checkpoint_timeout = '15min'",
                      "wal_compression = lz4", "autovacuum_naptime = '5s'"};
  auto cluster = support::PostgresCluster::Create(options);
  if (!cluster.ok()) return cluster.status();
  cluster_ = *std::move(cluster);
  if (absl::Status status = storage::Migrate(Dsn()); !status.ok()) return status;
  absl::StatusOr<storage::MasterKeys> keys = storage::MasterKeys::Parse(kMasterKey);
  if (!keys.ok()) return keys.status();
  master_keys_ = std::make_unique<storage::MasterKeys>(*std::move(keys));
  api_pool_.reset(new storage::ConnectionPool({Dsn(), 4}));
  critical_pool_.reset(new storage::ConnectionPool({Dsn(), 4}));
  delivery_pool_.reset(new storage::ConnectionPool({Dsn(), 8}));
  keys_ = std::make_unique<storage::TenantKeys>(*api_pool_, *master_keys_);
  email_store_ = std::make_unique<storage::PostgresEmailStore>(*api_pool_, *keys_);
  queue_ = std::make_unique<storage::PostgresQueueStore>(*delivery_pool_, *keys_);
  critical_queue_ = std::make_unique<storage::PostgresQueueStore>(*critical_pool_, *keys_);
  chunks_ = std::make_unique<storage::PostgresChunkStore>(*delivery_pool_, *keys_);
  return absl::OkStatus();
}

absl::Status World::StartEmulator(const std::string& programs) {
  record_ = absl::StrCat("/var/tmp/bench-accepted-", getpid());
  std::remove(record_.c_str());
  support::ChildOptions options;
  options.argv = {absl::StrCat(programs, "/bench-batch-emulator"), record_};
  auto emulator = support::ChildProcess::Start(options);
  if (!emulator.ok()) return emulator.status();
  emulator_ = *std::move(emulator);
  const absl::StatusOr<std::string> line = emulator_->WaitForLine("port ", absl::Seconds(30));
  if (!line.ok()) return line.status();
  url_ = absl::StrCat("http://127.0.0.1:", line->substr(line->find(' ') + 1));
  http_ = providers::MakeCurlHttpClient({});
  providers::ResendOptions account = AccountOptions();
  urgent_http_ = providers::MakeCurlHttpClient({});
  account.urgent_http = urgent_http_.get();
  provider_ = providers::MakeResendProvider(account, *http_);
  router_ = std::make_unique<support::OneAccountRouter>(provider_.get());
  account.batch = false;
  singles_provider_ = providers::MakeResendProvider(account, *http_);
  singles_router_ = std::make_unique<support::OneAccountRouter>(singles_provider_.get());
  templates_ = std::make_unique<support::OneTemplateStore>(Newsletter());
  catalog_ = std::make_unique<catalog::TemplateCatalog>(templates_.get(), templates::RenderLimits(),
                                                        absl::Now);
  renderer_ = std::make_unique<delivery::Renderer>(catalog_.get(), templates::RenderLimits());
  return absl::OkStatus();
}

providers::ResendOptions World::AccountOptions() const {
  providers::ResendOptions account;
  account.account = kAccount;
  account.api_key = "re_bench";
  account.base_url = url_;
  return account;
}

std::unique_ptr<providers::Provider> World::MakeAccount(providers::HttpClient& http) const {
  return providers::MakeResendProvider(AccountOptions(), http);
}

absl::Status World::CreateTenant() {
  storage::PostgresTenantStore tenants(*api_pool_, *keys_);
  storage::Tenant tenant;
  tenant.slug = "bench";
  tenant.display_name = "Benchmark";
  const absl::StatusOr<storage::Tenant> created = tenants.CreateTenant(tenant, {});
  if (!created.ok()) return created.status();
  tenant_ = created->id;
  return absl::OkStatus();
}

storage::NewEmail World::Make(Lane lane) {
  const int64_t number = next_++;
  const absl::Time now = absl::FromUnixMicros(absl::ToUnixMicros(absl::Now()));
  storage::NewEmail email;
  email.tenant = tenant_;
  email.id = ids_.Next(now);
  email.idempotency_key = absl::StrCat("newsletter:", number);
  email.request_hash = absl::StrFormat("%032d", number);
  email.lane = lane;
  email.category = "marketing";
  email.template_key = "newsletter";
  email.template_version = 1;
  email.recipient = absl::StrCat("user_", number, "@customers.example");
  email.recipient_normalised = email.recipient;
  email.user_id = absl::StrCat("user_", number);
  email.from_address = "news@shop.example";
  email.from_name = "The Example Shop";
  email.content = Content(number);
  email.create_time = now;
  email.expire_time = now + absl::Hours(72);
  email.key_expire_time = now + absl::Hours(72);
  return email;
}

absl::Status World::Accept(Lane lane, int64_t count) {
  while (count > 0) {
    std::vector<storage::NewEmail> group;
    for (int i = 0; i < kGroup && count > 0; ++i, --count) group.push_back(Make(lane));
    const auto results = email_store_->AcceptEmails(group);
    if (!results.ok()) return results.status();
  }
  Query("ANALYZE herald.emails, herald.chunks, herald.queue, herald.email_contents");
  return absl::OkStatus();
}

absl::StatusOr<absl::Time> World::AcceptOne(Lane lane) {
  const absl::Time begin = absl::Now();
  const auto results = email_store_->AcceptEmails({Make(lane)});
  if (!results.ok()) return results.status();
  return begin;
}

std::string World::Query(const std::string& sql) const {
  const absl::StatusOr<std::string> output = cluster_->Psql("postgres", sql);
  if (output.ok()) return *output;
  std::fprintf(stderr, "%s\n", std::string(output.status().message()).c_str());
  std::exit(1);
}

int64_t World::Number(const std::string& sql) const {
  int64_t number = 0;
  return absl::SimpleAtoi(Query(sql), &number) ? number : -1;
}

std::vector<pid_t> World::DatabasePids() const {
  std::vector<pid_t> pids;
  for (absl::string_view line :
       absl::StrSplit(Query("SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()"), '\n',
                      absl::SkipEmpty())) {
    pid_t pid = 0;
    if (absl::SimpleAtoi(line, &pid)) pids.push_back(pid);
  }
  return pids;
}

int64_t World::Taken() const {
  std::ifstream file(record_);
  int64_t emails = 0;
  for (std::string line; std::getline(file, line);) {
    emails += std::count(line.begin(), line.end(), '\t');
  }
  return emails;
}

}  // namespace herald::bench

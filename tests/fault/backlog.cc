#include "tests/fault/backlog.h"

#include <algorithm>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "herald/internal/v1/content.pb.h"
#include "model/ids.h"
#include "storage/crypto/master_keys.h"
#include "storage/postgres/connection_pool.h"
#include "storage/postgres/email_store.h"
#include "storage/postgres/tenant_keys.h"

namespace herald::fault {
namespace {

constexpr int kNode = 900;  // of ids; heraldd counts its own from 1
constexpr int kGroup = 500;
constexpr int kThreads = 2;

class Writer {
 public:
  Writer(const Stack& stack, const Tenant& tenant, const BacklogOptions& options)
      : options_(options),
        tenant_(*ParseTenantId(tenant.id)),
        pool_({.dsn = stack.cluster().Dsn(stack.database()), .max_connections = 2 * kThreads}),
        keys_(pool_, master_),
        store_(pool_, keys_) {}

  // Emails from number `begin` to before `end`.
  absl::Status Write(int begin, int end) {
    for (int first = begin; first < end; first += kGroup) {
      std::vector<storage::NewEmail> group;
      for (int i = first; i < std::min(first + kGroup, end); ++i) group.push_back(Make(i));
      const auto results = store_.AcceptEmails(group);
      if (!results.ok()) return results.status();
      for (const storage::AcceptResult& result : *results) {
        if (result.kind != storage::AcceptResult::Kind::kAccepted) {
          return absl::InternalError("an email of the backlog was not accepted");
        }
      }
      absl::MutexLock lock(&mutex_);
      for (const storage::NewEmail& email : group) {
        acknowledged_[{FormatTenantId(email.tenant), email.idempotency_key}] = {
            FormatEmailId(email.id), 0};
      }
    }
    return absl::OkStatus();
  }
  std::map<std::pair<std::string, std::string>, Acknowledged> Take() {
    absl::MutexLock lock(&mutex_);
    return std::move(acknowledged_);
  }

 private:
  storage::NewEmail Make(int number) {
    const v1::SendEmailRequest request = EmailOf(number % 1000, options_.lane);
    internal::v1::EmailContent content;
    *content.mutable_from() = request.from();
    *content.mutable_variables() = request.variables();
    storage::NewEmail email;
    email.tenant = tenant_;
    email.create_time = absl::FromUnixMicros(absl::ToUnixMicros(absl::Now()));
    email.id = ids_.Next(email.create_time);
    email.idempotency_key = absl::StrCat(options_.name, ":", number);
    email.request_hash = std::string(32, 'h');
    email.lane = static_cast<Lane>(options_.lane);
    email.template_key = request.template_().key();
    email.template_version = 1;
    email.recipient = request.recipient().email();
    email.recipient_normalised = request.recipient().email();
    email.from_address = request.from().email();
    email.content = content.SerializeAsString();
    email.expire_time = email.create_time + absl::Hours(24);
    email.key_expire_time = email.create_time + absl::Hours(72);
    email.has_attachments = !options_.chunked;  // no batch call takes them
    return email;
  }

  const BacklogOptions& options_;
  const TenantId tenant_;
  const storage::MasterKeys master_ = *storage::MasterKeys::Parse(kMasterKeys);
  storage::ConnectionPool pool_;
  storage::TenantKeys keys_;
  storage::PostgresEmailStore store_;
  EmailIdGenerator ids_{kNode};
  absl::Mutex mutex_;
  std::map<std::pair<std::string, std::string>, Acknowledged> acknowledged_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

absl::StatusOr<std::map<std::pair<std::string, std::string>, Acknowledged>> QueueBacklog(
    const Stack& stack, const Tenant& tenant, const BacklogOptions& options) {
  Writer writer(stack, tenant, options);
  absl::Status written[kThreads];
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      written[i] = writer.Write(options.emails * i / kThreads, options.emails * (i + 1) / kThreads);
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const absl::Status& status : written) {
    if (!status.ok()) return status;
  }
  return writer.Take();
}

}  // namespace herald::fault

#include "bench/delivery/queue_rows.h"

#include <algorithm>

namespace herald::bench {
namespace {

// Longer than any benchmark counts: rows with these ids have no email, and none reaches them.
constexpr int64_t kBehindAll = int64_t{1} << 40;

constexpr char kEmails[] = R"sql(
INSERT INTO herald.emails
  (tenant_id, email_id, state, lane, test, template_version, expire_time, create_time, update_time,
   category, template_key, user_id, from_address, from_name, idempotency_key, metadata, traceparent,
   recipient_hash, recipient_sealed)
SELECT 1 + n % $1::bigint, n, 2, $2::smallint, false, 0, now() + interval '1 day', now(), now(),
       'marketing', '', '', 'shop@example.org', 'Shop', n::text, '{}', '', '',
       sha256(n::text::bytea)
FROM generate_series($3::bigint, $4::bigint) AS g (n)
)sql";

constexpr char kQueue[] = R"sql(
INSERT INTO herald.queue (tenant_id, email_id, lane, run_at, expire_time)
SELECT 1 + n % $1::bigint, n, $2::smallint, clock_timestamp(), now() + interval '1 day'
FROM generate_series($3::bigint, $4::bigint) AS g (n)
)sql";

constexpr char kChunks[] = R"sql(
INSERT INTO herald.chunks (tenant_id, chunk_id, lane, run_at, expire_time, email_ids)
SELECT 1 + n % $1::bigint, n, $2::smallint, clock_timestamp(), now() + interval '1 day', ARRAY[n]
FROM generate_series($3::bigint, $4::bigint) AS g (n)
)sql";

}  // namespace

QueueRows::QueueRows(const std::string& dsn, int tenants)
    : connection_(dsn), reader_(dsn), tenants_(tenants) {
  Empty();
}

void QueueRows::Queue(Lane lane, int64_t count) {
  pqxx::work work(connection_);
  for (const char* statement : {kEmails, kQueue}) {
    work.exec_params(statement, tenants_, static_cast<int>(lane), next_, next_ + count - 1);
  }
  work.commit();
  next_ += count;
}

void QueueRows::QueueChunks(int64_t count) {
  pqxx::work work(connection_);
  for (const char* statement : {kEmails, kChunks}) {
    work.exec_params(statement, tenants_, static_cast<int>(Lane::kBulk), next_, next_ + count - 1);
  }
  work.commit();
  next_ += count;
}

void QueueRows::FinishChunks() {
  pqxx::nontransaction work(connection_);
  work.exec("UPDATE herald.chunks SET lease_until = now(), lease_token = 1");
  work.exec("DELETE FROM herald.chunks");
}

void QueueRows::Lengthen(Lane lane, int64_t count) {
  constexpr int64_t kStep = 500'000;
  for (int64_t done = 0; done < count; done += kStep) {
    pqxx::work work(connection_);
    work.exec_params(kQueue, tenants_, static_cast<int>(lane), kBehindAll + done,
                     kBehindAll + std::min(done + kStep, count) - 1);
    work.commit();
  }
}

void QueueRows::Empty() {
  pqxx::nontransaction work(connection_);
  work.exec("TRUNCATE herald.queue, herald.chunks, herald.emails");
}

void QueueRows::HoldSnapshot() {
  pqxx::nontransaction work(reader_);
  work.exec("BEGIN ISOLATION LEVEL REPEATABLE READ");
  work.exec("SELECT count(*) FROM herald.tenants");
}

void QueueRows::ReleaseSnapshot() {
  pqxx::nontransaction work(reader_);
  work.exec("COMMIT");
}

}  // namespace herald::bench

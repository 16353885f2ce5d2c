#include "bench/delivery/queue_rows.h"

#include <algorithm>

namespace herald::bench {
namespace {

constexpr char kEmails[] = R"sql(
INSERT INTO herald.emails
  (tenant_id, email_id, state, lane, test, template_version, expire_time, create_time, update_time,
   category, template_key, user_id, from_address, from_name, idempotency_key, metadata, traceparent,
   recipient_hash, recipient_sealed)
SELECT 1 + n % $1::bigint, n, 2, 4, false, 0, now() + interval '1 day', now(), now(), 'marketing',
       '', '', 'shop@example.org', 'Shop', n::text, '{}', '', '', sha256(n::text::bytea)
FROM generate_series(0, $2::bigint - 1) AS g (n)
)sql";

constexpr char kQueue[] = R"sql(
INSERT INTO herald.queue (tenant_id, email_id, lane, run_at, expire_time)
SELECT 1 + n % $1::bigint, n, $2::smallint, clock_timestamp(), now() + interval '1 day'
FROM (SELECT g % $3::bigint AS n FROM generate_series($4::bigint, $5::bigint) AS s (g)) e
ON CONFLICT DO NOTHING
)sql";

constexpr char kLengthen[] = R"sql(
INSERT INTO herald.queue (tenant_id, email_id, lane, run_at, expire_time)
SELECT 1 + n % $1::bigint, $3::bigint + n, $2::smallint, now(), now() + interval '1 day'
FROM generate_series(1, $4::bigint) AS g (n)
)sql";

}  // namespace

QueueRows::QueueRows(const std::string& dsn, int tenants, int64_t emails)
    : connection_(dsn), reader_(dsn), tenants_(tenants), emails_(emails) {
  pqxx::nontransaction work(connection_);
  work.exec("TRUNCATE herald.queue, herald.emails");
  work.exec_params(kEmails, tenants_, emails_);
  work.exec("VACUUM ANALYZE herald.emails");
}

void QueueRows::Queue(Lane lane, int64_t count) {
  pqxx::work work(connection_);
  work.exec_params(kQueue, tenants_, static_cast<int>(lane), emails_, next_, next_ + count - 1);
  work.commit();
  next_ += count;
}

void QueueRows::Lengthen(Lane lane, int64_t count) {
  constexpr int64_t kStep = 500'000;
  for (int64_t done = 0; done < count; done += kStep) {
    pqxx::work work(connection_);
    work.exec_params(kLengthen, tenants_, static_cast<int>(lane), emails_ + done,
                     std::min(kStep, count - done));
    work.commit();
  }
}

int64_t QueueRows::Queued() {
  pqxx::nontransaction work(connection_);
  return work.exec("SELECT count(*) FROM herald.queue WHERE lease_until IS NULL")[0][0]
      .as<int64_t>();
}

void QueueRows::Empty() {
  pqxx::nontransaction work(connection_);
  work.exec("TRUNCATE herald.queue");
  next_ = 0;
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

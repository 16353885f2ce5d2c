#include "bench/ingest/bulk_insert.h"

#include <atomic>
#include <pqxx/pqxx>
#include <thread>
#include <utility>
#include <vector>

#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "bench/ingest/requests.h"
#include "model/ids.h"
#include "storage/postgres/array_param.h"
#include "storage/postgres/email_store_sql.h"

namespace herald::bench {
namespace {

using storage::ArrayParam;

constexpr int kGroup = 500;
constexpr int kThreads = 2;
constexpr int kNode = 4095;  // of the ids; heraldd gets a lower one

// Text of arrays: what an array of kGroup equal elements looks like.
std::string Repeated(const pqxx::field& field) {
  ArrayParam array(kGroup, field.size() + 4);
  for (int i = 0; i < kGroup; ++i) {
    if (field.is_null()) {
      array.AddNull();
    } else {
      array.AddText(absl::string_view(field.c_str(), field.size()));
    }
  }
  return array.Take();
}

constexpr char kSample[] = R"sql(
SELECT tenant_id, lane, test, template_version, send_time, category, template_key, from_address,
       from_name, metadata, traceparent, recipient_sealed::text, content_sealed::text
FROM herald.emails JOIN herald.email_contents USING (tenant_id, email_id)
WHERE idempotency_key = $1
)sql";

// The columns that are equal in every row.
struct Columns {
  explicit Columns(const pqxx::row& row)
      : tenants(Repeated(row[0])),
        lanes(Repeated(row[1])),
        tests(Repeated(row[2])),
        versions(Repeated(row[3])),
        send_times(Repeated(row[4])),
        categories(Repeated(row[5])),
        template_keys(Repeated(row[6])),
        from_addresses(Repeated(row[7])),
        from_names(Repeated(row[8])),
        metadata(Repeated(row[9])),
        traceparents(Repeated(row[10])),
        recipients(Repeated(row[11])),
        contents(Repeated(row[12])) {
    ArrayParam none(kGroup, 5);
    for (int i = 0; i < kGroup; ++i) none.AddNull();
    chunks = none.Take();
  }

  const std::string tenants, lanes, tests, versions, send_times, categories, template_keys,
      from_addresses, from_names, metadata, traceparents, recipients, contents;
  std::string chunks;
};

std::string RandomHash(absl::BitGen& random) {
  std::string hash;
  for (int i = 0; i < 4; ++i) {
    const uint64_t word = absl::Uniform<uint64_t>(random);
    hash.append(reinterpret_cast<const char*>(&word), sizeof(word));
  }
  return hash;
}

// The columns that differ, of one group.
struct Group {
  Group(const OrderConfirmations& requests, int64_t first, EmailIdGenerator& generator,
        absl::BitGen& random) {
    ArrayParam id_array(kGroup, 20), key_array(kGroup, 48), user_array(kGroup, 16),
        hash_array(kGroup, 70), recipient_array(kGroup, 70), create_array(kGroup, 32),
        expiry_array(kGroup, 32), mark_array(kGroup, 20);
    const absl::Time now = absl::Now();
    for (int64_t number = first; number < first + kGroup; ++number) {
      id_array.AddInt(generator.Next(now).value);
      key_array.AddText(requests.Key(number));
      user_array.AddText(OrderConfirmations::UserId(number));
      hash_array.AddBytes(RandomHash(random));
      recipient_array.AddBytes(RandomHash(random));
      create_array.AddTime(now);
      expiry_array.AddTime(now + absl::Hours(72));
      mark_array.AddInt(static_cast<int64_t>(absl::Uniform<uint64_t>(random)));
    }
    ids = id_array.Take();
    keys = key_array.Take();
    users = user_array.Take();
    request_hashes = hash_array.Take();
    recipient_hashes = recipient_array.Take();
    create_times = create_array.Take();
    expire_times = expiry_array.Take();
    marks = mark_array.Take();
  }

  std::string ids, keys, users, request_hashes, recipient_hashes, create_times, expire_times, marks;
};

void InsertGroup(pqxx::connection& connection, const Columns& same, const Group& group) {
  pqxx::work work(connection);
  work.exec_params(storage::email_sql::kTakeKeys.sql, same.tenants, group.keys,
                   group.request_hashes, group.ids, group.expire_times);
  work.exec_params(storage::email_sql::kInsertEmails.sql, same.tenants, group.ids, same.lanes,
                   same.tests, same.versions, same.send_times, group.expire_times,
                   group.create_times, same.categories, same.template_keys, group.users,
                   same.from_addresses, same.from_names, group.keys, same.metadata,
                   same.traceparents, group.recipient_hashes, same.recipients, same.contents,
                   group.marks, same.chunks);
  work.commit();
}

}  // namespace

class BulkInsert::Impl {
 public:
  Impl(std::string dsn, std::string run, const pqxx::row& sample)
      : dsn_(std::move(dsn)), requests_(std::move(run)), same_(sample) {}

  absl::StatusOr<double> Run(absl::Duration warm_up, absl::Duration duration) {
    const absl::Time begin = absl::Now() + warm_up;
    const absl::Time end = begin + duration;
    std::atomic<int64_t> rows{0};
    std::vector<std::string> errors(kThreads);
    std::vector<std::thread> threads;
    for (std::string& error : errors) {
      threads.emplace_back([&, this] {
        try {
          InsertUntil(begin, end, rows);
        } catch (const std::exception& caught) {
          error = caught.what();
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    for (const std::string& error : errors) {
      if (!error.empty()) return absl::InternalError(absl::StrCat("bulk insert: ", error));
    }
    return static_cast<double>(rows) / absl::ToDoubleSeconds(duration);
  }

 private:
  void InsertUntil(absl::Time begin, absl::Time end, std::atomic<int64_t>& rows) {
    pqxx::connection connection(dsn_);
    absl::BitGen random;
    while (absl::Now() < end) {
      InsertGroup(connection, same_, Group(requests_, next_order_.fetch_add(kGroup), ids_, random));
      const absl::Time now = absl::Now();
      if (now >= begin && now < end) rows += kGroup;
    }
  }

  const std::string dsn_;
  const OrderConfirmations requests_;
  const Columns same_;
  std::atomic<int64_t> next_order_{0};
  EmailIdGenerator ids_{kNode};
};

BulkInsert::BulkInsert(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
BulkInsert::~BulkInsert() = default;

absl::StatusOr<std::unique_ptr<BulkInsert>> BulkInsert::Create(const std::string& dsn,
                                                               const std::string& sample,
                                                               std::string run) {
  try {
    pqxx::connection connection(dsn);
    pqxx::read_transaction work(connection);
    const pqxx::row row = work.exec_params1(kSample, sample);
    return std::unique_ptr<BulkInsert>(
        new BulkInsert(std::make_unique<Impl>(dsn, std::move(run), row)));
  } catch (const std::exception& error) {
    return absl::InternalError(absl::StrCat("no sample of a stored email: ", error.what()));
  }
}

absl::StatusOr<double> BulkInsert::Run(absl::Duration warm_up, absl::Duration duration) {
  return impl_->Run(warm_up, duration);
}

}  // namespace herald::bench

#include "storage/postgres/segment_store.h"

#include "storage/postgres/email_rows.h"
#include "storage/postgres/named_query.h"
#include "storage/postgres/transaction.h"

namespace herald::storage {
namespace {

using Row = absl::StatusOr<SegmentRow>;

#define HERALD_SEGMENT_COLUMNS \
  "segment_key, display_name, filter, herald.micros(create_time), herald.micros(update_time) "

// $1 tenant, $2 key.
constexpr NamedQuery kInsertSegment{
    "insert_segment",
    "INSERT INTO herald.segments (tenant_id, segment_key, display_name, filter) "
    "VALUES ($1::bigint, $2::text, $3::text, $4::text) "
    "ON CONFLICT (tenant_id, segment_key) DO NOTHING RETURNING " HERALD_SEGMENT_COLUMNS};

constexpr NamedQuery kGetSegment{
    "get_segment", "SELECT " HERALD_SEGMENT_COLUMNS
                   "FROM herald.segments WHERE tenant_id = $1::bigint AND segment_key = $2::text"};

constexpr NamedQuery kUpdateSegment{
    "update_segment",
    "UPDATE herald.segments SET display_name = coalesce($3::text, display_name), "
    "filter = coalesce($4::text, filter), update_time = now() "
    "WHERE tenant_id = $1::bigint AND segment_key = $2::text RETURNING " HERALD_SEGMENT_COLUMNS};

constexpr NamedQuery kDeleteSegment{
    "delete_segment",
    "DELETE FROM herald.segments WHERE tenant_id = $1::bigint AND segment_key = $2::text"};

constexpr NamedQuery kListSegments{
    "list_segments", "SELECT " HERALD_SEGMENT_COLUMNS
                     "FROM herald.segments WHERE tenant_id = $1::bigint AND segment_key > $2::text "
                     "ORDER BY segment_key LIMIT $3::integer"};

TransactionOptions For(TenantId tenant, const char* name, bool read_only = false) {
  return {.tenants = {tenant}, .read_only = read_only, .name = name};
}

absl::Status NoSegment() { return absl::NotFoundError("segment"); }

SegmentRow ReadSegment(const pqxx::row& row) {
  SegmentRow segment;
  segment.key = TextOf(row[0]);
  segment.display_name = TextOf(row[1]);
  segment.filter = TextOf(row[2]);
  segment.create_time = TimeOf(row[3]);
  segment.update_time = TimeOf(row[4]);
  return segment;
}

}  // namespace

Row PostgresSegmentStore::CreateSegment(TenantId tenant, const SegmentRow& row) {
  return StoreResult(
      RunTransaction(pool_, For(tenant, "create_segment"), [&](Transaction& transaction) -> Row {
        const pqxx::result rows =
            transaction.Exec(kInsertSegment, tenant, row.key, row.display_name, row.filter);
        if (rows.empty()) return absl::AlreadyExistsError("segment");
        return ReadSegment(rows[0]);
      }));
}

Row PostgresSegmentStore::GetSegment(TenantId tenant, absl::string_view key) {
  return StoreResult(
      RunTransaction(pool_, For(tenant, "get_segment", true), [&](Transaction& transaction) -> Row {
        const pqxx::result rows = transaction.Exec(kGetSegment, tenant, key);
        if (rows.empty()) return NoSegment();
        return ReadSegment(rows[0]);
      }));
}

Row PostgresSegmentStore::UpdateSegment(TenantId tenant, absl::string_view key,
                                        const SegmentChange& change) {
  return StoreResult(
      RunTransaction(pool_, For(tenant, "update_segment"), [&](Transaction& transaction) -> Row {
        const pqxx::result rows =
            transaction.Exec(kUpdateSegment, tenant, key, change.display_name, change.filter);
        if (rows.empty()) return NoSegment();
        return ReadSegment(rows[0]);
      }));
}

absl::Status PostgresSegmentStore::DeleteSegment(TenantId tenant, absl::string_view key) {
  return StoreError(RunTransaction(
      pool_, For(tenant, "delete_segment"), [&](Transaction& transaction) -> absl::Status {
        const pqxx::result result = transaction.Exec(kDeleteSegment, tenant, key);
        return result.affected_rows() == 0 ? NoSegment() : absl::OkStatus();
      }));
}

absl::StatusOr<std::vector<SegmentRow>> PostgresSegmentStore::ListSegments(
    TenantId tenant, int limit, absl::string_view after_key) {
  return StoreResult(RunTransaction(
      pool_, For(tenant, "list_segments", true),
      [&](Transaction& transaction) -> absl::StatusOr<std::vector<SegmentRow>> {
        std::vector<SegmentRow> rows;
        for (const pqxx::row& row : transaction.Exec(kListSegments, tenant, after_key, limit)) {
          rows.push_back(ReadSegment(row));
        }
        return rows;
      }));
}

}  // namespace herald::storage

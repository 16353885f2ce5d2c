#pragma once

#include "storage/delivery_event_store.h"
#include "storage/postgres/connection_pool.h"

namespace herald::storage {

// Providers' events in PostgreSQL, with the rights of the engine. `pool` must outlive it.
class PostgresDeliveryEventStore final : public DeliveryEventStore {
 public:
  explicit PostgresDeliveryEventStore(ConnectionPool& pool, SoftBounceLimit limit = {})
      : pool_(pool), limit_(limit) {}

  absl::StatusOr<RecordedEvents> RecordEvents(absl::Span<const ProviderEvent> events) override;

 private:
  ConnectionPool& pool_;
  const SoftBounceLimit limit_;
};

}  // namespace herald::storage

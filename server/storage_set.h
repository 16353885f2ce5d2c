#pragma once

#include <utility>

#include "model/steady_time.h"
#include "server/config/config.h"
#include "storage/crypto/master_keys.h"
#include "storage/postgres/account_health_store.h"
#include "storage/postgres/category_store.h"
#include "storage/postgres/chunk_store.h"
#include "storage/postgres/connection_pool.h"
#include "storage/postgres/contact_store.h"
#include "storage/postgres/database_clock.h"
#include "storage/postgres/delivery_event_store.h"
#include "storage/postgres/email_store.h"
#include "storage/postgres/history.h"
#include "storage/postgres/preference_store.h"
#include "storage/postgres/queue_maintenance.h"
#include "storage/postgres/queue_store.h"
#include "storage/postgres/rate_limit_store.h"
#include "storage/postgres/segment_store.h"
#include "storage/postgres/suppression_store.h"
#include "storage/postgres/template_store.h"
#include "storage/postgres/tenant_keys.h"
#include "storage/postgres/tenant_route_store.h"
#include "storage/postgres/tenant_store.h"

namespace herald {

// The stores, each on the pool that bounds it, its tenants' keys included. Lane CRITICAL waits for
// no other's connection, and acceptance and delivery for none of the API's.
struct StorageSet {
  StorageSet(const config::Config& config, storage::MasterKeys keys)
      : master_keys(std::move(keys)),
        api_pool({config.database_dsn, config.api_connections}),
        search_pool({config.database_dsn, config.search_connections}),
        acceptance_pool({config.database_dsn, config.acceptance_connections}),
        critical_pool({config.database_dsn, config.critical_connections}),
        delivery_pool({config.database_dsn, config.delivery_connections}),
        vacuum_pool({config.database_dsn, 1}),
        soft_bounces{config.soft_bounces.days, config.soft_bounces.window_days} {}

  storage::MasterKeys master_keys;
  storage::ConnectionPool api_pool;
  storage::ConnectionPool search_pool;
  storage::ConnectionPool acceptance_pool;
  storage::ConnectionPool critical_pool;
  storage::ConnectionPool delivery_pool;
  storage::ConnectionPool vacuum_pool;
  const storage::SoftBounceLimit soft_bounces;
  storage::TenantKeys keys{api_pool, master_keys, SteadyNow};
  storage::TenantKeys critical_keys{critical_pool, master_keys, SteadyNow};
  storage::TenantKeys accepting_keys{acceptance_pool, master_keys, SteadyNow};
  storage::TenantKeys delivery_keys{delivery_pool, master_keys, SteadyNow};
  storage::DatabaseClock clock{critical_pool};
  storage::PostgresTenantStore tenants{api_pool, keys};
  storage::PostgresTemplateStore templates{api_pool};
  storage::PostgresEmailStore emails{api_pool, keys};
  storage::PostgresEmailStore accepting_emails{acceptance_pool, accepting_keys};
  storage::PostgresEmailStore searched_emails{search_pool, keys};
  storage::PostgresDeliveryEventStore delivery_events{api_pool, soft_bounces};
  storage::PostgresCategoryStore categories{api_pool};
  storage::PostgresPreferenceStore preferences{api_pool, keys};
  storage::PostgresSuppressionStore suppressions{api_pool, keys};
  storage::PostgresContactStore contacts{api_pool, keys};
  storage::PostgresContactStore searched_contacts{search_pool, keys};
  storage::PostgresSegmentStore segments{api_pool};
  storage::PostgresQueueStore critical_queue{critical_pool, critical_keys};
  storage::PostgresQueueStore queue{delivery_pool, delivery_keys};
  storage::PostgresQueueStore api_queue{api_pool, keys};
  storage::PostgresTenantRouteStore tenant_routes{api_pool};
  storage::PostgresAccountHealthStore account_health{api_pool};
  // Of the engine's own: health must get through when the API is busy.
  storage::PostgresAccountHealthStore shared_health{critical_pool};
  storage::PostgresRateLimitStore critical_limits{critical_pool};
  storage::PostgresRateLimitStore limits{delivery_pool};
  storage::PostgresRateLimitStore ingest_limits{api_pool};
  storage::PostgresQueueMaintenance maintenance{delivery_pool, vacuum_pool};
  storage::PostgresHistory history{delivery_pool};
  storage::PostgresChunkStore chunks{delivery_pool, delivery_keys};
};

}  // namespace herald

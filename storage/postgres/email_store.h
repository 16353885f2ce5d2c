#pragma once

#include <string>
#include <vector>

#include "storage/email_store.h"
#include "storage/postgres/connection_pool.h"
#include "storage/postgres/tenant_keys.h"

namespace herald::storage {

// Emails in PostgreSQL, with the rights of the tenants named in a call. `pool` and `keys` must
// outlive it.
class PostgresEmailStore final : public EmailStore {
 public:
  PostgresEmailStore(ConnectionPool& pool, TenantKeys& keys) : pool_(pool), keys_(keys) {}

  absl::StatusOr<std::vector<AcceptResult>> AcceptEmails(
      absl::Span<const NewEmail> emails) override;
  absl::StatusOr<std::vector<std::shared_ptr<const EmailRecord>>> FindReplays(
      TenantId tenant, absl::Span<const KeyedRequest> requests) override;
  absl::StatusOr<EmailRecord> GetEmail(TenantId tenant, EmailId id) override;
  absl::StatusOr<std::vector<EmailRecord>> ListEmails(TenantId tenant,
                                                      const EmailQuery& query) override;
  absl::StatusOr<std::vector<EmailEventRow>> ListEvents(TenantId tenant, EmailId id) override;
  absl::StatusOr<FeedPage> ReadFeed(TenantId tenant, FeedCursor cursor, int limit) override;
  absl::StatusOr<FeedCursor> FeedEnd(TenantId tenant) override;
  absl::StatusOr<EmailRecord> CancelEmail(TenantId tenant, EmailId id) override;
  absl::StatusOr<EmailRecord> RescheduleEmail(TenantId tenant, EmailId id,
                                              absl::Time send_time) override;
  absl::StatusOr<std::vector<EmailId>> RedriveEmails(TenantId tenant, const EmailQuery& query,
                                                     absl::Duration lifetime,
                                                     absl::string_view actor) override;
  absl::StatusOr<EmailRecord> RedriveEmail(TenantId tenant, EmailId id, absl::Duration lifetime,
                                           absl::string_view actor) override;

 private:
  ConnectionPool& pool_;
  TenantKeys& keys_;
};

}  // namespace herald::storage

#pragma once

#include "storage/email_store.h"

namespace herald::support {

// An EmailStore of which a test overrides what it expects to be asked.
class UnaskedEmailStore : public storage::EmailStore {
 public:
  using Record = absl::StatusOr<storage::EmailRecord>;

  absl::StatusOr<std::vector<storage::AcceptResult>> AcceptEmails(
      absl::Span<const storage::NewEmail>) override {
    return Not();
  }
  absl::StatusOr<std::vector<std::shared_ptr<const storage::EmailRecord>>> FindReplays(
      TenantId, absl::Span<const storage::KeyedRequest>) override {
    return Not();
  }
  Record GetEmail(TenantId, EmailId) override { return Not(); }
  absl::StatusOr<std::vector<storage::EmailRecord>> ListEmails(
      TenantId, const storage::EmailQuery&) override {
    return Not();
  }
  absl::StatusOr<std::vector<storage::EmailEventRow>> ListEvents(TenantId, EmailId) override {
    return Not();
  }
  absl::StatusOr<storage::FeedPage> ReadFeed(TenantId, storage::FeedCursor, int) override {
    return Not();
  }
  absl::StatusOr<storage::FeedCursor> FeedEnd(TenantId) override { return Not(); }
  Record CancelEmail(TenantId, EmailId) override { return Not(); }
  Record RescheduleEmail(TenantId, EmailId, absl::Time) override { return Not(); }
  absl::StatusOr<std::vector<EmailId>> RedriveEmails(TenantId, const storage::EmailQuery&,
                                                     absl::Duration, absl::string_view) override {
    return Not();
  }
  Record RedriveEmail(TenantId, EmailId, absl::Duration, absl::string_view) override {
    return Not();
  }

 private:
  static absl::Status Not() { return absl::UnimplementedError("not asked for here"); }
};

}  // namespace herald::support

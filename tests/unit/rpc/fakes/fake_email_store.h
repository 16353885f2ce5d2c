#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "storage/email_store.h"

namespace herald::rpc {

// Emails and a feed in memory. Thread-safe.
class FakeEmailStore final : public storage::EmailStore {
 public:
  using Record = absl::StatusOr<storage::EmailRecord>;

  absl::StatusOr<std::vector<storage::AcceptResult>> AcceptEmails(
      absl::Span<const storage::NewEmail>) override {
    return absl::InternalError("acceptance is faked above the store");
  }
  absl::StatusOr<std::vector<std::shared_ptr<const storage::EmailRecord>>> FindReplays(
      TenantId, absl::Span<const storage::KeyedRequest>) override {
    return absl::InternalError("acceptance is faked above the store");
  }
  Record GetEmail(TenantId tenant, EmailId id) override {
    absl::MutexLock lock(&mu_);
    ++reads_;
    mu_.Await(absl::Condition(&open_));
    return Find(tenant, id);
  }
  absl::StatusOr<std::vector<storage::EmailRecord>> ListEmails(
      TenantId tenant, const storage::EmailQuery& query) override {
    absl::MutexLock lock(&mu_);
    if (!failure_.ok()) return failure_;
    query_ = query;
    std::vector<storage::EmailRecord> page;
    for (auto it = emails_.rbegin(); it != emails_.rend(); ++it) {
      if (it->second.tenant != tenant) continue;
      if (query.before.has_value() && it->first >= *query.before) continue;
      if (static_cast<int>(page.size()) < query.limit) page.push_back(it->second);
    }
    return page;
  }
  absl::StatusOr<std::vector<storage::EmailEventRow>> ListEvents(TenantId tenant,
                                                                 EmailId id) override {
    absl::MutexLock lock(&mu_);
    const Record found = Find(tenant, id);
    if (!found.ok()) return found.status();
    std::vector<storage::EmailEventRow> events;
    for (const auto& event : feed_) {
      if (event.email == id) events.push_back(event);
    }
    return events;
  }
  absl::StatusOr<storage::FeedPage> ReadFeed(TenantId, storage::FeedCursor cursor,
                                             int limit) override {
    absl::MutexLock lock(&mu_);
    if (!failure_.ok()) return failure_;
    storage::FeedPage page;
    page.next = cursor;
    for (auto i = static_cast<size_t>(cursor.sequence); i < feed_.size(); ++i) {
      if (static_cast<int>(page.events.size()) == limit) break;
      page.events.push_back(feed_[i]);
      page.next.sequence = static_cast<int64_t>(i) + 1;
    }
    return page;
  }
  absl::StatusOr<storage::FeedCursor> FeedEnd(TenantId) override {
    absl::MutexLock lock(&mu_);
    return storage::FeedCursor{0, static_cast<int64_t>(feed_.size())};
  }
  Record CancelEmail(TenantId tenant, EmailId id) override { return Move(tenant, id); }
  Record RescheduleEmail(TenantId tenant, EmailId id, absl::Time) override {
    return Move(tenant, id);
  }
  absl::StatusOr<std::vector<EmailId>> RedriveEmails(TenantId, const storage::EmailQuery& query,
                                                     absl::Duration, absl::string_view) override {
    absl::MutexLock lock(&mu_);
    query_ = query;
    return std::vector<EmailId>{EmailId{1}, EmailId{2}};
  }
  Record RedriveEmail(TenantId tenant, EmailId id, absl::Duration, absl::string_view) override {
    return Move(tenant, id);
  }

  void Put(TenantId tenant, EmailId id, const std::string& recipient, bool test = false) {
    absl::MutexLock lock(&mu_);
    storage::EmailRecord record;
    record.tenant = tenant;
    record.id = id;
    record.recipient = recipient;
    record.test = test;
    record.metadata = {{"order", "42"}};
    emails_[id] = record;
  }
  void Happen(EmailId email, EventType type) {
    absl::MutexLock lock(&mu_);
    storage::EmailEventRow row;
    row.email = email;
    row.type = type;
    feed_.push_back(row);
  }
  // Reads of single emails wait until Open.
  void Close() {
    absl::MutexLock lock(&mu_);
    open_ = false;
  }
  void Open() {
    absl::MutexLock lock(&mu_);
    open_ = true;
  }
  void AwaitReads(int count) {
    absl::MutexLock lock(&mu_);
    const auto reached = [this, count] { return reads_ >= count; };
    mu_.Await(absl::Condition(&reached));
  }
  void Fail(const absl::Status& status) {
    absl::MutexLock lock(&mu_);
    failure_ = status;
  }
  int reads() {
    absl::MutexLock lock(&mu_);
    return reads_;
  }
  storage::EmailQuery query() {
    absl::MutexLock lock(&mu_);
    return query_;
  }

 private:
  Record Find(TenantId tenant, EmailId id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    if (!failure_.ok()) return failure_;
    const auto found = emails_.find(id);
    if (found == emails_.end() || found->second.tenant != tenant) {
      return absl::NotFoundError("email");
    }
    return found->second;
  }
  Record Move(TenantId tenant, EmailId id) {
    absl::MutexLock lock(&mu_);
    return Find(tenant, id);
  }

  absl::Mutex mu_;
  absl::Status failure_ ABSL_GUARDED_BY(mu_);
  bool open_ ABSL_GUARDED_BY(mu_) = true;
  int reads_ ABSL_GUARDED_BY(mu_) = 0;
  storage::EmailQuery query_ ABSL_GUARDED_BY(mu_);
  std::map<EmailId, storage::EmailRecord> emails_ ABSL_GUARDED_BY(mu_);
  std::vector<storage::EmailEventRow> feed_ ABSL_GUARDED_BY(mu_);
};

}  // namespace herald::rpc

#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "storage/contact_store.h"
#include "tests/support/contact_matcher.h"

namespace herald::support {

// Contacts of all tenants in memory, by address. Thread-safe.
class FakeContactStore final : public storage::ContactStore {
 public:
  using Record = absl::StatusOr<storage::ContactRecord>;

  // What the next calls of Upsert answer, with the rows they were given; OK: they are stored.
  std::function<absl::Status(absl::Span<const storage::NewContact>)> on_upsert;
  std::function<void(TenantId)> on_find;  // may block

  // What Get, Find and Count answer from now on, unless OK.
  void set_status(absl::Status status) {
    absl::MutexLock lock(&mu_);
    status_ = std::move(status);
  }

  Record Create(TenantId tenant, const storage::NewContact& contact) override {
    absl::MutexLock lock(&mu_);
    auto& contacts = tenants_[tenant];
    if (contacts.count(contact.email_normalised) != 0) return absl::AlreadyExistsError("contact");
    return Put(contacts, contact);
  }
  Record Get(TenantId tenant, ContactId id) override {
    absl::MutexLock lock(&mu_);
    if (!status_.ok()) return status_;
    for (const auto& [address, record] : tenants_[tenant]) {
      if (record.id == id) return record;
    }
    return absl::NotFoundError("contact");
  }
  absl::StatusOr<ContactId> FindByEmail(TenantId tenant, absl::string_view normalised) override {
    absl::MutexLock lock(&mu_);
    const auto found = tenants_[tenant].find(std::string(normalised));
    if (found == tenants_[tenant].end()) return absl::NotFoundError("contact");
    return found->second.id;
  }
  Record Update(TenantId tenant, ContactId id, const storage::ContactChange& change) override {
    absl::MutexLock lock(&mu_);
    for (auto& [address, record] : tenants_[tenant]) {
      if (record.id != id) continue;
      if (change.name.has_value()) record.name = *change.name;
      if (change.tags.has_value()) record.tags = *change.tags;
      if (change.state.has_value()) record.state = *change.state;
      return record;
    }
    return absl::NotFoundError("contact");
  }
  absl::Status Delete(TenantId tenant, ContactId id) override {
    absl::MutexLock lock(&mu_);
    for (const auto& [address, record] : tenants_[tenant]) {
      if (record.id != id) continue;
      tenants_[tenant].erase(address);
      return absl::OkStatus();
    }
    return absl::NotFoundError("contact");
  }
  absl::StatusOr<storage::UpsertCounts> Upsert(
      TenantId tenant, absl::Span<const storage::NewContact> rows) override {
    if (on_upsert) {
      if (absl::Status status = on_upsert(rows); !status.ok()) return status;
    }
    absl::MutexLock lock(&mu_);
    storage::UpsertCounts counts;
    for (const storage::NewContact& row : rows) {
      ++(tenants_[tenant].count(row.email_normalised) != 0 ? counts.updated : counts.created);
      Put(tenants_[tenant], row);
    }
    return counts;
  }
  absl::StatusOr<std::vector<ContactId>> Find(TenantId tenant,
                                              const storage::ContactQuery& query) override {
    if (on_find) on_find(tenant);
    absl::MutexLock lock(&mu_);
    if (!status_.ok()) return status_;
    const bool newest = query.order == storage::ContactQuery::Order::kNewestFirst;
    std::vector<ContactId> ids;
    for (const auto& [address, record] : tenants_[tenant]) {
      const bool beyond = !query.after.has_value() ||
                          (newest ? record.id < *query.after : record.id > *query.after);
      if (beyond && Matches(query.filter, record)) ids.push_back(record.id);
    }
    std::sort(ids.begin(), ids.end());
    if (newest) std::reverse(ids.begin(), ids.end());
    if (ids.size() > static_cast<size_t>(query.limit)) ids.resize(static_cast<size_t>(query.limit));
    return ids;
  }
  absl::StatusOr<std::vector<storage::ContactRecord>> Load(
      TenantId tenant, absl::Span<const ContactId> ids) override {
    std::vector<storage::ContactRecord> records;
    for (const ContactId id : ids) {
      const Record record = Get(tenant, id);
      if (record.ok()) records.push_back(*record);
    }
    return records;
  }
  absl::StatusOr<storage::SegmentCount> Count(TenantId tenant, const storage::FilterNode& filter,
                                              int sample) override {
    storage::ContactQuery query;
    query.filter = filter;
    query.limit = 1'000'000;
    absl::StatusOr<std::vector<ContactId>> ids = Find(tenant, query);
    if (!ids.ok()) return ids.status();
    storage::SegmentCount count;
    count.contacts = static_cast<int64_t>(ids->size());
    ids->resize(std::min(ids->size(), static_cast<size_t>(sample)));
    count.sample = *std::move(ids);
    return count;
  }

 private:
  using Contacts = std::map<std::string, storage::ContactRecord>;

  static storage::ContactRecord Put(Contacts& contacts, const storage::NewContact& contact) {
    const auto [at, fresh] = contacts.try_emplace(contact.email_normalised);
    storage::ContactRecord& record = at->second;
    if (fresh) record.id = contact.id;
    record.email = contact.email;
    record.name = contact.name;
    record.user_id = contact.user_id;
    record.locale = contact.locale;
    record.time_zone = contact.time_zone;
    record.tags = contact.tags;
    record.attributes = contact.attributes;
    if (contact.state.has_value()) record.state = *contact.state;
    return record;
  }

  absl::Mutex mu_;
  absl::Status status_ ABSL_GUARDED_BY(mu_);
  std::map<TenantId, Contacts> tenants_ ABSL_GUARDED_BY(mu_);
};

}  // namespace herald::support

#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "model/ids.h"
#include "storage/contact_filter.h"

namespace herald::storage {

struct UpsertCounts {
  int created = 0;
  int updated = 0;
};

struct ContactQuery {
  enum class Order { kNewestFirst, kOldestFirst };
  FilterNode filter;
  Order order = Order::kNewestFirst;
  absl::optional<ContactId> after;  // beyond this one, in that order
  int limit = 50;
};

struct SegmentCount {
  int64_t contacts = 0;
  bool exact = true;
  std::vector<ContactId> sample;
};

// Matches are counted one by one up to so many; beyond, the number is estimated.
inline constexpr int kExactCountMax = 2'000;

// Contacts. Thread-safe, blocking. Errors of all methods: kUnavailable (the database is away),
// kNotFound (no such contact of this tenant; deleted ones are none), kAlreadyExists (the address is
// another contact's), kDeadlineExceeded (a filter took too long).
class ContactStore {
 public:
  virtual ~ContactStore() = default;

  virtual absl::StatusOr<ContactRecord> Create(TenantId tenant, const NewContact& contact) = 0;
  virtual absl::StatusOr<ContactRecord> Get(TenantId tenant, ContactId id) = 0;
  virtual absl::StatusOr<ContactId> FindByEmail(TenantId tenant, absl::string_view normalised) = 0;
  virtual absl::StatusOr<ContactRecord> Update(TenantId tenant, ContactId id,
                                               const ContactChange& change) = 0;
  // Leaves the id alone behind.
  virtual absl::Status Delete(TenantId tenant, ContactId id) = 0;

  // Creates or updates by address, in one transaction; each normalised address at most once. A
  // known contact takes the texts, tags and state that a row has, and its attributes beside its
  // own. kInvalidArgument: a row that the database refuses; nothing was stored.
  virtual absl::StatusOr<UpsertCounts> Upsert(TenantId tenant,
                                              absl::Span<const NewContact> contacts) = 0;

  // Ids of those that match, in the query's order.
  virtual absl::StatusOr<std::vector<ContactId>> Find(TenantId tenant,
                                                      const ContactQuery& query) = 0;
  // The contacts of these ids, in their order; those that were deleted meanwhile are left out.
  virtual absl::StatusOr<std::vector<ContactRecord>> Load(TenantId tenant,
                                                          absl::Span<const ContactId> ids) = 0;
  // How many match: exact up to kExactCountMax, else an estimate from some thousand contacts drawn
  // by the hash of their address, as also where counting would take more than some seconds.
  // `sample`: at most so many that match.
  virtual absl::StatusOr<SegmentCount> Count(TenantId tenant, const FilterNode& filter,
                                             int sample) = 0;
};

}  // namespace herald::storage

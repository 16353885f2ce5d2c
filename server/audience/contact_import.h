#pragma once

#include <functional>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "herald/v1/contact_service.pb.h"
#include "storage/contact_store.h"

namespace herald::audience {

// One import: checks rows, stores them a request at a time, and counts. Memory stays bounded: a
// request's rows, and at most 1000 errors. One thread at a time.
class ContactImport {
 public:
  // `store` and `ids` outlive it.
  ContactImport(storage::ContactStore& store, ContactIdGenerator& ids, TenantId tenant,
                std::function<absl::Time()> clock)
      : store_(store), ids_(ids), tenant_(tenant), clock_(std::move(clock)) {}

  // Stores the rows that are right and notes the others; blocks. INVALID_ARGUMENT: too many rows.
  // kUnavailable: none of them is known to be stored. After an error nothing more is added.
  absl::Status Add(const v1::ImportContactsRequest& request);

  // What was done so far; `row_count` is where an import that broke goes on.
  const v1::ImportContactsResponse& result() const { return result_; }

 private:
  struct Row {
    int64_t number = 0;
    storage::NewContact contact;
  };
  std::vector<Row> Check(const v1::ImportContactsRequest& request);
  absl::Status Store(absl::Span<const Row> rows);
  void NoteError(int64_t row, absl::string_view field, absl::string_view description);

  storage::ContactStore& store_;
  ContactIdGenerator& ids_;
  const TenantId tenant_;
  const std::function<absl::Time()> clock_;
  v1::ImportContactsResponse result_;
};

}  // namespace herald::audience

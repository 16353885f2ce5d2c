#pragma once

// How emails become rows and rows become emails. Includes libpqxx: only for sources of this folder.

#include <pqxx/pqxx>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/ids.h"
#include "storage/email.h"
#include "storage/postgres/tenant_keys.h"
#include "storage/postgres/transaction.h"

namespace herald::storage {

// What a sealed value is bound to: it opens only as this field of this email of this tenant.
std::string RecipientContext(TenantId tenant, EmailId email);
std::string ContentContext(TenantId tenant, EmailId email);

// Columns and tables of an EmailRecord: emails as `e`, the last attempt as `a`, the state as callers
// see it as `v.state`. Continue with WHERE.
extern const char kRecordSelect[];

// A row of kRecordSelect. The recipient is left empty when the tenant's key is gone; kUnavailable
// when it could not be fetched.
absl::StatusOr<EmailRecord> RecordOf(const pqxx::row& row, TenantKeys& keys);
absl::StatusOr<std::vector<EmailRecord>> RecordsOf(const pqxx::result& rows, TenantKeys& keys);

// A row of kListEvents or kReadFeed.
EmailEventRow EventOf(const pqxx::row& row);

// An email that leaves the queue in a final state other than by an attempt's end.
struct FinishedEmail {
  TenantId tenant;
  EmailId email;
  EmailState state = EmailState::kFailed;
  std::string reason;
  absl::optional<EventType> event;  // nullopt: evidence has spoken already, only the row goes
  std::string event_key;
  std::string detail;
};

// The queue rows must be locked by this transaction.
void FinishEmails(Transaction& transaction, const std::vector<FinishedEmail>& emails);

// A transaction's error as the seams promise it: whatever may pass with time, and a COMMIT whose
// outcome is unknown, is kUnavailable.
absl::Status StoreError(const absl::Status& status);

}  // namespace herald::storage

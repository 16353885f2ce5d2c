#pragma once

// How emails become rows and rows become emails. Includes libpqxx: only for sources of this folder.

#include <pqxx/pqxx>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "model/email_state.h"
#include "model/event.h"
#include "model/ids.h"
#include "storage/email.h"
#include "storage/postgres/tenant_keys.h"
#include "storage/postgres/transaction.h"
#include "storage/queue_store.h"

namespace herald::storage {

// The sealed fields of an email, named as their ciphers know them.
inline constexpr char kRecipientField[] = "recipient";
inline constexpr char kContentField[] = "content";

// Opens a sealed field, with keys as they are now. Not within a transaction. kUnavailable: the keys
// could not be fetched; any other error is the value's own.
absl::StatusOr<std::string> OpenField(TenantKeys& keys, TenantId tenant, EmailId email,
                                      absl::string_view field, absl::string_view sealed);

// Opens what a claimed email's columns hold, and finds its recipient's mark. Not within a
// transaction. kUnavailable: its tenant's keys could not be fetched, or the service's own not used;
// any other error is the email's own.
absl::Status OpenLeased(LeasedEmail& email, const pqxx::field& recipient_sealed,
                        const pqxx::field& content_sealed, TenantKeys& keys);

// Columns and tables of an EmailRecord: emails as `e`, the last attempt as `a`, the state as
// callers see it as `v.state`. Continue with WHERE.
extern const char kRecordSelect[];

// Rows of kRecordSelect. Not within a transaction. The recipient is left empty when the tenant's
// key is gone; kUnavailable when it could not be fetched.
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

// How an email ends that waits in the queue in `state` after so many attempts and may not go:
// suppressed for that reason, or overdue when it is empty. One that may have been taken FAILS,
// since neither word would be the truth.
FinishedEmail StopEmail(TenantId tenant, EmailId email, EmailState state, int attempts,
                        const std::string& suppression);

// The queue rows must be locked by this transaction.
void FinishEmails(Transaction& transaction, const std::vector<FinishedEmail>& emails);

// A transaction's error as the seams promise it: whatever may pass with time, and a COMMIT whose
// outcome is unknown, is kUnavailable.
absl::Status StoreError(const absl::Status& status);
// A transaction's result, its error as StoreError says.
template <class T>
absl::StatusOr<T> StoreResult(absl::StatusOr<T> result) {
  if (!result.ok()) return StoreError(result.status());
  return result;
}

}  // namespace herald::storage

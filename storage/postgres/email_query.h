#pragma once

// Finding emails. Includes libpqxx: only for sources of this folder.

#include <pqxx/pqxx>
#include <string>

#include "storage/email_store.h"
#include "storage/postgres/transaction.h"

namespace herald::storage {

enum class EmailOrder { kNewestFirst, kOldestFirst };

// The statement of FindEmails, for a test of its plan. `dead_only`: the query asks for DEAD alone.
std::string FindEmailsSql(EmailOrder order, bool dead_only);

// Rows of kRecordSelect. `recipient_hash` is the look-up hash of query.recipient_normalised, empty
// when that is.
pqxx::result FindEmails(Transaction& transaction, TenantId tenant, const EmailQuery& query,
                        absl::string_view recipient_hash, EmailOrder order);

// Rows of kRecordSelect, by `emails` as an array parameter.
pqxx::result FindEmailsById(Transaction& transaction, std::string tenants, std::string emails);
pqxx::result FindEmail(Transaction& transaction, TenantId tenant, EmailId email);

}  // namespace herald::storage

#include "storage/postgres/queue_store.h"

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "storage/postgres/array_param.h"
#include "storage/postgres/email_rows.h"
#include "storage/postgres/queue_locks.h"
#include "storage/postgres/queue_store_sql.h"
#include "storage/postgres/transaction.h"

namespace herald::storage {
namespace {

constexpr TransactionOptions Engine(const char* name, bool read_only = false) {
  return {.role = DatabaseRole::kEngine, .tenants = {}, .read_only = read_only, .name = name};
}

absl::StatusOr<std::string> OpenSealed(const TenantCipher& cipher, const pqxx::field& sealed,
                                       const std::string& context) {
  if (sealed.is_null()) return absl::NotFoundError("the email's content is gone");
  return cipher.Open(BytesOf(sealed), context);
}

absl::Status OpenInto(LeasedEmail& email, const pqxx::row& row, TenantKeys& keys) {
  const auto [tenant, id, token] = email.lease;
  absl::StatusOr<std::shared_ptr<const TenantCipher>> cipher = keys.CipherOf(tenant);
  if (!cipher.ok()) return cipher.status();
  absl::StatusOr<std::string> recipient =
      OpenSealed(**cipher, row["recipient_sealed"], RecipientContext(tenant, id));
  if (!recipient.ok()) return recipient.status();
  absl::StatusOr<std::string> content =
      OpenSealed(**cipher, row["content_sealed"], ContentContext(tenant, id));
  if (!content.ok()) return content.status();
  email.recipient = *std::move(recipient);
  email.content = *std::move(content);
  return absl::OkStatus();
}
}  // namespace

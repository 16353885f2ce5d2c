#include "storage/postgres/contact_store.h"

#include <algorithm>

#include "storage/postgres/array_param.h"
#include "storage/postgres/contact_rows.h"
#include "storage/postgres/contact_store_sql.h"
#include "storage/postgres/email_rows.h"
#include "storage/postgres/transaction.h"

namespace herald::storage {
namespace {

using Cipher = std::shared_ptr<const TenantCipher>;
using Record = absl::StatusOr<ContactRecord>;

TransactionOptions Api(TenantId tenant, const char* name, bool read_only) {
  return {.role = DatabaseRole::kApi, .tenants = {tenant}, .read_only = read_only, .name = name};
}

absl::Status NoContact() { return absl::NotFoundError("contact"); }

absl::optional<std::string> BytesOrNull(const std::string& bytes) {
  if (bytes.empty()) return absl::nullopt;
  return ByteaText(bytes);
}

// The parameters of kUpdateContact that a change of the sealed fields comes to.
struct SealedChange {
  absl::optional<std::string> address_hash;
  absl::optional<std::string> email;
  absl::optional<std::string> name;
};

// `row` is of kLockContact. A new address takes the name along, which is bound to it.
absl::StatusOr<SealedChange> SealChange(const pqxx::row& row, const ContactChange& change,
                                        const TenantCipher& cipher) {
  SealedChange sealed;
  const std::string old_hash = BytesOf(row[0]);
  if (!change.address.has_value()) {
    if (change.name.has_value()) {
      sealed.name = change.name->empty()
                        ? ByteaText("")
                        : ByteaText(SealContactName(cipher, old_hash, *change.name));
    }
    return sealed;
  }
  absl::StatusOr<std::string> name =
      change.name.has_value() ? *change.name : OpenContactName(cipher, old_hash, BytesOf(row[2]));
  if (!name.ok()) return name.status();
  const SealedContact fresh =
      SealContact(cipher, change.address->normalised, change.address->email, *name);
  sealed.address_hash = ByteaText(fresh.address_hash);
  sealed.email = ByteaText(fresh.email);
  sealed.name = ByteaText(fresh.name);
  return sealed;
}

}  // namespace

Record PostgresContactStore::Create(TenantId tenant, const NewContact& contact) {
  const absl::StatusOr<Cipher> cipher = keys_.For(tenant);
  if (!cipher.ok()) return cipher.status();
  const SealedContact sealed =
      SealContact(**cipher, contact.email_normalised, contact.email, contact.name);
  const ContactState state = contact.state.value_or(ContactState::kSubscribed);
  return StoreResult(RunTransaction(
      pool_, Api(tenant, "create_contact", false), [&](Transaction& transaction) -> Record {
        const pqxx::result rows = transaction.Exec(
            contact_sql::kInsertContact, tenant, contact.id, ByteaText(sealed.address_hash),
            ByteaText(sealed.email), BytesOrNull(sealed.name), contact.user_id, contact.locale,
            contact.time_zone, TextArray(contact.tags), contact.attributes,
            static_cast<int>(state));
        if (rows.empty()) return absl::AlreadyExistsError("contact");
        return ContactOf(rows[0], **cipher);
      }));
}

Record PostgresContactStore::Get(TenantId tenant, ContactId id) {
  const absl::StatusOr<std::vector<ContactRecord>> found = Load(tenant, {id});
  if (!found.ok()) return found.status();
  if (found->empty()) return NoContact();
  return found->front();
}

absl::StatusOr<ContactId> PostgresContactStore::FindByEmail(TenantId tenant,
                                                            absl::string_view normalised) {
  const absl::StatusOr<Cipher> cipher = keys_.For(tenant);
  if (!cipher.ok()) return cipher.status();
  const std::string hash = ByteaText((*cipher)->LookupHash(normalised));
  return RunTransaction(pool_, Api(tenant, "find_contact_by_address", true),
                        [&](Transaction& transaction) -> absl::StatusOr<ContactId> {
                          const pqxx::result rows =
                              transaction.Exec(contact_sql::kFindByHash, tenant, hash);
                          if (rows.empty()) return NoContact();
                          return ContactId{Int64Of(rows[0][0])};
                        });
}

Record PostgresContactStore::Update(TenantId tenant, ContactId id, const ContactChange& change) {
  const absl::StatusOr<Cipher> cipher = keys_.For(tenant);
  if (!cipher.ok()) return cipher.status();
  absl::optional<std::string> tags, state;
  if (change.tags.has_value()) tags = TextArray(*change.tags);
  if (change.state.has_value()) state = std::to_string(static_cast<int>(*change.state));
  return StoreResult(RunTransaction(
      pool_, Api(tenant, "update_contact", false), [&](Transaction& transaction) -> Record {
        const pqxx::result locked = transaction.Exec(contact_sql::kLockContact, tenant, id);
        if (locked.empty()) return NoContact();
        const absl::StatusOr<SealedChange> sealed = SealChange(locked[0], change, **cipher);
        if (!sealed.ok()) return sealed.status();
        const pqxx::result rows =
            transaction.Exec(contact_sql::kUpdateContact, tenant, id, sealed->address_hash,
                             sealed->email, sealed->name, change.user_id, change.locale,
                             change.time_zone, tags, change.attributes, state);
        return ContactOf(rows[0], **cipher);
      }));
}

absl::Status PostgresContactStore::Delete(TenantId tenant, ContactId id) {
  return StoreError(RunTransaction(
      pool_, Api(tenant, "delete_contact", false), [&](Transaction& transaction) -> absl::Status {
        const pqxx::result result = transaction.Exec(contact_sql::kDeleteContact, tenant, id);
        return result.affected_rows() == 0 ? NoContact() : absl::OkStatus();
      }));
}

absl::StatusOr<std::vector<ContactRecord>> PostgresContactStore::Load(
    TenantId tenant, absl::Span<const ContactId> ids) {
  if (ids.empty()) return std::vector<ContactRecord>();
  const absl::StatusOr<Cipher> cipher = keys_.For(tenant);
  if (!cipher.ok()) return cipher.status();
  ArrayParam wanted(ids.size(), 20);
  for (const ContactId id : ids) wanted.AddInt(id.value);
  const std::string array = wanted.Take();
  using Records = absl::StatusOr<std::vector<ContactRecord>>;
  return RunTransaction(
      pool_, Api(tenant, "load_contacts", true), [&](Transaction& transaction) -> Records {
        std::vector<ContactRecord> records;
        records.reserve(ids.size());
        for (const pqxx::row& row : transaction.Exec(contact_sql::kLoadContacts, tenant, array)) {
          Record record = ContactOf(row, **cipher);
          if (!record.ok()) return record.status();
          records.push_back(*std::move(record));
        }
        return records;
      });
}

}  // namespace herald::storage

// Upsert: many contacts in few statements.

#include <algorithm>

#include "storage/postgres/array_param.h"
#include "storage/postgres/contact_rows.h"
#include "storage/postgres/contact_store.h"
#include "storage/postgres/contact_store_sql.h"
#include "storage/postgres/email_rows.h"
#include "storage/postgres/transaction.h"

namespace herald::storage {
namespace {

struct SealedRow {
  const NewContact* contact = nullptr;
  SealedContact sealed;
};

// The arrays of kUpsertContacts and kSetStates. Built once: the transaction may run more than once.
struct UpsertArrays {
  explicit UpsertArrays(absl::Span<const SealedRow> rows);

  std::string ids, hashes, emails, names, users, locales, zones, tags, attributes, states;
  std::string stated_hashes, stated_states;  // of the rows that say a state
  bool some_stated = false;
};

// Bytes of an array element as text; a guess that saves growing.
constexpr size_t kHashBytes = 70;
constexpr size_t kSealedBytes = 130;
constexpr size_t kTextBytes = 24;
constexpr size_t kJsonBytes = 100;

UpsertArrays::UpsertArrays(absl::Span<const SealedRow> rows) {
  const size_t n = rows.size();
  ArrayParam id(n, 20), hash(n, kHashBytes), email(n, kSealedBytes), name(n, kSealedBytes),
      user(n, kTextBytes), locale(n), zone(n, kTextBytes), tag(n, kJsonBytes),
      attribute(n, kJsonBytes), state(n, 1), stated_hash, stated_state;
  for (const SealedRow& row : rows) {
    const NewContact& contact = *row.contact;
    id.AddInt(contact.id.value);
    hash.AddBytes(row.sealed.address_hash);
    email.AddBytes(row.sealed.email);
    if (row.sealed.name.empty()) {
      name.AddNull();
    } else {
      name.AddBytes(row.sealed.name);
    }
    user.AddText(contact.user_id);
    locale.AddText(contact.locale);
    zone.AddText(contact.time_zone);
    tag.AddText(TextArray(contact.tags));
    attribute.AddText(contact.attributes);
    state.AddInt(static_cast<int64_t>(contact.state.value_or(ContactState::kSubscribed)));
    if (!contact.state.has_value()) continue;
    some_stated = true;
    stated_hash.AddBytes(row.sealed.address_hash);
    stated_state.AddInt(static_cast<int64_t>(*contact.state));
  }
  ids = id.Take(), hashes = hash.Take(), emails = email.Take(), names = name.Take();
  users = user.Take(), locales = locale.Take(), zones = zone.Take(), tags = tag.Take();
  attributes = attribute.Take(), states = state.Take();
  stated_hashes = stated_hash.Take(), stated_states = stated_state.Take();
}

UpsertCounts RunUpsert(Transaction& transaction, TenantId tenant, const UpsertArrays& arrays) {
  const pqxx::result result = transaction.Exec(
      contact_sql::kUpsertContacts, tenant, arrays.ids, arrays.hashes, arrays.emails, arrays.names,
      arrays.users, arrays.locales, arrays.zones, arrays.tags, arrays.attributes, arrays.states);
  if (arrays.some_stated) {
    transaction.Exec(contact_sql::kSetStates, tenant, arrays.stated_hashes, arrays.stated_states);
  }
  const int created = IntOf(result[0][0]);
  return {created, IntOf(result[0][1]) - created};
}

}  // namespace

absl::StatusOr<UpsertCounts> PostgresContactStore::Upsert(TenantId tenant,
                                                          absl::Span<const NewContact> contacts) {
  if (contacts.empty()) return UpsertCounts{};
  const absl::StatusOr<std::shared_ptr<const TenantCipher>> cipher = keys_.For(tenant);
  if (!cipher.ok()) return cipher.status();
  std::vector<SealedRow> rows;
  rows.reserve(contacts.size());
  for (const NewContact& contact : contacts) {
    rows.push_back(
        {&contact, SealContact(**cipher, contact.email_normalised, contact.email, contact.name)});
  }
  std::sort(rows.begin(), rows.end(), [](const SealedRow& a, const SealedRow& b) {
    return a.sealed.address_hash < b.sealed.address_hash;
  });
  const UpsertArrays arrays(rows);
  const absl::StatusOr<UpsertCounts> counts = RunTransaction(
      pool_, {.role = DatabaseRole::kApi, .tenants = {tenant}, .name = "upsert_contacts"},
      [&](Transaction& transaction) -> absl::StatusOr<UpsertCounts> {
        return RunUpsert(transaction, tenant, arrays);
      });
  if (!counts.ok()) return StoreError(counts.status());
  return counts;
}

}  // namespace herald::storage

// Upsert: many contacts in few statements.

#include <algorithm>
#include <utility>

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

// The arrays of kUpsertContacts. Built once: the transaction may run more than once.
struct UpsertArrays {
  explicit UpsertArrays(absl::Span<const SealedRow> rows);

  std::string ids, hashes, emails, names, users, locales, zones, tags, attributes, states;
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
      attribute(n, kJsonBytes), state(n, 1);
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
  }
  ids = id.Take(), hashes = hash.Take(), emails = email.Take(), names = name.Take();
  users = user.Take(), locales = locale.Take(), zones = zone.Take(), tags = tag.Take();
  attributes = attribute.Take(), states = state.Take();
}

void RunUpsert(Transaction& transaction, TenantId tenant, const UpsertArrays& arrays,
               bool states_hold, UpsertCounts& counts) {
  const pqxx::result result =
      transaction.Exec(contact_sql::kUpsertContacts, tenant, arrays.ids, arrays.hashes,
                       arrays.emails, arrays.names, arrays.users, arrays.locales, arrays.zones,
                       arrays.tags, arrays.attributes, arrays.states, states_hold);
  const int created = IntOf(result[0][0]);
  counts.created += created;
  counts.updated += IntOf(result[0][1]) - created;
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
  // Those that say a state first; each kind in the order of the hashes.
  const auto order = [](const SealedRow& row) {
    return std::pair<bool, absl::string_view>(!row.contact->state.has_value(),
                                              row.sealed.address_hash);
  };
  std::sort(rows.begin(), rows.end(),
            [&](const SealedRow& a, const SealedRow& b) { return order(a) < order(b); });
  const auto middle = std::find_if(rows.begin(), rows.end(), [](const SealedRow& row) {
    return !row.contact->state.has_value();
  });
  const auto stated = static_cast<size_t>(middle - rows.begin());
  const absl::Span<const SealedRow> all(rows);
  const UpsertArrays with_state(all.subspan(0, stated)), without(all.subspan(stated));
  const absl::StatusOr<UpsertCounts> counts = RunTransaction(
      pool_, {.role = DatabaseRole::kApi, .tenants = {tenant}, .name = "upsert_contacts"},
      [&](Transaction& transaction) -> absl::StatusOr<UpsertCounts> {
        UpsertCounts counts;
        if (stated > 0) RunUpsert(transaction, tenant, with_state, true, counts);
        if (stated < rows.size()) RunUpsert(transaction, tenant, without, false, counts);
        return counts;
      });
  if (!counts.ok()) return StoreError(counts.status());
  return counts;
}

}  // namespace herald::storage

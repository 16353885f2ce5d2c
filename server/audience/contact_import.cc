#include "server/audience/contact_import.h"

#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "server/audience/contact_rules.h"
#include "server/config/limits.h"

namespace herald::audience {

void ContactImport::NoteError(int64_t row, absl::string_view field, absl::string_view description) {
  if (result_.errors_size() >= limits::kImportErrorsMax) return;
  v1::ImportContactsError& error = *result_.add_errors();
  error.set_row(row);
  error.set_field(std::string(field));
  error.set_description(std::string(description));
}

// The rows that are right. Of an address that comes more than once, the last.
std::vector<ContactImport::Row> ContactImport::Check(const v1::ImportContactsRequest& request) {
  const absl::Time now = clock_();
  std::vector<Row> rows;
  rows.reserve(static_cast<size_t>(request.contacts_size()));
  absl::flat_hash_map<std::string, size_t> by_address;
  by_address.reserve(static_cast<size_t>(request.contacts_size()));
  std::vector<FieldViolation> violations;
  for (const v1::Contact& contact : request.contacts()) {
    const int64_t number = result_.row_count();
    result_.set_row_count(number + 1);
    violations.clear();
    Row row{number, CheckContact(contact, "", violations)};
    if (!violations.empty()) {
      result_.set_failed_count(result_.failed_count() + 1);
      for (const FieldViolation& violation : violations) {
        NoteError(number, violation.field, violation.description);
      }
      continue;
    }
    row.contact.id = ids_.Next(now);
    const auto [known, fresh] = by_address.try_emplace(row.contact.email_normalised, rows.size());
    if (fresh) {
      rows.push_back(std::move(row));
      continue;
    }
    result_.set_repeated_count(result_.repeated_count() + 1);
    rows[known->second] = std::move(row);
  }
  return rows;
}

// A row that the database refuses is separated from its neighbours by halving.
absl::Status ContactImport::Store(absl::Span<const Row> rows) {
  if (rows.empty()) return absl::OkStatus();
  std::vector<storage::NewContact> contacts;
  contacts.reserve(rows.size());
  for (const Row& row : rows) contacts.push_back(row.contact);
  const absl::StatusOr<storage::UpsertCounts> counts = store_.Upsert(tenant_, contacts);
  if (counts.ok()) {
    result_.set_created_count(result_.created_count() + counts->created);
    result_.set_updated_count(result_.updated_count() + counts->updated);
    return absl::OkStatus();
  }
  if (!absl::IsInvalidArgument(counts.status())) return counts.status();
  if (rows.size() == 1) {
    result_.set_failed_count(result_.failed_count() + 1);
    NoteError(rows[0].number, "attributes", "cannot be stored beside what the contact has");
    return absl::OkStatus();
  }
  const size_t half = rows.size() / 2;
  if (absl::Status status = Store(rows.subspan(0, half)); !status.ok()) return status;
  return Store(rows.subspan(half));
}

absl::Status ContactImport::Add(const v1::ImportContactsRequest& request) {
  if (request.contacts_size() > limits::kImportRowsMax) {
    return InvalidRequest(
        {{"contacts", absl::StrCat("has more than ", limits::kImportRowsMax, " rows")}});
  }
  const v1::ImportContactsResponse before = result_;
  const absl::Status stored = Store(Check(request));
  if (!stored.ok()) result_ = before;
  return stored;
}

}  // namespace herald::audience

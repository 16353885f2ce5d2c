#pragma once

#include <istream>
#include <memory>
#include <ostream>
#include <string>

#include "absl/status/statusor.h"
#include "client/heraldctl/row_reader.h"
#include "herald/v1/contact_service.pb.h"

namespace herald::heraldctl {

enum class ContactFormat { kCsv, kJsonLines };

// "csv" or "jsonl"; when `name` is empty, by the end of `path`.
absl::StatusOr<ContactFormat> ParseContactFormat(const std::string& name, const std::string& path);

// The contacts of a file, one by one.
//
// CSV has a first line that names its columns: email, name, user_id, locale, time_zone, state, tags
// (separated by semicolons) and attributes.NAME: true, false and numbers as such, an empty field as
// none, all else as text. A number has digits with at most one point, no leading zero, and not more
// than fifteen of them, since more would not be kept. JSON lines hold a Contact each, in protobuf's
// JSON.
using ContactReader = RowReader<v1::Contact>;

// `in` outlives the reader.
absl::StatusOr<std::unique_ptr<ContactReader>> MakeContactReader(ContactFormat format,
                                                                 std::istream& in);

// Writes one contact; CSV has attributes as JSON in one column, since names differ by contact.
void WriteContact(ContactFormat format, const v1::Contact& contact, std::ostream& out);
// The first line of a CSV file.
void WriteContactHeader(ContactFormat format, std::ostream& out);

}  // namespace herald::heraldctl

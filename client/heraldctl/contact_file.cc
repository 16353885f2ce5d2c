#include "client/heraldctl/contact_file.h"

#include <google/protobuf/util/json_util.h>

#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "client/heraldctl/csv_reader.h"
#include "client/heraldctl/csv_table.h"
#include "client/heraldctl/failure.h"
#include "client/heraldctl/output.h"

namespace herald::heraldctl {
namespace {

constexpr char kAttribute[] = "attributes.";

// Digits that a number would lose are no number: "01234" is a postal code, twenty digits an id.
bool IsNumber(absl::string_view text) {
  constexpr size_t kExactDigits = 15;  // of a double
  constexpr char kDigits[] = "0123456789";
  absl::ConsumePrefix(&text, "-");
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(text, absl::MaxSplits('.', 1));
  const auto [whole, fraction] = parts;
  if (whole.empty() || whole.find_first_not_of(kDigits) != absl::string_view::npos) return false;
  if (whole.size() > 1 && whole[0] == '0') return false;
  if (absl::EndsWith(text, ".")) return false;
  if (fraction.find_first_not_of(kDigits) != absl::string_view::npos) return false;
  return whole.size() + fraction.size() <= kExactDigits;
}

void SetScalar(const std::string& text, google::protobuf::Value& value) {
  double number = 0;
  if (text == "true" || text == "false") {
    value.set_bool_value(text == "true");
  } else if (IsNumber(text) && absl::SimpleAtod(text, &number)) {
    value.set_number_value(number);
  } else {
    value.set_string_value(text);
  }
}

bool SetAttributes(const std::string& json, google::protobuf::Struct& attributes) {
  return google::protobuf::util::JsonStringToMessage(json, &attributes).ok();
}

// False for a value that the column does not take.
bool SetColumn(const std::string& column, const std::string& text, v1::Contact& contact) {
  if (text.empty()) return true;
  if (column == "email") {
    contact.set_email(text);
  } else if (column == "name") {
    contact.set_name(text);
  } else if (column == "user_id") {
    contact.set_user_id(text);
  } else if (column == "locale") {
    contact.set_locale(text);
  } else if (column == "time_zone") {
    contact.set_time_zone(text);
  } else if (column == "tags") {
    for (absl::string_view tag : absl::StrSplit(text, ';', absl::SkipWhitespace())) {
      contact.add_tags(std::string(absl::StripAsciiWhitespace(tag)));
    }
  } else if (column == "attributes") {
    return SetAttributes(text, *contact.mutable_attributes());
  } else if (column == "state") {
    v1::Contact::State state;
    if (!v1::Contact::State_Parse(absl::StrCat("STATE_", text), &state)) return false;
    contact.set_state(state);
  } else {
    auto& fields = *contact.mutable_attributes()->mutable_fields();
    SetScalar(text, fields[column.substr(sizeof(kAttribute) - 1)]);
  }
  return true;
}

// What an export writes, some of which only the server gives.
bool IsReadOnly(const std::string& column) {
  return column == "id" || column == "create_time" || column == "update_time";
}

bool IsColumn(const std::string& column) {
  static const std::vector<std::string> names = {"email",     "name", "user_id", "locale",
                                                 "time_zone", "tags", "state",   "attributes"};
  return std::find(names.begin(), names.end(), column) != names.end() || IsReadOnly(column) ||
         absl::StartsWith(column, kAttribute);
}

class CsvContacts final : public ContactReader {
 public:
  explicit CsvContacts(std::istream& in) : table_(in) {}

  absl::Status ReadHeader() {
    return table_.ReadHeader(
        IsColumn, "email, name, user_id, locale, time_zone, state, tags and attributes.NAME");
  }

  absl::StatusOr<bool> Next(v1::Contact& contact) override {
    contact.Clear();
    const absl::StatusOr<bool> read = table_.Next();
    if (!read.ok() || !*read) return read;
    for (size_t i = 0; i < table_.columns().size(); ++i) {
      const std::string& column = table_.columns()[i];
      if (IsReadOnly(column) || SetColumn(column, table_.fields()[i], contact)) continue;
      return table_.Refuse(i);
    }
    return true;
  }

 private:
  CsvTable table_;
};

class JsonContacts final : public ContactReader {
 public:
  explicit JsonContacts(std::istream& in) : in_(in) {}

  absl::StatusOr<bool> Next(v1::Contact& contact) override {
    std::string text;
    do {
      if (!std::getline(in_, text)) return false;
      ++line_;
    } while (absl::StripAsciiWhitespace(text).empty());
    contact.Clear();
    if (!google::protobuf::util::JsonStringToMessage(text, &contact).ok()) {
      return UsageError(absl::StrCat("line ", line_, ": not a contact in JSON"));
    }
    return true;
  }

 private:
  std::istream& in_;
  int64_t line_ = 0;
};

std::string AttributesText(const v1::Contact& contact) {
  std::string json;
  if (contact.has_attributes()) {
    (void)google::protobuf::util::MessageToJsonString(contact.attributes(), &json);
  }
  return json;
}

}  // namespace

absl::StatusOr<ContactFormat> ParseContactFormat(const std::string& name, const std::string& path) {
  if (name == "csv" || (name.empty() && absl::EndsWith(path, ".csv"))) return ContactFormat::kCsv;
  if (name == "jsonl" || (name.empty() && absl::EndsWith(path, ".jsonl"))) {
    return ContactFormat::kJsonLines;
  }
  return UsageError("say --format csv or --format jsonl, or name the file .csv or .jsonl");
}

absl::StatusOr<std::unique_ptr<ContactReader>> MakeContactReader(ContactFormat format,
                                                                 std::istream& in) {
  std::unique_ptr<ContactReader> reader;
  if (format == ContactFormat::kJsonLines) {
    reader = std::make_unique<JsonContacts>(in);
    return reader;
  }
  auto csv = std::make_unique<CsvContacts>(in);
  if (absl::Status status = csv->ReadHeader(); !status.ok()) return status;
  reader = std::move(csv);
  return reader;
}

void WriteContactHeader(ContactFormat format, std::ostream& out) {
  if (format != ContactFormat::kCsv) return;
  out << "id,email,name,user_id,locale,time_zone,state,tags,attributes,create_time,update_time\n";
}

void WriteContact(ContactFormat format, const v1::Contact& contact, std::ostream& out) {
  if (format == ContactFormat::kJsonLines) return PrintJson(out, contact);
  const std::vector<std::string> fields = {
      contact.id(),
      contact.email(),
      contact.name(),
      contact.user_id(),
      contact.locale(),
      contact.time_zone(),
      ShortName("STATE_", v1::Contact::State_Name(contact.state())),
      absl::StrJoin(contact.tags(), ";"),
      AttributesText(contact),
      absl::FormatTime(FromProto(contact.create_time()), absl::UTCTimeZone()),
      absl::FormatTime(FromProto(contact.update_time()), absl::UTCTimeZone())};
  out << absl::StrJoin(fields, ",", [](std::string* text, const std::string& field) {
    text->append(CsvField(field));
  }) << "\n";
}

}  // namespace herald::heraldctl

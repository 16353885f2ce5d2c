#include "client/heraldctl/suppression_file.h"

#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "client/heraldctl/csv_table.h"
#include "client/heraldctl/output.h"

namespace herald::heraldctl {
namespace {

using Row = v1::CreateSuppressionRequest;

// What an export writes, some of which only the server gives.
bool IsReadOnly(const std::string& column) {
  return column == "id" || column == "source" || column == "create_time";
}

bool IsColumn(const std::string& column) {
  return column == "email" || column == "reason" || column == "expire_time" || IsReadOnly(column);
}

// False for a value that the column does not take.
bool SetColumn(const std::string& column, const std::string& text, Row& row) {
  if (text.empty() || IsReadOnly(column)) return true;
  if (column == "email") {
    row.set_email(text);
  } else if (column == "reason") {
    row.set_reason(ReasonOf(text));
    return row.reason() != v1::Suppression::REASON_UNSPECIFIED;
  } else {
    absl::Time time;
    if (!absl::ParseTime(absl::RFC3339_full, text, &time, nullptr)) return false;
    *row.mutable_expire_time() = ToProto(time);
  }
  return true;
}

class CsvSuppressions final : public RowReader<Row> {
 public:
  CsvSuppressions(std::istream& in, v1::Suppression::Reason reason) : reason_(reason), table_(in) {}

  absl::Status ReadHeader() { return table_.ReadHeader(IsColumn, "email, reason and expire_time"); }

  absl::StatusOr<bool> Next(Row& row) override {
    row.Clear();
    row.set_reason(reason_);
    const absl::StatusOr<bool> read = table_.Next();
    if (!read.ok() || !*read) return read;
    for (size_t i = 0; i < table_.columns().size(); ++i) {
      if (!SetColumn(table_.columns()[i], table_.fields()[i], row)) return table_.Refuse(i);
    }
    return true;
  }

 private:
  const v1::Suppression::Reason reason_;
  CsvTable table_;
};

std::string TimeText(bool present, const google::protobuf::Timestamp& time) {
  return present ? absl::FormatTime(FromProto(time), absl::UTCTimeZone()) : "";
}

}  // namespace

std::string ReasonText(v1::Suppression::Reason reason) {
  return absl::AsciiStrToLower(ShortName("REASON_", v1::Suppression::Reason_Name(reason)));
}

v1::Suppression::Reason ReasonOf(absl::string_view text) {
  v1::Suppression::Reason reason = v1::Suppression::REASON_UNSPECIFIED;
  v1::Suppression::Reason_Parse(absl::StrCat("REASON_", absl::AsciiStrToUpper(text)), &reason);
  return reason;
}

absl::StatusOr<std::unique_ptr<RowReader<Row>>> MakeSuppressionReader(
    std::istream& in, v1::Suppression::Reason reason) {
  auto csv = std::make_unique<CsvSuppressions>(in, reason);
  if (absl::Status status = csv->ReadHeader(); !status.ok()) return status;
  std::unique_ptr<RowReader<Row>> reader = std::move(csv);
  return reader;
}

void WriteSuppressionHeader(std::ostream& out) {
  out << "email,reason,expire_time,source,create_time,id\n";
}

void WriteSuppression(const v1::Suppression& suppression, std::ostream& out) {
  const std::vector<std::string> fields = {
      suppression.email(),
      ReasonText(suppression.reason()),
      TimeText(suppression.has_expire_time(), suppression.expire_time()),
      suppression.source(),
      TimeText(suppression.has_create_time(), suppression.create_time()),
      suppression.id()};
  out << absl::StrJoin(fields, ",", [](std::string* text, const std::string& field) {
    text->append(CsvField(field));
  }) << "\n";
}

}  // namespace herald::heraldctl

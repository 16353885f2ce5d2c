#include "client/heraldctl/csv_reader.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "client/heraldctl/failure.h"

namespace herald::heraldctl {
namespace {

constexpr int kEnd = std::char_traits<char>::eof();

}  // namespace

// After the opening quote, to behind the closing one.
absl::Status CsvReader::Quoted(std::string& field) {
  while (true) {
    const int c = in_.get();
    if (c == kEnd)
      return UsageError(absl::StrCat("line ", record_line_, ": a quote is not closed"));
    if (c == '\n') ++line_;
    if (c == '"') {
      if (in_.peek() != '"') break;
      in_.get();
    }
    field.push_back(static_cast<char>(c));
  }
  const int next = in_.peek();
  if (next == kEnd || next == ',' || next == '\r' || next == '\n') return absl::OkStatus();
  return UsageError(absl::StrCat("line ", line_, ": a field goes on behind its closing quote"));
}

absl::StatusOr<bool> CsvReader::Next(std::vector<std::string>& fields) {
  fields.clear();
  if (record_line_ == 0 && in_.peek() == 0xEF) {  // a byte order mark
    for (int i = 0; i < 3; ++i) in_.get();
  }
  while (in_.peek() == '\n' || in_.peek() == '\r') {  // an empty line is no record
    if (in_.get() == '\n') ++line_;
  }
  if (in_.peek() == kEnd) return false;
  record_line_ = line_;
  fields.emplace_back();
  while (true) {
    const int c = in_.get();
    std::string& field = fields.back();
    if (c == ',') {
      fields.emplace_back();
    } else if (c == kEnd || c == '\n') {
      line_ += c == '\n';
      return true;
    } else if (c == '"' && field.empty()) {
      if (absl::Status status = Quoted(field); !status.ok()) return status;
    } else if (c == '"') {
      return UsageError(absl::StrCat("line ", line_, ": a quote inside a field without quotes"));
    } else if (c != '\r' || in_.peek() != '\n') {
      field.push_back(static_cast<char>(c));
    }
  }
}

std::string CsvField(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  return absl::StrCat("\"", absl::StrReplaceAll(text, {{"\"", "\"\""}}), "\"");
}

}  // namespace herald::heraldctl

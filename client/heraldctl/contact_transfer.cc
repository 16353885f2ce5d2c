#include "client/heraldctl/contact_transfer.h"

#include <filesystem>
#include <fstream>
#include <iostream>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/heraldctl/contact_file.h"
#include "client/heraldctl/failure.h"
#include "client/heraldctl/output.h"
#include "client/heraldctl/progress_bar.h"

namespace herald::heraldctl {
namespace {

constexpr int kRowsOfRequest = 2000;
constexpr size_t kRequestsOfCall = 10;

// A file to import from, and how much of it was read.
class Source {
 public:
  absl::Status Open(const std::string& path) {
    if (path == "-") return absl::OkStatus();
    file_.open(path, std::ios::binary);
    if (!file_) return UsageError(absl::StrCat("cannot read ", path));
    std::error_code error;
    const auto size = std::filesystem::file_size(path, error);
    if (!error) size_ = static_cast<double>(size);
    return absl::OkStatus();
  }
  std::istream& stream() { return file_.is_open() ? file_ : std::cin; }
  double share() {
    if (size_ <= 0) return -1;
    const auto at = file_.tellg();
    return at < 0 ? 1 : static_cast<double>(at) / size_;
  }

 private:
  std::ifstream file_;
  double size_ = 0;
};

void AddCounts(const v1::ImportContactsResponse& call, int64_t first_row,
               v1::ImportContactsResponse& sum) {
  sum.set_row_count(sum.row_count() + call.row_count());
  sum.set_created_count(sum.created_count() + call.created_count());
  sum.set_updated_count(sum.updated_count() + call.updated_count());
  sum.set_failed_count(sum.failed_count() + call.failed_count());
  sum.set_repeated_count(sum.repeated_count() + call.repeated_count());
  for (const v1::ImportContactsError& error : call.errors()) {
    *sum.add_errors() = error;
    sum.mutable_errors(sum.errors_size() - 1)->set_row(error.row() + first_row);
  }
}

// Rows for one call; none at the end of the file.
absl::StatusOr<std::vector<v1::ImportContactsRequest>> ReadCall(ContactReader& reader) {
  std::vector<v1::ImportContactsRequest> requests;
  v1::Contact contact;
  while (requests.size() < kRequestsOfCall) {
    v1::ImportContactsRequest request;
    while (request.contacts_size() < kRowsOfRequest) {
      const absl::StatusOr<bool> read = reader.Next(contact);
      if (!read.ok()) return read.status();
      if (!*read) break;
      *request.add_contacts() = std::move(contact);
    }
    if (request.contacts().empty()) break;
    requests.push_back(std::move(request));
  }
  return requests;
}

void PrintCounts(Session& session, const v1::ImportContactsResponse& sum) {
  if (session.json()) return PrintJson(session.out(), sum);
  for (const v1::ImportContactsError& error : sum.errors()) {
    session.err() << "row " << error.row() << ": " << error.field() << ": "
                  << Printable(error.description()) << "\n";
  }
  session.out() << sum.row_count() << " rows: " << sum.created_count() << " created, "
                << sum.updated_count() << " updated, " << sum.failed_count() << " refused, "
                << sum.repeated_count() << " repeated\n";
}

absl::Status SkipRows(ContactReader& reader, int64_t rows) {
  v1::Contact contact;
  for (int64_t i = 0; i < rows; ++i) {
    const absl::StatusOr<bool> read = reader.Next(contact);
    if (!read.ok()) return read.status();
    if (!*read) return UsageError("the file has fewer rows than --skip-rows");
  }
  return absl::OkStatus();
}

// Calls until the file ends; `sum` counts what was answered.
absl::Status RunCalls(const client::Client& client, ContactReader& reader, Source& source,
                      std::ostream& err, v1::ImportContactsResponse& sum, int64_t skipped) {
  ProgressBar bar(err, "contacts");
  while (true) {
    const auto requests = ReadCall(reader);
    if (!requests.ok()) return requests.status();
    if (requests->empty()) return absl::OkStatus();
    const auto response = client.ImportContacts(*requests);
    if (!response.ok()) return response.status();
    AddCounts(*response, skipped + sum.row_count(), sum);
    bar.Show(sum.row_count(), source.share());
  }
}

}  // namespace

absl::Status ImportContacts(Session& session, const ImportFlags& flags) {
  const absl::StatusOr<ContactFormat> format = ParseContactFormat(flags.format, flags.path);
  if (!format.ok()) return format.status();
  Source source;
  if (absl::Status status = source.Open(flags.path); !status.ok()) return status;
  const auto reader = MakeContactReader(*format, source.stream());
  if (!reader.ok()) return reader.status();
  if (absl::Status status = SkipRows(**reader, flags.skip_rows); !status.ok()) return status;
  const auto client = session.ForTenant();
  if (!client.ok()) return client.status();
  v1::ImportContactsResponse sum;
  const absl::Status status =
      RunCalls(**client, **reader, source, session.err(), sum, flags.skip_rows);
  PrintCounts(session, sum);
  if (!status.ok()) {
    session.err() << "go on with --skip-rows " << flags.skip_rows + sum.row_count() << "\n";
    return status;
  }
  if (sum.failed_count() == 0) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(sum.failed_count(), " rows were refused"));
}

absl::Status ExportContacts(Session& session, const ExportFlags& flags) {
  const absl::StatusOr<ContactFormat> format = ParseContactFormat(flags.format, flags.path);
  if (!format.ok()) return format.status();
  const auto client = session.ForTenant();
  if (!client.ok()) return client.status();
  std::ofstream file;
  if (flags.path != "-") {
    file.open(flags.path, std::ios::binary);
    if (!file) return UsageError(absl::StrCat("cannot write ", flags.path));
  }
  std::ostream& out = file.is_open() ? file : session.out();
  v1::ExportContactsRequest request;
  request.set_filter(flags.filter);
  request.set_reveal_email(flags.reveal);
  int64_t count = 0;
  absl::Status status;
  {
    ProgressBar bar(session.err(), "contacts");
    WriteContactHeader(*format, out);
    status = (*client)->ExportContacts(request, [&](const v1::ExportContactsResponse& page) {
      for (const v1::Contact& contact : page.contacts()) WriteContact(*format, contact, out);
      count += page.contacts_size();
      bar.Show(count, -1);
      return out.good();
    });
  }
  out.flush();
  if (status.ok() && !out.good()) return UsageError(absl::StrCat("cannot write ", flags.path));
  if (status.ok() && file.is_open()) session.out() << count << " contacts\n";
  return status;
}

}  // namespace herald::heraldctl

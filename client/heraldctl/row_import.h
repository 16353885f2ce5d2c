#pragma once

#include <vector>

#include "absl/strings/str_cat.h"
#include "client/heraldctl/failure.h"
#include "client/heraldctl/output.h"
#include "client/heraldctl/progress_bar.h"
#include "client/heraldctl/row_reader.h"
#include "client/heraldctl/session.h"
#include "client/heraldctl/transfer_files.h"

namespace herald::heraldctl {

// Imports the rows of a file call by call, so that each answer is a checkpoint and a file of any
// length needs little memory. `Kind` says what the rows are: Row, Request and Response of the
// stream, kWhat for the progress bar, Add (an empty row of a request), Call, AddCounts and Summary.
template <class Kind>
class RowImport {
 public:
  using Row = typename Kind::Row;
  using Request = typename Kind::Request;
  using Response = typename Kind::Response;

  // All outlive it.
  RowImport(Session& session, RowReader<Row>& reader, ImportSource& source)
      : session_(session), reader_(reader), source_(source) {}

  // Leaves out the first `skip_rows`; says where to go on when a call fails. kFailedPrecondition
  // when rows were refused.
  absl::Status Run(int64_t skip_rows) {
    skipped_ = skip_rows;
    if (absl::Status status = Skip(); !status.ok()) return status;
    const auto client = session_.ForTenant();
    if (!client.ok()) return client.status();
    const absl::Status status = RunCalls(**client);
    PrintCounts();
    if (!status.ok()) {
      session_.err() << "go on with --skip-rows " << skipped_ + sum_.row_count() << "\n";
      return status;
    }
    if (sum_.failed_count() == 0) return absl::OkStatus();
    return absl::FailedPreconditionError(absl::StrCat(sum_.failed_count(), " rows were refused"));
  }

 private:
  // A request is full with the row that passes either; the server takes 16 MiB.
  static constexpr int kRowsOfRequest = 2000;
  static constexpr size_t kBytesOfRequest = 4 << 20;
  static constexpr size_t kRequestsOfCall = 10;

  absl::Status Skip() {
    Row row;
    for (int64_t i = 0; i < skipped_; ++i) {
      const absl::StatusOr<bool> read = reader_.Next(row);
      if (!read.ok()) return read.status();
      if (!*read) return UsageError("the file has fewer rows than --skip-rows");
    }
    return absl::OkStatus();
  }

  // Rows for one call; none at the end of the file.
  absl::StatusOr<std::vector<Request>> ReadCall() {
    std::vector<Request> requests;
    Row row;
    while (requests.size() < kRequestsOfCall) {
      Request request;
      int rows = 0;
      for (size_t bytes = 0; rows < kRowsOfRequest && bytes < kBytesOfRequest; ++rows) {
        const absl::StatusOr<bool> read = reader_.Next(row);
        if (!read.ok()) return read.status();
        if (!*read) break;
        bytes += row.ByteSizeLong();
        *Kind::Add(request) = std::move(row);
      }
      if (rows == 0) break;
      requests.push_back(std::move(request));
    }
    return requests;
  }

  absl::Status RunCalls(const client::Client& client) {
    ProgressBar bar(session_.err(), Kind::kWhat);
    while (true) {
      const auto requests = ReadCall();
      if (!requests.ok()) return requests.status();
      if (requests->empty()) return absl::OkStatus();
      const absl::StatusOr<Response> response = Kind::Call(client, *requests);
      if (!response.ok()) return response.status();
      AddErrors(*response);
      sum_.set_row_count(sum_.row_count() + response->row_count());
      sum_.set_failed_count(sum_.failed_count() + response->failed_count());
      Kind::AddCounts(*response, sum_);
      bar.Show(sum_.row_count(), source_.share());
    }
  }

  // Rows are numbered by the file.
  void AddErrors(const Response& call) {
    for (const auto& error : call.errors()) {
      *sum_.add_errors() = error;
      sum_.mutable_errors(sum_.errors_size() - 1)
          ->set_row(error.row() + skipped_ + sum_.row_count());
    }
  }

  void PrintCounts() const {
    if (session_.json()) return PrintJson(session_.out(), sum_);
    for (const auto& error : sum_.errors()) {
      session_.err() << "row " << error.row() << ": " << error.field() << ": "
                     << Printable(error.description()) << "\n";
    }
    session_.out() << sum_.row_count() << " rows: " << Kind::Summary(sum_) << "\n";
  }

  Session& session_;
  RowReader<Row>& reader_;
  ImportSource& source_;
  int64_t skipped_ = 0;
  Response sum_;
};

}  // namespace herald::heraldctl

// bench-audience: how fast Herald imports contacts and counts segments.
#include <grpcpp/grpcpp.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <pqxx/pqxx>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "bench/audience/contacts.h"
#include "bench/audience/gate_cost.h"
#include "bench/audience/memory.h"
#include "bench/ingest/service.h"
#include "bench/measure.h"
#include "herald/v1/contact_service.grpc.pb.h"

namespace herald::bench {
namespace {

constexpr int kRowsOfRequest = 2000;

struct Options {
  int64_t contacts = 1'000'000;
  double seconds = 5;
  int rounds = 3;
  std::string json;
};

class Audience {
 public:
  Audience(const Service& service, const Options& options)
      : service_(service),
        options_(options),
        stub_(v1::ContactService::NewStub(
            grpc::CreateChannel(service.target(), grpc::InsecureChannelCredentials()))) {}

  absl::Status Run() {
    for (const auto step : {&Audience::Import, &Audience::Copy, &Audience::Preview}) {
      if (absl::Status status = (this->*step)(); !status.ok()) return status;
    }
    return absl::OkStatus();
  }
  const std::vector<Measure>& measures() const { return measures_; }

 private:
  void Note(const std::string& name, double value, const char* unit,
            absl::optional<Goal> goal = absl::nullopt) {
    std::cerr << absl::StreamFormat("  %-40s %12.2f %s\n", name, value, unit);
    measures_.push_back({name, value, unit, goal});
  }

  std::unique_ptr<grpc::ClientContext> Context() const {
    auto context = std::make_unique<grpc::ClientContext>();
    context->AddMetadata("authorization", absl::StrCat("Bearer ", service_.token()));
    return context;
  }

  // One stream of all contacts.
  absl::Status Import() {
    const double idle = ResidentMebibytes(service_.heraldd_pid());
    ResetPeak(service_.heraldd_pid());
    const absl::Time begin = absl::Now();
    const auto context = Context();
    v1::ImportContactsResponse response;
    const auto writer = stub_->ImportContacts(context.get(), &response);
    v1::ImportContactsRequest request;
    for (int64_t number = 0; number < options_.contacts; ++number) {
      FillContact(number, *request.add_contacts());
      if (request.contacts_size() < kRowsOfRequest && number + 1 < options_.contacts) continue;
      if (!writer->Write(request)) break;
      request.Clear();
    }
    writer->WritesDone();
    const grpc::Status status = writer->Finish();
    if (!status.ok()) return absl::InternalError(status.error_message());
    if (response.created_count() != options_.contacts) {
      return absl::InternalError(absl::StrCat("created ", response.created_count(), " contacts"));
    }
    import_seconds_ = absl::ToDoubleSeconds(absl::Now() - begin);
    Note("ImportContacts", static_cast<double>(options_.contacts) / import_seconds_, "rows/s");
    Note("heraldd, idle", idle, "MiB");
    Note("heraldd, peak of the import above idle", PeakMebibytes(service_.heraldd_pid()) - idle,
         "MiB", Goal{128, Better::kLower});
    return absl::OkStatus();
  }

  // COPY of the rows that the import made, from a file of the database server's own into a table
  // with the same indexes and constraints. The median of the rounds.
  absl::Status Copy() {
    try {
      pqxx::connection connection(service_.Dsn());
      pqxx::nontransaction work(connection);
      const std::string file =
          absl::StrCat(work.exec("SHOW data_directory")[0][0].c_str(), "/contacts.copy");
      work.exec(absl::StrCat("COPY herald.contacts TO '", file, "'"));
      work.exec("CREATE TABLE herald.copied (LIKE herald.contacts INCLUDING ALL)");
      std::vector<double> seconds;
      for (int round = 0; round < options_.rounds; ++round) {
        work.exec("TRUNCATE herald.copied");
        work.exec("CHECKPOINT");
        const absl::Time begin = absl::Now();
        work.exec(absl::StrCat("COPY herald.copied FROM '", file, "'"));
        seconds.push_back(absl::ToDoubleSeconds(absl::Now() - begin));
      }
      work.exec("DROP TABLE herald.copied");
      const double median = Median(seconds);
      Note("COPY of the same rows", static_cast<double>(options_.contacts) / median, "rows/s");
      Note("ImportContacts / COPY", median / import_seconds_, "ratio", Goal{0.4, Better::kHigher});
      return absl::OkStatus();
    } catch (const std::exception& error) {
      return absl::InternalError(error.what());
    }
  }

  // One caller, all filters in turn, as long as the rounds last.
  absl::Status Preview() {
    const std::vector<std::string> filters = PreviewFilters();
    std::vector<std::vector<double>> times(filters.size());
    std::vector<double> all;
    const absl::Time end = absl::Now() + absl::Seconds(options_.seconds * options_.rounds);
    v1::PreviewSegmentResponse response;
    for (int turn = 0; absl::Now() < end || turn < 20; ++turn) {
      for (size_t i = 0; i < filters.size(); ++i) {
        v1::PreviewSegmentRequest request;
        request.set_filter(filters[i]);
        const auto context = Context();
        const absl::Time begin = absl::Now();
        const grpc::Status status = stub_->PreviewSegment(context.get(), request, &response);
        if (!status.ok()) return absl::InternalError(status.error_message());
        if (turn == 0) continue;  // reads what the database has not in memory yet
        times[i].push_back(absl::ToDoubleMilliseconds(absl::Now() - begin));
        all.push_back(times[i].back());
      }
    }
    for (size_t i = 0; i < filters.size(); ++i) {
      std::cerr << absl::StreamFormat("  %8.2f ms  %s\n", Median(times[i]), filters[i]);
    }
    std::sort(all.begin(), all.end());
    Note("PreviewSegment, p50", all[all.size() / 2], "ms");
    Note("PreviewSegment, p99", all[all.size() * 99 / 100], "ms", Goal{50, Better::kLower});
    return absl::OkStatus();
  }

  const Service& service_;
  const Options options_;
  const std::unique_ptr<v1::ContactService::Stub> stub_;
  double import_seconds_ = 0;
  std::vector<Measure> measures_;
};

absl::Status Run(const Options& options) {
  const std::string programs = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  std::cerr << "starting PostgreSQL and heraldd\n";
  const absl::StatusOr<std::unique_ptr<Service>> service = Service::Start(programs);
  if (!service.ok()) return service.status();
  Audience audience(**service, options);
  if (absl::Status status = audience.Run(); !status.ok()) return status;
  const absl::StatusOr<std::vector<Measure>> gate = MeasureGate((*service)->Dsn());
  if (!gate.ok()) return gate.status();
  std::vector<Measure> measures = audience.measures();
  measures.insert(measures.end(), gate->begin(), gate->end());
  return WriteJson(options.json, measures);
}

}  // namespace
}  // namespace herald::bench

int main(int argc, char** argv) {
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  CLI::App app{"bench-audience: how fast Herald imports contacts and counts segments"};
  herald::bench::Options options;
  app.add_option("--contacts", options.contacts, "to import")->capture_default_str();
  app.add_option("--seconds", options.seconds, "of previews in a round")->capture_default_str();
  app.add_option("--rounds", options.rounds, "of previews, and of COPY")
      ->capture_default_str()
      ->check(CLI::Range(1, 100));
  app.add_option("--json", options.json, "file for the results")->required();
  CLI11_PARSE(app, argc, argv);
  const absl::Status status = herald::bench::Run(options);
  if (status.ok()) return 0;
  std::cerr << "bench-audience: " << status.message() << "\n";
  return 1;
}

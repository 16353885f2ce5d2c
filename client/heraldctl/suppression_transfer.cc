#include "client/heraldctl/suppression_transfer.h"

#include <functional>
#include <ostream>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/heraldctl/row_import.h"
#include "client/heraldctl/suppression_file.h"

namespace herald::heraldctl {
namespace {

struct SuppressionRows {
  using Row = v1::CreateSuppressionRequest;
  using Request = v1::ImportSuppressionsRequest;
  using Response = v1::ImportSuppressionsResponse;
  static constexpr char kWhat[] = "suppressions";

  static Row* Add(Request& request) { return request.add_suppressions(); }
  static absl::StatusOr<Response> Call(const client::Client& client,
                                       const std::vector<Request>& requests) {
    return client.ImportSuppressions(requests);
  }
  static void AddCounts(const Response& call, Response& sum) {
    sum.set_created_count(sum.created_count() + call.created_count());
    sum.set_known_count(sum.known_count() + call.known_count());
  }
  static std::string Summary(const Response& sum) {
    return absl::StrCat(sum.created_count(), " new, ", sum.known_count(), " known, ",
                        sum.failed_count(), " refused");
  }
};

// Takes some of the rows; false to end.
using OnRows = std::function<bool(const google::protobuf::RepeatedPtrField<v1::Suppression>& rows)>;

absl::Status ReadOwn(Session& session, v1::Suppression::Reason reason, const OnRows& on_rows) {
  const auto client = session.ForTenant();
  if (!client.ok()) return client.status();
  v1::ExportSuppressionsRequest request;
  request.set_reason(reason);
  request.set_reveal_emails(true);
  return (*client)->ExportSuppressions(
      request, [&](const auto& page) { return on_rows(page.suppressions()); });
}

absl::Status ReadGlobal(Session& session, v1::Suppression::Reason reason, const OnRows& on_rows) {
  const auto client = session.ForOperator();
  if (!client.ok()) return client.status();
  v1::ListSuppressionsRequest request;
  request.set_page_size(1000);
  request.set_reason(reason);
  request.set_reveal_emails(true);
  do {
    const auto page = (*client)->ListGlobalSuppressions(request);
    if (!page.ok()) return page.status();
    if (!on_rows(page->suppressions())) return absl::OkStatus();
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  return absl::OkStatus();
}

}  // namespace

absl::Status ImportSuppressions(Session& session, const SuppressionImportFlags& flags) {
  ImportSource source;
  if (absl::Status status = source.Open(flags.path); !status.ok()) return status;
  const auto reader = MakeSuppressionReader(source.stream(), ReasonOf(flags.reason));
  if (!reader.ok()) return reader.status();
  return RowImport<SuppressionRows>(session, **reader, source).Run(flags.skip_rows);
}

absl::Status ExportSuppressions(Session& session, const SuppressionExportFlags& flags) {
  ExportTarget target(session.out());
  if (absl::Status status = target.Open(flags.path); !status.ok()) return status;
  std::ostream& out = target.stream();
  int64_t count = 0;
  absl::Status status;
  {
    ProgressBar bar(session.err(), "suppressions");
    WriteSuppressionHeader(out);
    const OnRows write = [&](const auto& rows) {
      for (const v1::Suppression& row : rows) WriteSuppression(row, out);
      count += rows.size();
      bar.Show(count, -1);
      return out.good();
    };
    const v1::Suppression::Reason reason = ReasonOf(flags.reason);
    status = flags.global ? ReadGlobal(session, reason, write) : ReadOwn(session, reason, write);
  }
  if (status.ok()) status = target.Commit();
  if (status.ok() && target.is_file()) session.out() << count << " suppressions\n";
  return status;
}

}  // namespace herald::heraldctl

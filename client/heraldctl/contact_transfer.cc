#include "client/heraldctl/contact_transfer.h"

#include <ostream>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/heraldctl/contact_file.h"
#include "client/heraldctl/row_import.h"

namespace herald::heraldctl {
namespace {

struct ContactRows {
  using Row = v1::Contact;
  using Request = v1::ImportContactsRequest;
  using Response = v1::ImportContactsResponse;
  static constexpr char kWhat[] = "contacts";

  static Row* Add(Request& request) { return request.add_contacts(); }
  static absl::StatusOr<Response> Call(const client::Client& client,
                                       const std::vector<Request>& requests) {
    return client.ImportContacts(requests);
  }
  static void AddCounts(const Response& call, Response& sum) {
    sum.set_created_count(sum.created_count() + call.created_count());
    sum.set_updated_count(sum.updated_count() + call.updated_count());
    sum.set_repeated_count(sum.repeated_count() + call.repeated_count());
  }
  static std::string Summary(const Response& sum) {
    return absl::StrCat(sum.created_count(), " created, ", sum.updated_count(), " updated, ",
                        sum.failed_count(), " refused, ", sum.repeated_count(), " repeated");
  }
};

}  // namespace

absl::Status ImportContacts(Session& session, const ImportFlags& flags) {
  const absl::StatusOr<ContactFormat> format = ParseContactFormat(flags.format, flags.path);
  if (!format.ok()) return format.status();
  ImportSource source;
  if (absl::Status status = source.Open(flags.path); !status.ok()) return status;
  const auto reader = MakeContactReader(*format, source.stream());
  if (!reader.ok()) return reader.status();
  return RowImport<ContactRows>(session, **reader, source).Run(flags.skip_rows);
}

absl::Status ExportContacts(Session& session, const ExportFlags& flags) {
  const absl::StatusOr<ContactFormat> format = ParseContactFormat(flags.format, flags.path);
  if (!format.ok()) return format.status();
  const auto client = session.ForTenant();
  if (!client.ok()) return client.status();
  ExportTarget target(session.out());
  if (absl::Status status = target.Open(flags.path); !status.ok()) return status;
  std::ostream& out = target.stream();
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
  if (status.ok()) status = target.Commit();
  if (status.ok() && target.is_file()) session.out() << count << " contacts\n";
  return status;
}

}  // namespace herald::heraldctl

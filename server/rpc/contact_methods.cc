#include "server/rpc/contact_methods.h"

#include "model/address.h"
#include "server/audience/contact_rules.h"
#include "server/rpc/contact_convert.h"
#include "server/rpc/request_check.h"

namespace herald::rpc {
namespace {

constexpr int kPageDefault = 50;
constexpr int kPageMax = 500;

absl::StatusOr<ContactId> RequiredId(absl::string_view field, absl::string_view text) {
  const absl::optional<ContactId> id = ParseContactId(text);
  if (!id.has_value()) return InvalidField(field, "is not a contact id (co_…)");
  return *id;
}

}  // namespace

absl::Status ContactMethods::Create(const Call& call, const v1::CreateContactRequest& request,
                                    v1::Contact& response) {
  std::vector<FieldViolation> violations;
  storage::NewContact contact = audience::CheckContact(request.contact(), "contact.", violations);
  if (!violations.empty()) return InvalidRequest(violations);
  contact.id = parts_.contact_ids.Next(parts_.shell.clock());
  const auto created = parts_.contacts.Create(call.caller()->tenant, contact);
  if (!created.ok()) return ContactError(created.status());
  return ToProto(*created, Reveal::kRedacted, response);
}

absl::StatusOr<ContactId> ContactMethods::Requested(const Call& call,
                                                    const v1::GetContactRequest& request) {
  if (request.contact_case() == v1::GetContactRequest::kId) return RequiredId("id", request.id());
  if (request.contact_case() != v1::GetContactRequest::kEmail) {
    return InvalidField("contact", "an id or an email is required");
  }
  const absl::StatusOr<Address> address = ParseAddress(request.email());
  if (!address.ok()) return InvalidField("email", address.status().message());
  return parts_.contacts.FindByEmail(call.caller()->tenant, address->Normalised());
}

absl::Status ContactMethods::Get(const Call& call, const v1::GetContactRequest& request,
                                 v1::Contact& response) {
  const absl::StatusOr<ContactId> id = Requested(call, request);
  if (!id.ok()) return ContactError(id.status());
  const auto record = parts_.contacts.Get(call.caller()->tenant, *id);
  if (!record.ok()) return ContactError(record.status());
  if (request.reveal_email()) {
    const absl::Status allowed =
        MayRevealEmail(parts_, *call.caller(), call.method(), FormatContactId(*id));
    if (!allowed.ok()) return allowed;
  }
  return ToProto(*record, request.reveal_email() ? Reveal::kInFull : Reveal::kRedacted, response);
}

absl::Status ContactMethods::Update(const Call& call, const v1::UpdateContactRequest& request,
                                    v1::Contact& response) {
  const absl::StatusOr<ContactId> id = RequiredId("contact.id", request.contact().id());
  if (!id.ok()) return id.status();
  const absl::StatusOr<storage::ContactChange> change =
      audience::CheckChange(request.contact(), request.update_mask());
  if (!change.ok()) return change.status();
  const auto updated = parts_.contacts.Update(call.caller()->tenant, *id, *change);
  if (!updated.ok()) return ContactError(updated.status());
  return ToProto(*updated, Reveal::kRedacted, response);
}

absl::Status ContactMethods::Delete(const Call& call, const v1::DeleteContactRequest& request,
                                    v1::DeleteContactResponse&) {
  const absl::StatusOr<ContactId> id = RequiredId("id", request.id());
  if (!id.ok()) return id.status();
  const absl::Status deleted = parts_.contacts.Delete(call.caller()->tenant, *id);
  return deleted.ok() ? deleted : ContactError(deleted);
}

absl::Status ContactMethods::List(const Call& call, const v1::ListContactsRequest& request,
                                  v1::ListContactsResponse& response) {
  RequestCheck check;
  storage::ContactQuery query;
  const int page = PageSize(request.page_size(), kPageDefault, kPageMax, check);
  const TenantId tenant = call.caller()->tenant;
  const std::string list = absl::StrCat(ListName(call.method(), tenant), request.filter());
  if (!request.page_token().empty()) {
    const absl::optional<int64_t> after = parts_.tokens.OpenNumber(list, request.page_token());
    if (!after.has_value()) check.Add("page_token", "was not given by a list of this filter");
    query.after = ContactId{after.value_or(0)};
  }
  if (!check.ok()) return check.status();
  absl::StatusOr<storage::FilterNode> filter = RequestedFilter("filter", request.filter());
  if (!filter.ok()) return filter.status();
  if (request.reveal_email()) {
    const absl::Status allowed =
        MayRevealEmail(parts_, *call.caller(), call.method(), "a page of contacts");
    if (!allowed.ok()) return allowed;
  }
  query.filter = *std::move(filter);
  query.limit = page + 1;
  absl::StatusOr<std::vector<ContactId>> ids = parts_.searched.Find(tenant, query);
  if (!ids.ok()) return FilterError(ids.status());
  const bool more = ids->size() > static_cast<size_t>(page);
  if (more) ids->resize(static_cast<size_t>(page));
  const auto records = parts_.searched.Load(tenant, *ids);
  if (!records.ok()) return ContactError(records.status());
  const Reveal email = request.reveal_email() ? Reveal::kInFull : Reveal::kRedacted;
  const auto continue_after = [&](ContactId last) {
    response.set_next_page_token(parts_.tokens.SealNumber(list, last.value));
  };
  if (more) continue_after(ids->back());
  size_t bytes = 0;
  for (const storage::ContactRecord& record : *records) {
    v1::Contact& contact = *response.add_contacts();
    const absl::Status told = ToProto(record, email, contact);
    if (!told.ok()) return told;
    bytes += contact.ByteSizeLong();
    if (bytes < kPageBytes || record.id == ids->back()) continue;
    continue_after(record.id);
    break;
  }
  return absl::OkStatus();
}

}  // namespace herald::rpc

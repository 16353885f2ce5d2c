#include <utility>

#include "client/bulk_streams.h"
#include "client/connection.h"
#include "client/herald_client.h"

namespace herald::client {
namespace {

using Contacts = v1::ContactService::StubInterface;

}  // namespace

absl::StatusOr<v1::ImportContactsResponse> Client::ImportContacts(
    const std::vector<v1::ImportContactsRequest>& requests, const CallOptions& options) const {
  return SendInBulk<v1::ImportContactsResponse>(
      *connection_, requests, options, [this](auto* context, auto* response) {
        return connection_->contacts->ImportContacts(context, response);
      });
}

absl::Status Client::ExportContacts(v1::ExportContactsRequest request,
                                    const ExportCallback& on_page,
                                    const CallOptions& options) const {
  return ReceiveInBulk(*connection_, std::move(request), on_page, options,
                       [this](auto* context, const auto& asked) {
                         return connection_->contacts->ExportContacts(context, asked);
                       });
}

absl::StatusOr<v1::Contact> Client::CreateContact(const v1::CreateContactRequest& request,
                                                  const CallOptions& options) const {
  return connection_->Call(*connection_->contacts, &Contacts::CreateContact, request, Repeat::kOnce,
                           options);
}

absl::StatusOr<v1::Contact> Client::GetContact(const v1::GetContactRequest& request,
                                               const CallOptions& options) const {
  return connection_->Call(*connection_->contacts, &Contacts::GetContact, request, Repeat::kSafe,
                           options);
}

absl::StatusOr<v1::Contact> Client::UpdateContact(const v1::UpdateContactRequest& request,
                                                  const CallOptions& options) const {
  return connection_->Call(*connection_->contacts, &Contacts::UpdateContact, request, Repeat::kSafe,
                           options);
}

absl::StatusOr<v1::DeleteContactResponse> Client::DeleteContact(
    const v1::DeleteContactRequest& request, const CallOptions& options) const {
  return connection_->Call(*connection_->contacts, &Contacts::DeleteContact, request, Repeat::kOnce,
                           options);
}

absl::StatusOr<v1::ListContactsResponse> Client::ListContacts(
    const v1::ListContactsRequest& request, const CallOptions& options) const {
  return connection_->Call(*connection_->contacts, &Contacts::ListContacts, request, Repeat::kSafe,
                           options);
}

absl::StatusOr<v1::Segment> Client::CreateSegment(const v1::CreateSegmentRequest& request,
                                                  const CallOptions& options) const {
  return connection_->Call(*connection_->contacts, &Contacts::CreateSegment, request, Repeat::kOnce,
                           options);
}

absl::StatusOr<v1::Segment> Client::GetSegment(const v1::GetSegmentRequest& request,
                                               const CallOptions& options) const {
  return connection_->Call(*connection_->contacts, &Contacts::GetSegment, request, Repeat::kSafe,
                           options);
}

absl::StatusOr<v1::Segment> Client::UpdateSegment(const v1::UpdateSegmentRequest& request,
                                                  const CallOptions& options) const {
  return connection_->Call(*connection_->contacts, &Contacts::UpdateSegment, request, Repeat::kSafe,
                           options);
}

absl::StatusOr<v1::DeleteSegmentResponse> Client::DeleteSegment(
    const v1::DeleteSegmentRequest& request, const CallOptions& options) const {
  return connection_->Call(*connection_->contacts, &Contacts::DeleteSegment, request, Repeat::kOnce,
                           options);
}

absl::StatusOr<v1::ListSegmentsResponse> Client::ListSegments(
    const v1::ListSegmentsRequest& request, const CallOptions& options) const {
  return connection_->Call(*connection_->contacts, &Contacts::ListSegments, request, Repeat::kSafe,
                           options);
}

absl::StatusOr<v1::PreviewSegmentResponse> Client::PreviewSegment(
    const v1::PreviewSegmentRequest& request, const CallOptions& options) const {
  return connection_->Call(*connection_->contacts, &Contacts::PreviewSegment, request,
                           Repeat::kSafe, options);
}

}  // namespace herald::client

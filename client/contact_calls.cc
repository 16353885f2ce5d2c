#include <string>

#include "client/connection.h"
#include "client/herald_client.h"
#include "client/retry.h"

namespace herald::client {
namespace {

using Contacts = v1::ContactService::StubInterface;

// Of a stream that moves many contacts.
constexpr absl::Duration kStreamDeadline = absl::Minutes(10);

}  // namespace

absl::StatusOr<v1::ImportContactsResponse> Client::ImportContacts(
    const std::vector<v1::ImportContactsRequest>& requests, const CallOptions& options) const {
  const absl::Duration deadline = options.deadline.value_or(kStreamDeadline);
  if (!IsUsableDeadline(deadline)) {
    return absl::InvalidArgumentError("a deadline must be positive and finite");
  }
  v1::ImportContactsResponse response;
  const auto attempt = [&](absl::Duration left) {
    grpc::ClientContext context;
    connection_->Prepare(context, left, options.traceparent);
    response.Clear();
    const auto writer = connection_->contacts->ImportContacts(&context, &response);
    for (const v1::ImportContactsRequest& request : requests) {
      if (!writer->Write(request)) break;  // Finish says why
    }
    writer->WritesDone();
    return FromGrpcStatus(writer->Finish());
  };
  const absl::Status status = RetryWhileUnavailable(connection_->options.retry,
                                                    connection_->options.timing, deadline, attempt);
  if (!status.ok()) return status;
  return response;
}

absl::Status Client::ExportContacts(v1::ExportContactsRequest request,
                                    const ExportCallback& on_page,
                                    const CallOptions& options) const {
  const absl::Duration deadline = options.deadline.value_or(kStreamDeadline);
  if (!IsUsableDeadline(deadline)) {
    return absl::InvalidArgumentError("a deadline must be positive and finite");
  }
  const auto attempt = [&](absl::Duration left) {
    grpc::ClientContext context;
    connection_->Prepare(context, left, options.traceparent);
    const auto reader = connection_->contacts->ExportContacts(&context, request);
    v1::ExportContactsResponse page;
    while (reader->Read(&page)) {
      if (!on_page(page)) {
        context.TryCancel();
        reader->Finish();
        return absl::OkStatus();
      }
      request.set_resume_token(page.resume_token());
    }
    return FromGrpcStatus(reader->Finish());
  };
  return RetryWhileUnavailable(connection_->options.retry, connection_->options.timing, deadline,
                               attempt);
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

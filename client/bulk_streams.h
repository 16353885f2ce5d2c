#pragma once

// Inside the library only: the streams that move many rows, whatever the rows are.

#include <functional>
#include <vector>

#include "client/connection.h"

namespace herald::client {

// Of a stream that moves many rows.
constexpr absl::Duration kBulkDeadline = absl::Minutes(10);

// Sends `requests` in one stream, all of them again after kUnavailable. `open` begins one.
template <class Response, class Request, class Connection, class Open>
absl::StatusOr<Response> SendInBulk(const Connection& connection,
                                    const std::vector<Request>& requests,
                                    const CallOptions& options, Open open) {
  const absl::Duration deadline = options.deadline.value_or(kBulkDeadline);
  if (!IsUsableDeadline(deadline)) {
    return absl::InvalidArgumentError("a deadline must be positive and finite");
  }
  Response response;
  const auto attempt = [&](absl::Duration left) {
    grpc::ClientContext context;
    connection.Prepare(context, left, options.traceparent);
    response.Clear();
    const auto writer = open(&context, &response);
    for (const Request& request : requests) {
      if (!writer->Write(request)) break;  // Finish says why
    }
    writer->WritesDone();
    return FromGrpcStatus(writer->Finish());
  };
  const absl::Status status =
      RetryWhileUnavailable(connection.options.retry, connection.options.timing, deadline, attempt);
  if (!status.ok()) return status;
  return response;
}

// Hands over page after page; after kUnavailable it goes on behind the last one that was handled.
// `open` begins a stream for the request it is given.
template <class Page, class Request, class Connection, class Open>
absl::Status ReceiveInBulk(const Connection& connection, Request request,
                           const std::function<bool(const Page&)>& on_page,
                           const CallOptions& options, Open open) {
  const absl::Duration deadline = options.deadline.value_or(kBulkDeadline);
  if (!IsUsableDeadline(deadline)) {
    return absl::InvalidArgumentError("a deadline must be positive and finite");
  }
  const auto attempt = [&](absl::Duration left) {
    grpc::ClientContext context;
    connection.Prepare(context, left, options.traceparent);
    const auto reader = open(&context, request);
    Page page;
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
  return RetryWhileUnavailable(connection.options.retry, connection.options.timing, deadline,
                               attempt);
}

}  // namespace herald::client

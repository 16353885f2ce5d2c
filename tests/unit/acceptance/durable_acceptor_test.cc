#include "server/acceptance/durable_acceptor.h"

#include <gtest/gtest.h>

#include <memory>

#include "server/status/status_details.h"

namespace herald::acceptance {
namespace {

using Requests = google::protobuf::RepeatedPtrField<v1::SendEmailRequest>;

// A call's requests go with the call, which its answer ends: at once, where every item was refused
// or had its template loaded elsewhere meanwhile.
TEST(DurableAcceptor, NeverLooksAtABatchThatWasAnswered) {
  GroupCommitter committer(/*store=*/nullptr, {}, absl::Now);
  EmailIdGenerator ids(1);
  DurableAcceptor acceptor(
      /*catalog=*/nullptr, &committer, &ids, {{Lane::kTransactional, absl::Hours(24)}},
      [](auto) { return false; }, absl::Now);
  auto requests = std::make_unique<Requests>();
  for (int i = 0; i < 3; ++i) {
    v1::SendEmailRequest& request = *requests->Add();
    request.set_idempotency_key("order:1");
    request.mutable_recipient()->set_email("ada@example.com");
    request.mutable_from()->set_email("shop@example.com");
    request.mutable_inline_()->set_subject("Hello");
    request.mutable_inline_()->set_text("Body");
  }
  int answers = 0;
  acceptor.AcceptMany(std::make_shared<identity::Caller>(), *requests, "", absl::InfiniteFuture(),
                      [&](std::vector<absl::StatusOr<Accepted>> results) {
                        ++answers;
                        requests.reset();
                        ASSERT_EQ(results.size(), 3u);
                        for (const auto& result : results) {
                          EXPECT_EQ(ErrorReason(result.status()), "SENDER_NOT_ALLOWED");
                        }
                      });
  EXPECT_EQ(answers, 1);
}

}  // namespace
}  // namespace herald::acceptance

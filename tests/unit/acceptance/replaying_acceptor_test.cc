#include "server/acceptance/replaying_acceptor.h"

#include <gtest/gtest.h>

#include <map>

#include "absl/strings/str_cat.h"
#include "server/acceptance/request_hash.h"
#include "server/status/status_details.h"
#include "tests/support/unasked_email_store.h"

namespace herald::acceptance {
namespace {

constexpr TenantId kTenant{7};

// Emails by key and hash; counts who asks.
class Replays final : public support::UnaskedEmailStore {
 public:
  absl::StatusOr<std::vector<std::shared_ptr<const storage::EmailRecord>>> FindReplays(
      TenantId tenant, absl::Span<const storage::KeyedRequest> requests) override {
    ++asked;
    EXPECT_EQ(tenant, kTenant);
    if (!failure.ok()) return failure;
    std::vector<std::shared_ptr<const storage::EmailRecord>> found;
    for (const storage::KeyedRequest& request : requests) {
      const auto known = hashes.find(request.idempotency_key);
      std::shared_ptr<storage::EmailRecord> record;
      if (known != hashes.end() && known->second == request.request_hash) {
        record = std::make_shared<storage::EmailRecord>();
        record->idempotency_key = request.idempotency_key;
      }
      found.push_back(std::move(record));
    }
    return found;
  }

  int asked = 0;
  absl::Status failure;
  std::map<std::string, std::string> hashes;
};

// Answers as it is told: by key, else OK.
class Inner final : public Acceptor {
 public:
  void Accept(std::shared_ptr<const identity::Caller>, const v1::SendEmailRequest& request,
              absl::string_view, absl::Time, Done done) override {
    done(Of(request));
  }
  void AcceptMany(std::shared_ptr<const identity::Caller>,
                  const google::protobuf::RepeatedPtrField<v1::SendEmailRequest>& requests,
                  absl::string_view, absl::Time, ManyDone done) override {
    std::vector<absl::StatusOr<Accepted>> results;
    for (const v1::SendEmailRequest& request : requests) results.push_back(Of(request));
    done(std::move(results));
  }
  void AcceptTest(std::shared_ptr<const identity::Caller> caller,
                  const v1::SendEmailRequest& request, absl::string_view traceparent,
                  absl::Time deadline, Done done) override {
    Accept(std::move(caller), request, traceparent, deadline, std::move(done));
  }

  std::map<std::string, absl::Status> refusals;

 private:
  absl::StatusOr<Accepted> Of(const v1::SendEmailRequest& request) {
    const auto refusal = refusals.find(request.idempotency_key());
    if (refusal != refusals.end()) return refusal->second;
    return Accepted();
  }
};

class ReplayingAcceptorTest : public testing::Test {
 protected:
  ReplayingAcceptorTest() {
    auto caller = std::make_shared<identity::Caller>();
    caller->tenant = kTenant;
    caller_ = std::move(caller);
  }

  static v1::SendEmailRequest Request(const std::string& key, const std::string& content = "a") {
    v1::SendEmailRequest request;
    request.set_idempotency_key(key);
    request.mutable_inline_()->set_text(content);
    return request;
  }
  void Knows(const v1::SendEmailRequest& request) {
    emails_.hashes[request.idempotency_key()] = CanonicalRequestHash(request, false);
  }
  absl::StatusOr<Accepted> Accept(const v1::SendEmailRequest& request) {
    absl::StatusOr<Accepted> answer = absl::UnknownError("none");
    acceptor_.Accept(caller_, request, "", absl::InfiniteFuture(),
                     [&](absl::StatusOr<Accepted> result) { answer = std::move(result); });
    return answer;
  }

  Replays emails_;
  Inner inner_;
  bool overloaded_ = false;
  ReplayingAcceptor acceptor_{inner_, emails_, [this](const std::function<void()>& task) {
                                if (!overloaded_) task();
                                return !overloaded_;
                              }};
  std::shared_ptr<const identity::Caller> caller_;
};

TEST_F(ReplayingAcceptorTest, AnswersARepetitionThatIsNoLongerValid) {
  const v1::SendEmailRequest request = Request("key");
  Knows(request);
  for (const absl::StatusCode code :
       {absl::StatusCode::kInvalidArgument, absl::StatusCode::kFailedPrecondition,
        absl::StatusCode::kNotFound, absl::StatusCode::kPermissionDenied}) {
    inner_.refusals["key"] = MakeError(code, "REFUSED", "no longer");
    const absl::StatusOr<Accepted> answer = Accept(request);
    ASSERT_TRUE(answer.ok()) << answer.status();
    EXPECT_TRUE(answer->replayed);
    EXPECT_EQ(answer->email.idempotency_key, "key");
  }
}

TEST_F(ReplayingAcceptorTest, TellsTheRefusalOfWhatIsNoRepetition) {
  inner_.refusals["key"] = InvalidRequest({{"expire_time", "is over"}});
  EXPECT_EQ(Accept(Request("key")).status(), inner_.refusals["key"]) << "nobody holds the key";
  Knows(Request("key", "other content"));
  EXPECT_EQ(Accept(Request("key")).status(), inner_.refusals["key"]);
  EXPECT_EQ(emails_.asked, 2);
}

TEST_F(ReplayingAcceptorTest, TakesATestSendForARepetitionOfATestSendAlone) {
  const v1::SendEmailRequest request = Request("key");
  inner_.refusals["key"] = InvalidRequest({{"expire_time", "is over"}});
  absl::StatusOr<Accepted> answer = absl::UnknownError("none");
  const auto accept_test = [&] {
    acceptor_.AcceptTest(caller_, request, "", absl::InfiniteFuture(),
                         [&](absl::StatusOr<Accepted> result) { answer = std::move(result); });
  };
  Knows(request);
  accept_test();
  EXPECT_EQ(answer.status(), inner_.refusals["key"]);
  emails_.hashes["key"] = CanonicalRequestHash(request, false, kTestSubjectPrefix);
  accept_test();
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_TRUE(answer->replayed);
  EXPECT_EQ(Accept(request).status(), inner_.refusals["key"]);
}

TEST_F(ReplayingAcceptorTest, AsksNobodyAboutWhatNeedsNoAnswer) {
  Knows(Request("key"));
  EXPECT_TRUE(Accept(Request("key")).ok());
  for (const absl::StatusCode code :
       {absl::StatusCode::kAlreadyExists, absl::StatusCode::kResourceExhausted,
        absl::StatusCode::kUnavailable, absl::StatusCode::kDeadlineExceeded}) {
    inner_.refusals["key"] = MakeError(code, "REFUSED", "whatever the key");
    EXPECT_EQ(Accept(Request("key")).status(), inner_.refusals["key"]);
  }
  for (const std::string& key : {std::string(), std::string(257, 'k'), std::string("a\0b", 3)}) {
    inner_.refusals[key] = InvalidRequest({{"idempotency_key", "is no key"}});
    EXPECT_EQ(Accept(Request(key)).status(), inner_.refusals[key]);
  }
  EXPECT_EQ(emails_.asked, 0);
}

TEST_F(ReplayingAcceptorTest, DoesNotRefuseWhatItCouldNotLookUp) {
  inner_.refusals["key"] = InvalidRequest({{"expire_time", "is over"}});
  emails_.failure = absl::UnavailableError("away");
  EXPECT_EQ(ErrorReason(Accept(Request("key")).status()), "STORAGE_UNAVAILABLE");
  overloaded_ = true;
  EXPECT_EQ(ErrorReason(Accept(Request("key")).status()), "OVERLOADED");
}

TEST_F(ReplayingAcceptorTest, LooksUpTheItemsOfABatchAtOnce) {
  google::protobuf::RepeatedPtrField<v1::SendEmailRequest> requests;
  for (int i = 0; i < 6; ++i) *requests.Add() = Request(absl::StrCat("key-", i));
  for (int i : {1, 3, 4}) inner_.refusals[absl::StrCat("key-", i)] = InvalidRequest({{"a", "b"}});
  Knows(requests[1]);
  Knows(requests[4]);
  Knows(requests[5]);
  std::vector<absl::StatusOr<Accepted>> answers;
  acceptor_.AcceptMany(
      caller_, requests, "", absl::InfiniteFuture(),
      [&](std::vector<absl::StatusOr<Accepted>> results) { answers = std::move(results); });
  ASSERT_EQ(answers.size(), 6u);
  for (size_t i = 0; i < 6; ++i) {
    ASSERT_EQ(answers[i].ok(), i != 3) << i;
    EXPECT_EQ(answers[i].ok() && answers[i]->replayed, i == 1 || i == 4) << i;
  }
  EXPECT_EQ(emails_.asked, 1);
}

}  // namespace
}  // namespace herald::acceptance

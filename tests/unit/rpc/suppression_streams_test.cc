// ContactService: suppressions in streams. How streams hold up, drain and end is tested with
// contacts.
#include <gmock/gmock.h>

#include "herald/v1/contact_service.grpc.pb.h"
#include "server/config/limits.h"
#include "tests/unit/rpc/fakes/fake_suppression_store.h"
#include "tests/unit/rpc/server_fixture.h"

namespace herald::rpc {
namespace {

using ::testing::ElementsAre;

class SuppressionStreamsTest : public ServerFixture {
 protected:
  void SetUp() override {
    ServerParts parts = Parts();
    parts.preferences.suppressions = &suppressions_;
    auto server = Server::Start(options_, parts);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    channel_ = grpc::CreateChannel(Target(), grpc::InsecureChannelCredentials());
    stub_ = v1::ContactService::NewStub(channel_);
  }

  static v1::ImportSuppressionsRequest Rows(const std::vector<std::string>& emails) {
    v1::ImportSuppressionsRequest request;
    for (const std::string& email : emails) request.add_suppressions()->set_email(email);
    return request;
  }
  struct Imported {
    grpc::Status status;
    v1::ImportSuppressionsResponse response;
  };
  Imported Import(const std::vector<v1::ImportSuppressionsRequest>& requests,
                  const std::string& token) {
    Imported imported;
    const auto context = As(token);
    const auto writer = stub_->ImportSuppressions(context.get(), &imported.response);
    for (const auto& request : requests) {
      if (!writer->Write(request)) break;
    }
    writer->WritesDone();
    imported.status = writer->Finish();
    return imported;
  }
  struct Exported {
    grpc::Status status;
    std::vector<std::string> emails;
    std::vector<std::string> tokens;
  };
  Exported Export(const v1::ExportSuppressionsRequest& request, const std::string& token) {
    Exported exported;
    const auto context = As(token);
    const auto reader = stub_->ExportSuppressions(context.get(), request);
    v1::ExportSuppressionsResponse message;
    while (reader->Read(&message)) {
      for (const auto& row : message.suppressions()) exported.emails.push_back(row.email());
      exported.tokens.push_back(message.resume_token());
    }
    exported.status = reader->Finish();
    return exported;
  }
  int AuditEntries() {
    return static_cast<int>(tenants_.ListAuditEntries({}, 100, {})->rows.size());
  }

  FakeSuppressionStore suppressions_;
  std::unique_ptr<v1::ContactService::Stub> stub_;
};

TEST_F(SuppressionStreamsTest, EveryRowIsCountedOnceAndNumberedThroughTheStream) {
  v1::ImportSuppressionsRequest second = Rows({"c@x.com", "d@x.com"});
  second.mutable_suppressions(1)->mutable_expire_time()->set_seconds(1);
  const Imported imported =
      Import({Rows({"a@x.com", "bad", "A@X.com", "b@x.com"}), second}, token_);
  ASSERT_TRUE(imported.status.ok()) << imported.status.error_message();
  EXPECT_EQ(imported.response.row_count(), 6);
  EXPECT_EQ(imported.response.created_count(), 3);
  EXPECT_EQ(imported.response.known_count(), 1);
  EXPECT_EQ(imported.response.failed_count(), 2);
  ASSERT_EQ(imported.response.errors_size(), 2);
  EXPECT_EQ(imported.response.errors(0).row(), 1);
  EXPECT_EQ(imported.response.errors(0).field(), "email");
  EXPECT_EQ(imported.response.errors(1).row(), 5);
  EXPECT_EQ(imported.response.errors(1).field(), "expire_time");
}

TEST_F(SuppressionStreamsTest, EachMessageIsAuditedAsTheCallersAct) {
  ASSERT_TRUE(Import({Rows({"a@x.com"}), Rows({"b@x.com"})}, token_).status.ok());
  ASSERT_EQ(suppressions_.audit().size(), 2u);
  const storage::AuditEntry entry = suppressions_.audit()[0];
  EXPECT_EQ(entry.tenant, tenant_);
  EXPECT_EQ(entry.action, "herald.v1.ContactService/ImportSuppressions");
  EXPECT_EQ(entry.actor.substr(0, 3), "tk_");
}

TEST_F(SuppressionStreamsTest, AnImportThatBreaksSaysWhereToGoOn) {
  std::atomic<int> stored{0};
  suppressions_.on_import = [&] {
    return ++stored <= 2 ? absl::OkStatus() : absl::UnavailableError("away");
  };
  const std::vector<v1::ImportSuppressionsRequest> requests(
      4, Rows({"a@x.com", "b@x.com", "c@x.com"}));
  const Imported imported = Import(requests, token_);
  EXPECT_EQ(imported.status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(Reason(imported.status), "STORAGE_UNAVAILABLE");
  EXPECT_EQ(Metadata(imported.status).at("stored_rows"), "6");
}

TEST_F(SuppressionStreamsTest, TooManyRowsInAMessageEndTheImport) {
  const std::vector<std::string> many(limits::kImportRowsMax + 1, "a@x.com");
  const Imported imported = Import({Rows(many)}, token_);
  EXPECT_THAT(Fields(imported.status), ElementsAre("suppressions"));
  EXPECT_EQ(Metadata(imported.status).at("stored_rows"), "0");
  EXPECT_TRUE(suppressions_.audit().empty());
}

TEST_F(SuppressionStreamsTest, ImportingNeedsManage) {
  const Imported imported = Import({Rows({"a@x.com"})}, Issue(storage::kScopeRead));
  EXPECT_EQ(Reason(imported.status), "SCOPE_MISSING");
}

TEST_F(SuppressionStreamsTest, ExportsAllOldestFirstAndResumes) {
  std::vector<std::string> emails;
  for (int i = 0; i < 2500; ++i) emails.push_back(absl::StrCat("u", i, "@x.com"));
  ASSERT_TRUE(Import({Rows(emails)}, token_).status.ok());
  v1::ExportSuppressionsRequest request;
  request.set_reveal_emails(true);
  const int before = AuditEntries();
  const Exported all = Export(request, token_);
  ASSERT_TRUE(all.status.ok()) << all.status.error_message();
  EXPECT_EQ(all.emails, emails);
  ASSERT_EQ(all.tokens.size(), 3u);
  EXPECT_EQ(AuditEntries(), before + 1);
  request.set_resume_token(all.tokens[1]);
  EXPECT_EQ(Export(request, token_).emails.size(), 500u);
  request.set_reason(v1::Suppression::REASON_COMPLAINT);
  EXPECT_THAT(Fields(Export(request, token_).status), ElementsAre("resume_token"));
  request.clear_resume_token();
  EXPECT_TRUE(Export(request, token_).emails.empty());
}

TEST_F(SuppressionStreamsTest, AnExportIsRedactedForThoseWhoMayOnlyRead) {
  ASSERT_TRUE(Import({Rows({"anna@x.com"})}, token_).status.ok());
  const std::string reader = Issue(storage::kScopeRead);
  EXPECT_THAT(Export({}, reader).emails, ElementsAre("a***@x.com"));
  v1::ExportSuppressionsRequest request;
  request.set_reveal_emails(true);
  EXPECT_EQ(Reason(Export(request, reader).status), "SCOPE_MISSING");
}

}  // namespace
}  // namespace herald::rpc

// ContactService: contacts, segments and their streams.
#include <gmock/gmock.h>

#include <algorithm>
#include <thread>

#include "absl/synchronization/notification.h"
#include "herald/v1/contact_service.grpc.pb.h"
#include "server/config/limits.h"
#include "tests/unit/rpc/server_fixture.h"

namespace herald::rpc {
namespace {

using ::testing::ElementsAre;

class ContactServiceTest : public ServerFixture {
 protected:
  void SetUp() override {
    Start();
    stub_ = v1::ContactService::NewStub(channel_);
  }

  grpc::Status Create(const std::string& email, const std::vector<std::string>& tags = {}) {
    v1::CreateContactRequest request;
    request.mutable_contact()->set_email(email);
    for (const std::string& tag : tags) request.mutable_contact()->add_tags(tag);
    return stub_->CreateContact(As(token_).get(), request, &contact_);
  }

  struct Imported {
    grpc::Status status;
    v1::ImportContactsResponse response;
  };
  // Imports rows of `size` a message.
  Imported Import(const std::vector<std::string>& emails, size_t size = 2) {
    Imported imported;
    const auto context = As(token_);
    const auto writer = stub_->ImportContacts(context.get(), &imported.response);
    for (size_t from = 0; from < emails.size(); from += size) {
      v1::ImportContactsRequest request;
      for (size_t i = from; i < std::min(emails.size(), from + size); ++i) {
        request.add_contacts()->set_email(emails[i]);
      }
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
  Exported Export(const v1::ExportContactsRequest& request, const std::string& token) {
    Exported exported;
    const auto context = As(token);
    const auto reader = stub_->ExportContacts(context.get(), request);
    v1::ExportContactsResponse message;
    while (reader->Read(&message)) {
      for (const v1::Contact& contact : message.contacts()) {
        exported.emails.push_back(contact.email());
      }
      exported.tokens.push_back(message.resume_token());
    }
    exported.status = reader->Finish();
    return exported;
  }

  int AuditEntries() {
    return static_cast<int>(tenants_.ListAuditEntries({}, 100, {})->rows.size());
  }

  std::unique_ptr<v1::ContactService::Stub> stub_;
  v1::Contact contact_;
};

TEST_F(ContactServiceTest, ShowsAddressesRedacted) {
  ASSERT_TRUE(Create("Anna@example.com", {"premium"}).ok());
  EXPECT_EQ(contact_.email(), "A***@example.com");
  EXPECT_EQ(contact_.id().substr(0, 3), "co_");
  v1::GetContactRequest request;
  request.set_email("ANNA@example.com");
  v1::Contact found;
  ASSERT_TRUE(stub_->GetContact(As(token_).get(), request, &found).ok());
  EXPECT_EQ(found.id(), contact_.id());
  EXPECT_EQ(found.email(), "A***@example.com");
}

TEST_F(ContactServiceTest, RevealingAnAddressNeedsManageAndIsAudited) {
  ASSERT_TRUE(Create("anna@example.com").ok());
  v1::GetContactRequest request;
  request.set_id(contact_.id());
  request.set_reveal_email(true);
  const std::string reader = Issue(storage::kScopeRead);
  const int before = AuditEntries();
  v1::Contact found;
  EXPECT_EQ(Reason(stub_->GetContact(As(reader).get(), request, &found)), "SCOPE_MISSING");
  EXPECT_EQ(AuditEntries(), before);
  ASSERT_TRUE(stub_->GetContact(As(token_).get(), request, &found).ok());
  EXPECT_EQ(found.email(), "anna@example.com");
  EXPECT_EQ(AuditEntries(), before + 1);
}

TEST_F(ContactServiceTest, ATakenAddressAndAMissingContactAreToldApart) {
  ASSERT_TRUE(Create("anna@example.com").ok());
  EXPECT_EQ(Reason(Create("ANNA@example.com")), "CONTACT_EXISTS");
  EXPECT_THAT(Fields(Create("nobody", {"not ok"})),
              ElementsAre("contact.email", "contact.tags[0]"));
  v1::GetContactRequest request;
  request.set_id(FormatContactId(ContactId{1}));
  EXPECT_EQ(Reason(stub_->GetContact(As(token_).get(), request, &contact_)), "CONTACT_NOT_FOUND");
  request.set_id("em_0000000000001");
  EXPECT_THAT(Fields(stub_->GetContact(As(token_).get(), request, &contact_)), ElementsAre("id"));
}

TEST_F(ContactServiceTest, AnUpdateTakesWhatItsMaskNames) {
  ASSERT_TRUE(Create("anna@example.com", {"premium"}).ok());
  v1::UpdateContactRequest request;
  request.mutable_contact()->set_id(contact_.id());
  request.mutable_contact()->set_name("Anna");
  EXPECT_THAT(Fields(stub_->UpdateContact(As(token_).get(), request, &contact_)),
              ElementsAre("update_mask"));
  request.mutable_update_mask()->add_paths("name");
  ASSERT_TRUE(stub_->UpdateContact(As(token_).get(), request, &contact_).ok());
  EXPECT_EQ(contact_.name(), "Anna");
  EXPECT_THAT(contact_.tags(), ElementsAre("premium"));
}

TEST_F(ContactServiceTest, ListsPageByPageUnderOneFilter) {
  for (const char* email : {"a@x.com", "b@x.com", "c@x.com"})
    ASSERT_TRUE(Create(email, {"t"}).ok());
  ASSERT_TRUE(Create("d@x.com").ok());
  v1::ListContactsRequest request;
  request.set_filter("tags:t");
  request.set_page_size(2);
  v1::ListContactsResponse page;
  ASSERT_TRUE(stub_->ListContacts(As(token_).get(), request, &page).ok());
  ASSERT_EQ(page.contacts_size(), 2);
  EXPECT_EQ(page.contacts(0).email(), "c***@x.com");
  request.set_page_token(page.next_page_token());
  ASSERT_TRUE(stub_->ListContacts(As(token_).get(), request, &page).ok());
  ASSERT_EQ(page.contacts_size(), 1);
  EXPECT_EQ(page.contacts(0).email(), "a***@x.com");
  EXPECT_EQ(page.next_page_token(), "");
  request.set_filter("NOT tags:t");
  EXPECT_THAT(Fields(stub_->ListContacts(As(token_).get(), request, &page)),
              ElementsAre("page_token"));
}

TEST_F(ContactServiceTest, ABadFilterIsRefusedWithThePlace) {
  v1::ListContactsRequest request;
  request.set_filter("tags:a AND");
  v1::ListContactsResponse page;
  const grpc::Status status = stub_->ListContacts(As(token_).get(), request, &page);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(Fields(status), ElementsAre("filter"));
  EXPECT_THAT(status.error_details(), ::testing::HasSubstr("at character 11"));
}

TEST_F(ContactServiceTest, OnlyWhatRunsAFilterIsTooSlowForIt) {
  ASSERT_TRUE(Create("anna@x.com").ok());
  contacts_.set_status(absl::DeadlineExceededError("a limit was hit"));
  v1::ListContactsResponse page;
  EXPECT_EQ(Reason(stub_->ListContacts(As(token_).get(), {}, &page)), "FILTER_TOO_SLOW");
  v1::PreviewSegmentRequest preview;
  preview.set_filter("tags:t");
  v1::PreviewSegmentResponse previewed;
  EXPECT_EQ(Reason(stub_->PreviewSegment(As(token_).get(), preview, &previewed)),
            "FILTER_TOO_SLOW");
  EXPECT_EQ(Reason(Export({}, token_).status), "FILTER_TOO_SLOW");
  v1::GetContactRequest get;
  get.set_id(contact_.id());
  EXPECT_EQ(Reason(stub_->GetContact(As(token_).get(), get, &contact_)), "STORAGE_UNAVAILABLE");
  contacts_.on_upsert = [](absl::Span<const storage::NewContact>) {
    return absl::DeadlineExceededError("a limit was hit");
  };
  EXPECT_EQ(Reason(Import({"b@x.com"}).status), "STORAGE_UNAVAILABLE");
}

TEST_F(ContactServiceTest, ImportsMessageByMessageAndCountsEveryRow) {
  ASSERT_TRUE(Create("b@x.com").ok());
  const Imported imported = Import({"a@x.com", "bad", "b@x.com", "B@x.com", "c@x.com"});
  ASSERT_TRUE(imported.status.ok()) << imported.status.error_message();
  EXPECT_EQ(imported.response.row_count(), 5);
  EXPECT_EQ(imported.response.created_count(), 2);
  EXPECT_EQ(imported.response.updated_count(), 1);
  EXPECT_EQ(imported.response.repeated_count(), 1);
  EXPECT_EQ(imported.response.failed_count(), 1);
  ASSERT_EQ(imported.response.errors_size(), 1);
  EXPECT_EQ(imported.response.errors(0).row(), 1);
}

TEST_F(ContactServiceTest, AnImportOfNothingIsNoError) {
  const Imported imported = Import({});
  ASSERT_TRUE(imported.status.ok()) << imported.status.error_message();
  EXPECT_EQ(imported.response.row_count(), 0);
}

TEST_F(ContactServiceTest, AnImportThatBreaksSaysWhereToGoOn) {
  std::atomic<int> stored{0};
  contacts_.on_upsert = [&](absl::Span<const storage::NewContact>) {
    return ++stored <= 2 ? absl::OkStatus() : absl::UnavailableError("away");
  };
  std::vector<std::string> emails;
  for (int i = 0; i < 40; ++i) emails.push_back(absl::StrCat("u", i, "@x.com"));
  const Imported imported = Import(emails, 10);
  EXPECT_EQ(imported.status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(Reason(imported.status), "STORAGE_UNAVAILABLE");
  EXPECT_EQ(Metadata(imported.status).at("stored_rows"), "20");
  EXPECT_EQ(observer_.cause(absl::StatusCode::kUnavailable), "UNAVAILABLE: away");
}

TEST_F(ContactServiceTest, TooManyRowsInAMessageEndAnImportWithWhatWasStored) {
  const auto context = As(token_);
  v1::ImportContactsResponse response;
  const auto writer = stub_->ImportContacts(context.get(), &response);
  v1::ImportContactsRequest request;
  for (int i = 0; i < 3; ++i) request.add_contacts()->set_email(absl::StrCat("u", i, "@x.com"));
  ASSERT_TRUE(writer->Write(request));
  while (request.contacts_size() <= limits::kImportRowsMax) request.add_contacts();
  writer->Write(request);
  writer->WritesDone();
  const grpc::Status status = writer->Finish();
  EXPECT_EQ(Reason(status), "INVALID_REQUEST");
  EXPECT_THAT(Fields(status), ElementsAre("contacts"));
  EXPECT_EQ(Metadata(status).at("stored_rows"), "3");
}

TEST_F(ContactServiceTest, AnImportHoldsTheCallerUpWhileItStores) {
  absl::Notification go_on;
  std::atomic<int> taken{0};
  contacts_.on_upsert = [&](absl::Span<const storage::NewContact>) {
    ++taken;
    go_on.WaitForNotification();
    return absl::OkStatus();
  };
  const auto context = As(token_);
  v1::ImportContactsResponse response;
  const auto writer = stub_->ImportContacts(context.get(), &response);
  v1::ImportContactsRequest request;
  for (int i = 0; i < 1000; ++i) {
    v1::Contact& contact = *request.add_contacts();
    contact.set_email(absl::StrCat("u", i, "@x.com"));
    contact.set_name(std::string(100, 'n'));
  }
  // Megabytes: more than the connection's windows hold.
  std::atomic<int> sent{0};
  std::thread sender([&] {
    for (int i = 0; i < 200 && writer->Write(request); ++i) ++sent;
    writer->WritesDone();
  });
  while (taken == 0) std::this_thread::yield();
  absl::SleepFor(absl::Milliseconds(300));  // time to send what will never be taken
  EXPECT_EQ(taken, 1);
  EXPECT_LT(sent, 150);
  go_on.Notify();
  sender.join();
  ASSERT_TRUE(writer->Finish().ok());
  EXPECT_EQ(response.row_count(), 200'000);
}

TEST_F(ContactServiceTest, AnImportWhoseCallerLeavesEnds) {
  const auto context = As(token_);
  v1::ImportContactsResponse response;
  const auto writer = stub_->ImportContacts(context.get(), &response);
  v1::ImportContactsRequest request;
  request.add_contacts()->set_email("a@x.com");
  ASSERT_TRUE(writer->Write(request));
  context->TryCancel();
  EXPECT_EQ(writer->Finish().error_code(), grpc::StatusCode::CANCELLED);
  server_->Drain(absl::Now() + absl::Seconds(10));  // nothing is held
}

TEST_F(ContactServiceTest, AServerThatDrainsEndsAnImportAndSaysWhereToGoOn) {
  absl::Notification stored;
  contacts_.on_upsert = [&](absl::Span<const storage::NewContact>) {
    if (!stored.HasBeenNotified()) stored.Notify();
    return absl::OkStatus();
  };
  const auto context = As(token_);
  v1::ImportContactsResponse response;
  const auto writer = stub_->ImportContacts(context.get(), &response);
  v1::ImportContactsRequest request;
  request.add_contacts()->set_email("a@x.com");
  ASSERT_TRUE(writer->Write(request));
  stored.WaitForNotification();
  std::thread drain([&] { server_->Drain(absl::Now() + absl::Seconds(20)); });
  while (writer->Write(request)) {
  }
  const grpc::Status status = writer->Finish();
  EXPECT_EQ(Reason(status), "DRAINING");
  EXPECT_NE(Metadata(status).at("stored_rows"), "0");
  drain.join();
}

TEST_F(ContactServiceTest, ExportsAllOldestFirstAndResumes) {
  std::vector<std::string> emails;
  for (int i = 0; i < 2500; ++i) emails.push_back(absl::StrCat("u", i, "@x.com"));
  ASSERT_TRUE(Import(emails, 1000).status.ok());
  v1::ExportContactsRequest request;
  request.set_reveal_email(true);
  const int before = AuditEntries();
  const Exported all = Export(request, token_);
  ASSERT_TRUE(all.status.ok()) << all.status.error_message();
  EXPECT_EQ(all.emails, emails);
  ASSERT_EQ(all.tokens.size(), 3u);
  EXPECT_EQ(AuditEntries(), before + 1);
  request.set_resume_token(all.tokens[1]);
  EXPECT_EQ(Export(request, token_).emails.size(), 500u);
  request.set_filter("tags:other");
  EXPECT_THAT(Fields(Export(request, token_).status), ElementsAre("resume_token"));
}

TEST_F(ContactServiceTest, ListsAndExportsOfLargeContactsStayBelowWhatClientsTake) {
  constexpr int kContacts = 500;
  std::vector<std::string> emails;
  v1::ImportContactsRequest rows;
  for (int i = 0; i < kContacts; ++i) {
    v1::Contact& contact = *rows.add_contacts();
    emails.push_back(absl::StrCat("u", i, "@x.com"));
    contact.set_email(emails.back());
    (*contact.mutable_attributes()->mutable_fields())["note"].set_string_value(
        std::string(12'000, 'n'));
  }
  const auto context = As(token_);
  v1::ImportContactsResponse imported;
  const auto writer = stub_->ImportContacts(context.get(), &imported);
  ASSERT_TRUE(writer->Write(rows));
  writer->WritesDone();
  ASSERT_TRUE(writer->Finish().ok());
  ASSERT_EQ(imported.created_count(), kContacts);
  v1::ExportContactsRequest request;
  request.set_reveal_email(true);
  const Exported all = Export(request, token_);
  ASSERT_TRUE(all.status.ok()) << all.status.error_message();
  EXPECT_EQ(all.emails, emails);
  EXPECT_GE(all.tokens.size(), 3u);
  request.set_resume_token(all.tokens[0]);
  const Exported rest = Export(request, token_);
  ASSERT_TRUE(rest.status.ok()) << rest.status.error_message();
  EXPECT_EQ(rest.tokens.size(), all.tokens.size() - 1);
  EXPECT_EQ(rest.emails.back(), emails.back());

  v1::ListContactsRequest list;
  list.set_page_size(500);
  list.set_reveal_email(true);
  std::vector<std::string> listed;  // newest first
  do {
    v1::ListContactsResponse page;
    ASSERT_TRUE(stub_->ListContacts(As(token_).get(), list, &page).ok());
    for (const v1::Contact& contact : page.contacts()) listed.push_back(contact.email());
    list.set_page_token(page.next_page_token());
  } while (!list.page_token().empty());
  std::reverse(listed.begin(), listed.end());
  EXPECT_EQ(listed, emails);
}

TEST_F(ContactServiceTest, AnExportIsRedactedForThoseWhoMayOnlyRead) {
  ASSERT_TRUE(Create("anna@x.com").ok());
  const std::string reader = Issue(storage::kScopeRead);
  EXPECT_THAT(Export({}, reader).emails, ElementsAre("a***@x.com"));
  v1::ExportContactsRequest request;
  request.set_reveal_email(true);
  EXPECT_EQ(Reason(Export(request, reader).status), "SCOPE_MISSING");
}

TEST_F(ContactServiceTest, ASegmentIsCheckedStoredAndPreviewed) {
  ASSERT_TRUE(Create("anna@x.com", {"premium"}).ok());
  ASSERT_TRUE(Create("berta@x.com").ok());
  v1::CreateSegmentRequest create;
  create.mutable_segment()->set_key("Pros");
  create.mutable_segment()->set_filter("tags = premium");
  v1::Segment segment;
  EXPECT_THAT(Fields(stub_->CreateSegment(As(token_).get(), create, &segment)),
              ElementsAre("segment.key", "segment.filter"));
  create.mutable_segment()->set_key("pros");
  create.mutable_segment()->set_filter("tags:premium");
  ASSERT_TRUE(stub_->CreateSegment(As(token_).get(), create, &segment).ok());
  EXPECT_EQ(Reason(stub_->CreateSegment(As(token_).get(), create, &segment)), "SEGMENT_EXISTS");
  v1::PreviewSegmentRequest request;
  v1::PreviewSegmentResponse preview;
  request.set_key("pros");
  ASSERT_TRUE(stub_->PreviewSegment(As(token_).get(), request, &preview).ok());
  EXPECT_EQ(preview.contact_count(), 1);
  EXPECT_TRUE(preview.exact());
  ASSERT_EQ(preview.sample_size(), 1);
  EXPECT_EQ(preview.sample(0).email(), "a***@x.com");
  request.set_filter("NOT tags:premium");
  ASSERT_TRUE(stub_->PreviewSegment(As(token_).get(), request, &preview).ok());
  EXPECT_EQ(preview.contact_count(), 1);
  request.set_key("gone");
  EXPECT_EQ(Reason(stub_->PreviewSegment(As(token_).get(), request, &preview)),
            "SEGMENT_NOT_FOUND");
}

TEST_F(ContactServiceTest, AChoiceThatIsNoneIsRefusedAndNotTakenForOut) {
  v1::SetPreferencesRequest request;
  request.mutable_subject()->set_email("anna@example.com");
  v1::CategoryPreference& wanted = *request.add_categories();
  wanted.set_category("not a key");
  wanted.set_choice(static_cast<v1::CategoryPreference::Choice>(7));
  v1::Preferences preferences;
  EXPECT_THAT(Fields(stub_->SetPreferences(As(token_).get(), request, &preferences)),
              ElementsAre("categories[0].category", "categories[0].choice"));
}

}  // namespace
}  // namespace herald::rpc

// Tenancy, for every method there is: tenant A's token with tenant B's ids shows and changes
// nothing of B's. The requests are made from the descriptors, so that a new method is covered, or
// fails here, from its first day.
#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/field_mask.pb.h>
#include <google/protobuf/message.h>
#include <gtest/gtest.h>

#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "herald/v1/delivery_event_service.pb.h"
#include "tests/e2e/raw_call.h"
#include "tests/e2e/stack.h"
#include "tests/e2e/tenant.h"
#include "tests/support/status_matchers.h"

namespace herald::e2e {
namespace {

namespace pb = google::protobuf;

// What A is told by others, and asks for.
constexpr char kKey[] = "known-key";
// In every text that only B knows.
constexpr char kMark[] = "confidential";

// Methods that work on the caller's own tenant whatever they are told; they answer OK, and the
// answer must have nothing of B's.
const std::set<std::string>& Harmless() {
  static const auto* const methods = new std::set<std::string>{
      "herald.v1.ContactService/CreateContact",      "herald.v1.ContactService/CreateSegment",
      "herald.v1.ContactService/ImportContacts",     "herald.v1.ContactService/ListContacts",
      "herald.v1.ContactService/CreateCategory",     "herald.v1.ContactService/ListCategories",
      "herald.v1.ContactService/GetPreferences",     "herald.v1.ContactService/CreateSuppression",
      "herald.v1.ContactService/CheckSuppression",   "herald.v1.ContactService/ListSuppressions",
      "herald.v1.ContactService/ImportSuppressions", "herald.v1.ContactService/ListSegments",
      "herald.v1.EmailService/ListEmails",           "herald.v1.EmailService/RedriveEmails",
      "herald.v1.EmailService/SendEmails",           "herald.v1.TemplateService/CreateTemplate",
      "herald.v1.TemplateService/ListTemplates"};
  return *methods;
}

class Tenancy : public ::testing::Test {
 protected:
  void SetUp() override {
    v1::CreateTemplateRequest create;
    create.set_key(kKey);
    create.mutable_content()->set_subject(kMark);
    create.mutable_content()->set_text(kMark);
    ASSERT_OK(b_.api().CreateTemplate(create));
    v1::SendEmailRequest request = b_.EmailTo("delivered");
    request.mutable_template_()->set_key(kKey);
    request.mutable_recipient()->set_user_id(kKey);
    (*request.mutable_metadata())["note"] = kMark;
    delivered_ = b_.Send(request);
    b_.Await(delivered_.id(), v1::Email::STATE_DELIVERED);
    b_.AwaitEvent(delivered_.id(), v1::EVENT_TYPE_SENT);
    *request.mutable_send_time() = Timestamp(absl::Now() + absl::Hours(1));
    waiting_ = b_.Send(request);
    v1::CreateContactRequest contact;
    contact.mutable_contact()->set_email("delivered@sandbox.herald.test");
    contact.mutable_contact()->set_name(kMark);
    contact.mutable_contact()->set_user_id(kKey);
    contact.mutable_contact()->add_tags(kMark);
    ASSERT_OK_AND_ASSIGN(contact_, b_.api().CreateContact(contact));
    v1::CreateSegmentRequest segment;
    segment.mutable_segment()->set_key(kKey);
    segment.mutable_segment()->set_display_name(kMark);
    segment.mutable_segment()->set_filter("tags:*");
    ASSERT_OK(b_.api().CreateSegment(segment));
    v1::CreateCategoryRequest category;
    category.mutable_category()->set_key(kKey);
    category.mutable_category()->set_display_name(kMark);
    category.mutable_category()->set_kind(v1::Category::KIND_MARKETING);
    ASSERT_OK(b_.api().CreateCategory(category));
    v1::CreateSuppressionRequest suppression;
    suppression.set_email("delivered@sandbox.herald.test");
    suppression.set_reason(v1::Suppression::REASON_UNSUBSCRIBE);
    ASSERT_OK(b_.api().CreateSuppression(suppression));
    token_id_ = b_.CreateToken(v1::ApiToken::MODE_LIVE).api_token().id();
  }

  void Fill(pb::Message& message, const std::string& email_id) const;
  void FillField(pb::Message& message, const pb::FieldDescriptor& field,
                 const std::string& email_id) const;
  std::string TextFor(const pb::FieldDescriptor& field, const std::string& email_id) const;
  RawAnswer CallAsA(const pb::MethodDescriptor& method, const std::string& email_id) const;
  void ExpectNothingOfB(const pb::MethodDescriptor& method, const RawAnswer& answer) const;
  // Every row of every table that belongs to B, as a digest. Of the ledger its counts: a duty folds
  // the rows meanwhile.
  std::string RowsOfB() const;

  const Tenant a_{"tenant-a"};
  const Tenant b_{"tenant-b"};
  v1::Email delivered_;
  v1::Email waiting_;
  v1::Contact contact_;
  std::string token_id_;
};

std::string Tenancy::TextFor(const pb::FieldDescriptor& field, const std::string& email_id) const {
  const std::string& name = field.name();
  const std::string& owner = field.containing_type()->name();
  if (name == "email_id") return email_id;
  if (name == "id") {
    if (absl::StrContains(owner, "Token")) return token_id_;
    if (absl::StrContains(owner, "Tenant")) return b_.id();
    if (absl::StrContains(owner, "Contact")) return contact_.id();
    return email_id;
  }
  if (name == "tenant_id") return b_.id();
  if (name == "key" || name == "template_key" || name == "user_id") return kKey;
  if (name == "idempotency_key") return delivered_.idempotency_key();
  if (name == "provider_message_id") return b_.Get(delivered_.id()).provider_message_id();
  if (name == "email" && owner == "Mailbox") return a_.sender();
  if (name == "email" || name == "recipient_email") return "delivered@sandbox.herald.test";
  if (name == "account") return "sandbox";
  if (name == "filter" && owner == "Segment") return "tags:*";
  if (name == "category" && owner == "CategoryPreference") return kKey;
  if (name == "display_name" && owner == "Category") return "Own name";
  if (name == "subject" || name == "text" || name == "html") return "Own content";
  return "";
}

void Tenancy::FillField(pb::Message& message, const pb::FieldDescriptor& field,
                        const std::string& email_id) const {
  const pb::Reflection& reflection = *message.GetReflection();
  if (field.is_map() || field.name() == "variables") return;
  if (field.cpp_type() == pb::FieldDescriptor::CPPTYPE_MESSAGE) {
    const std::string& type = field.message_type()->full_name();
    if (type == "google.protobuf.Timestamp") {
      // A time that any of them may have; a filter's would only hide what it finds.
      if (field.name() != "send_time" || message.GetTypeName() == "herald.v1.SendEmailRequest") {
        return;
      }
      reflection.MutableMessage(&message, &field)
          ->CopyFrom(Timestamp(absl::Now() + absl::Minutes(30)));
      return;
    }
    if (type == "google.protobuf.FieldMask") {
      auto& mask = static_cast<pb::FieldMask&>(*reflection.MutableMessage(&message, &field));
      mask.add_paths(message.GetTypeName() == "herald.v1.UpdateContactRequest" ? "name"
                                                                               : "display_name");
      return;
    }
    if (field.name() == "attachments" || field.name() == "reply_to") return;
    Fill(field.is_repeated() ? *reflection.AddMessage(&message, &field)
                             : *reflection.MutableMessage(&message, &field),
         email_id);
    return;
  }
  if (field.is_repeated()) return;
  if (field.cpp_type() == pb::FieldDescriptor::CPPTYPE_STRING) {
    const std::string text = TextFor(field, email_id);
    if (!text.empty()) reflection.SetString(&message, &field, text);
  } else if (field.name() == "kind") {
    reflection.SetEnumValue(&message, &field, v1::Category::KIND_MARKETING);
  } else if (field.name() == "version") {
    reflection.SetInt32(&message, &field, 1);
  }
}

void Tenancy::Fill(pb::Message& message, const std::string& email_id) const {
  const pb::Descriptor& descriptor = *message.GetDescriptor();
  for (int i = 0; i < descriptor.field_count(); ++i) {
    const pb::FieldDescriptor& field = *descriptor.field(i);
    // Of alternatives the first, which names a stored thing.
    if (field.real_containing_oneof() != nullptr && field.index_in_oneof() != 0) continue;
    FillField(message, field, email_id);
  }
}

RawAnswer Tenancy::CallAsA(const pb::MethodDescriptor& method, const std::string& email_id) const {
  const std::unique_ptr<pb::Message> request(
      pb::MessageFactory::generated_factory()->GetPrototype(method.input_type())->New());
  Fill(*request, email_id);
  return Send({.method = absl::StrCat(method.service()->full_name(), "/", method.name()),
               .request = request->SerializeAsString(),
               .token = a_.token(),
               .metadata = {}});
}

void Tenancy::ExpectNothingOfB(const pb::MethodDescriptor& method, const RawAnswer& answer) const {
  const std::string name = absl::StrCat(method.service()->full_name(), "/", method.name());
  if (Harmless().count(name) == 0) {
    EXPECT_TRUE(absl::IsNotFound(answer.status) || absl::IsPermissionDenied(answer.status))
        << name << ": " << answer.status;
    EXPECT_NE(ReasonOf(answer.status), "") << name;
  } else {
    EXPECT_OK(answer.status) << name;
  }
  const std::unique_ptr<pb::Message> response(
      pb::MessageFactory::generated_factory()->GetPrototype(method.output_type())->New());
  ASSERT_TRUE(response->ParseFromString(answer.response)) << name;
  const std::string told = absl::StrCat(response->DebugString(), answer.status.ToString());
  for (const std::string& secret :
       {delivered_.id(), waiting_.id(), b_.id(), token_id_, contact_.id()}) {
    EXPECT_FALSE(absl::StrContains(told, secret)) << name << ": " << told;
  }
  EXPECT_FALSE(absl::StrContains(told, kMark)) << name << ": " << told;
}

std::string Tenancy::RowsOfB() const {
  const Stack& stack = Stack::Shared();
  const auto tables = stack.Sql(
      "SELECT string_agg(table_name, ' ' ORDER BY table_name) FROM information_schema.columns "
      "WHERE table_schema = 'herald' AND column_name = 'tenant_id'");
  EXPECT_OK(tables);
  const auto counts = stack.Sql(absl::StrCat(
      "SELECT string_agg(c::text, ',' ORDER BY c::text) FROM ("
      "SELECT lane, state, sum(emails) FROM (SELECT tenant_id, lane, state, emails FROM "
      "herald.ledger UNION ALL SELECT tenant_id, lane, state, emails FROM herald.ledger_deltas) l "
      "JOIN herald.tenants o USING (tenant_id) WHERE o.slug = '",
      b_.slug(), "' GROUP BY 1, 2 HAVING sum(emails) <> 0) c"));
  EXPECT_OK(counts);
  std::string digests = absl::StrCat("ledger ", counts.value_or(""), "\n");
  for (absl::string_view table : absl::StrSplit(tables.value_or(""), ' ')) {
    if (table == "ledger" || table == "ledger_deltas") continue;
    const auto rows = stack.Sql(absl::StrCat(
        "SELECT count(*), md5(coalesce(string_agg(t::text, ',' ORDER BY t::text), '')) FROM "
        "herald.",
        table, " t WHERE t.tenant_id = (SELECT o.tenant_id FROM herald.tenants o WHERE o.slug = '",
        b_.slug(), "')"));
    EXPECT_OK(rows) << table;
    absl::StrAppend(&digests, table, " ", rows.value_or(""), "\n");
  }
  return digests;
}

TEST_F(Tenancy, NoMethodShowsOrChangesAnotherTenantsRows) {
  const std::string before = RowsOfB();
  EXPECT_THAT(before, ::testing::HasSubstr("emails 2|"));
  int methods = 0;
  // From then on A has a thing of that name, too: last, in this order.
  const std::set<std::string> creating = {"CreateCategory",    "CreateContact",  "CreateSegment",
                                          "CreateSuppression", "CreateTemplate", "ImportContacts",
                                          "ImportSuppressions"};
  std::vector<const pb::MethodDescriptor*> last;
  for (const char* service : {"EmailService", "TemplateService", "TenantService",
                              "DeliveryEventService", "ContactService"}) {
    const pb::ServiceDescriptor* descriptor =
        v1::DeliveryEvent::descriptor()->file()->pool()->FindServiceByName(
            absl::StrCat("herald.v1.", service));
    ASSERT_NE(descriptor, nullptr) << service;
    for (int i = 0; i < descriptor->method_count(); ++i) {
      const pb::MethodDescriptor& method = *descriptor->method(i);
      ++methods;
      if (method.server_streaming()) continue;  // below
      if (creating.count(method.name()) != 0) {
        last.push_back(&method);
        continue;
      }
      for (const std::string& id : {delivered_.id(), waiting_.id()}) {
        ExpectNothingOfB(method, CallAsA(method, id));
      }
    }
  }
  for (const pb::MethodDescriptor* method : last) {
    ExpectNothingOfB(*method, CallAsA(*method, delivered_.id()));
  }
  EXPECT_GE(methods, 60);
  EXPECT_EQ(RowsOfB(), before);
}

TEST_F(Tenancy, AnotherTenantsPageTokenIsRefused) {
  v1::ListEmailsRequest request;
  request.set_page_size(1);
  ASSERT_OK_AND_ASSIGN(const auto page, b_.api().ListEmails(request));
  ASSERT_NE(page.next_page_token(), "");
  request.set_page_token(page.next_page_token());
  EXPECT_THAT(a_.api().ListEmails(request), support::StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(Tenancy, AnExportShowsOnlyTheTenantsOwnContacts) {
  v1::CreateContactRequest own;
  own.mutable_contact()->set_email("own@example.com");
  ASSERT_OK_AND_ASSIGN(const v1::Contact contact, a_.api().CreateContact(own));
  for (const char* filter : {"", "tags:* OR NOT tags:*", "NOT tags:gone"}) {
    v1::ExportContactsRequest request;
    request.set_filter(filter);
    std::vector<std::string> seen;
    ASSERT_OK(a_.api().ExportContacts(request, [&](const auto& page) {
      for (const v1::Contact& row : page.contacts()) seen.push_back(row.id());
      return true;
    }));
    EXPECT_THAT(seen, ::testing::ElementsAre(contact.id())) << filter;
  }
}

TEST_F(Tenancy, AnExportShowsOnlyTheTenantsOwnSuppressions) {
  v1::CreateSuppressionRequest own;
  own.set_email("own@example.com");
  ASSERT_OK_AND_ASSIGN(const v1::Suppression suppression, a_.api().CreateSuppression(own));
  v1::ExportSuppressionsRequest request;
  request.set_reveal_emails(true);
  std::vector<std::string> seen;
  ASSERT_OK(a_.api().ExportSuppressions(request, [&](const auto& page) {
    for (const v1::Suppression& row : page.suppressions()) seen.push_back(row.id());
    return true;
  }));
  EXPECT_THAT(seen, ::testing::ElementsAre(suppression.id()));
}

TEST_F(Tenancy, AWatchShowsOnlyTheTenantsOwnEvents) {
  const std::string own = a_.SendTo("rejected").id();
  a_.Await(own, v1::Email::STATE_FAILED);
  std::set<std::string> seen;
  ASSERT_OK(a_.api().WatchEmailEvents({}, [&](const auto& batch) {
    for (const v1::EmailEvent& event : batch.events()) seen.insert(event.email_id());
    return seen.count(own) == 0;
  }));
  EXPECT_THAT(seen, ::testing::ElementsAre(own));
}

}  // namespace
}  // namespace herald::e2e

// TemplateService, TenantService and DeliveryEventService.
#include <gmock/gmock.h>

#include "herald/v1/delivery_event_service.grpc.pb.h"
#include "herald/v1/template_service.grpc.pb.h"
#include "herald/v1/tenant_service.grpc.pb.h"
#include "tests/unit/rpc/server_fixture.h"

namespace herald::rpc {
namespace {

using ::testing::ElementsAre;

class TemplateServiceTest : public ServerFixture {
 protected:
  void SetUp() override {
    Start();
    stub_ = v1::TemplateService::NewStub(channel_);
  }
  grpc::Status Create(const std::string& key, const std::string& html = "Hi {{name}}") {
    v1::CreateTemplateRequest request;
    request.set_key(key);
    request.mutable_content()->set_subject("Welcome");
    request.mutable_content()->set_html(html);
    auto context = As(token_);
    return stub_->CreateTemplate(context.get(), request, &template_);
  }

  std::unique_ptr<v1::TemplateService::Stub> stub_;
  v1::Template template_;
};

TEST_F(TemplateServiceTest, CreatesPublishesAndShowsDerivedVariables) {
  ASSERT_TRUE(Create("welcome").ok());
  EXPECT_EQ(template_.published_version(), 1);
  v1::GetTemplateVersionRequest request;
  request.set_template_key("welcome");
  v1::TemplateVersion version;
  auto context = As(token_);
  ASSERT_TRUE(stub_->GetTemplateVersion(context.get(), request, &version).ok());
  EXPECT_EQ(version.version(), 1);
  ASSERT_EQ(version.content().variables_size(), 1);
  EXPECT_EQ(version.content().variables(0).name(), "name");
  EXPECT_TRUE(version.content().variables(0).required());
}

TEST_F(TemplateServiceTest, AChangeIsAuditedAsTheCallersAct) {
  ASSERT_TRUE(Create("welcome").ok());
  ASSERT_FALSE(Create("welcome").ok());
  v1::DeleteTemplateRequest request;
  request.set_key("welcome");
  v1::DeleteTemplateResponse response;
  ASSERT_TRUE(stub_->DeleteTemplate(As(token_).get(), request, &response).ok());
  ASSERT_EQ(templates_.audit().size(), 2u);
  EXPECT_EQ(templates_.audit()[0].action, "herald.v1.TemplateService/CreateTemplate");
  EXPECT_EQ(templates_.audit()[1].action, "herald.v1.TemplateService/DeleteTemplate");
  EXPECT_EQ(templates_.audit()[1].actor.substr(0, 3), "tk_");
}

TEST_F(TemplateServiceTest, ATemplateThatDoesNotParseIsRefusedByItsPart) {
  const grpc::Status status = Create("welcome", "{{#open}}");
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(Fields(status), ElementsAre("content.html"));
}

TEST_F(TemplateServiceTest, ATakenKeyAndABadKeyAreRefused) {
  ASSERT_TRUE(Create("welcome").ok());
  EXPECT_EQ(Reason(Create("welcome")), "TEMPLATE_EXISTS");
  EXPECT_THAT(Fields(Create("Wel come")), ElementsAre("key"));
}

TEST_F(TemplateServiceTest, ANewVersionIsUsedOncePublishedAndRollsBack) {
  ASSERT_TRUE(Create("welcome").ok());
  v1::CreateTemplateVersionRequest create;
  create.set_template_key("welcome");
  create.mutable_content()->set_subject("Two");
  create.mutable_content()->set_text("two");
  v1::TemplateVersion version;
  auto context = As(token_);
  ASSERT_TRUE(stub_->CreateTemplateVersion(context.get(), create, &version).ok());
  EXPECT_EQ(version.version(), 2);
  v1::RenderTemplateRequest render;
  render.mutable_template_()->set_key("welcome");
  (*render.mutable_variables()->mutable_fields())["name"].set_string_value("<Anna>");
  v1::RenderTemplateResponse rendered;
  for (const int published : {2, 1}) {
    v1::PublishTemplateVersionRequest publish;
    publish.set_template_key("welcome");
    publish.set_version(published);
    context = As(token_);
    ASSERT_TRUE(stub_->PublishTemplateVersion(context.get(), publish, &template_).ok());
    context = As(token_);
    ASSERT_TRUE(stub_->RenderTemplate(context.get(), render, &rendered).ok());
    EXPECT_EQ(rendered.subject(), published == 2 ? "Two" : "Welcome");
  }
  EXPECT_EQ(rendered.html(), "Hi &lt;Anna&gt;");
}

TEST_F(TemplateServiceTest, APreviewNamesAMissingVariableAndAnUnknownTemplate) {
  v1::RenderTemplateRequest request;
  request.mutable_content()->set_subject("Hi {{name}}");
  request.mutable_content()->set_text("text");
  v1::RenderTemplateResponse response;
  auto context = As(token_);
  EXPECT_THAT(Fields(stub_->RenderTemplate(context.get(), request, &response)),
              ElementsAre("variables.name"));
  request.mutable_template_()->set_key("absent");
  context = As(token_);
  EXPECT_EQ(Reason(stub_->RenderTemplate(context.get(), request, &response)), "TEMPLATE_NOT_FOUND");
}

TEST_F(TemplateServiceTest, ListsByKeyInPages) {
  for (const char* key : {"b", "a", "c"}) ASSERT_TRUE(Create(key).ok());
  v1::ListTemplatesRequest request;
  request.set_page_size(2);
  std::vector<std::string> keys;
  do {
    v1::ListTemplatesResponse response;
    auto context = As(token_);
    ASSERT_TRUE(stub_->ListTemplates(context.get(), request, &response).ok());
    for (const v1::Template& row : response.templates()) keys.push_back(row.key());
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_THAT(keys, ElementsAre("a", "b", "c"));
}

TEST_F(TemplateServiceTest, PagesOfLargeVersionsAreWhatAnyClientTakes) {
  ASSERT_TRUE(Create("welcome").ok());
  v1::CreateTemplateVersionRequest create;
  create.set_template_key("welcome");
  create.mutable_content()->set_subject("Hi");
  create.mutable_content()->set_html(std::string(250 << 10, 'h'));
  create.mutable_content()->set_text(std::string(250 << 10, 't'));
  for (int i = 0; i < 11; ++i) {
    v1::TemplateVersion version;
    ASSERT_TRUE(stub_->CreateTemplateVersion(As(token_).get(), create, &version).ok());
  }
  v1::ListTemplateVersionsRequest request;
  request.set_template_key("welcome");
  std::vector<int> versions;
  int pages = 0;
  do {
    v1::ListTemplateVersionsResponse page;
    ASSERT_TRUE(stub_->ListTemplateVersions(As(token_).get(), request, &page).ok());
    for (const v1::TemplateVersion& version : page.versions()) {
      versions.push_back(version.version());
    }
    request.set_page_token(page.next_page_token());
    ++pages;
  } while (!request.page_token().empty());
  EXPECT_EQ(pages, 3);
  EXPECT_THAT(versions, ElementsAre(12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1));
}

TEST_F(TemplateServiceTest, VersionsOfADeletedTemplateAreShownNoMore) {
  ASSERT_TRUE(Create("welcome").ok());
  v1::DeleteTemplateRequest request;
  request.set_key("welcome");
  v1::DeleteTemplateResponse response;
  auto context = As(token_);
  ASSERT_TRUE(stub_->DeleteTemplate(context.get(), request, &response).ok());
  v1::GetTemplateVersionRequest get;
  get.set_template_key("welcome");
  get.set_version(1);
  v1::TemplateVersion version;
  context = As(token_);
  EXPECT_EQ(Reason(stub_->GetTemplateVersion(context.get(), get, &version)), "TEMPLATE_NOT_FOUND");

  ASSERT_TRUE(Create("welcome").ok());
  context = As(token_);
  EXPECT_EQ(Reason(stub_->GetTemplateVersion(context.get(), get, &version)),
            "TEMPLATE_VERSION_NOT_FOUND");
  v1::ListTemplateVersionsRequest list;
  list.set_template_key("welcome");
  v1::ListTemplateVersionsResponse listed;
  context = As(token_);
  ASSERT_TRUE(stub_->ListTemplateVersions(context.get(), list, &listed).ok());
  ASSERT_EQ(listed.versions_size(), 1);
  EXPECT_EQ(listed.versions(0).version(), 2);
  v1::PublishTemplateVersionRequest publish;
  publish.set_template_key("welcome");
  publish.set_version(1);
  v1::Template published;
  context = As(token_);
  EXPECT_EQ(Reason(stub_->PublishTemplateVersion(context.get(), publish, &published)),
            "TEMPLATE_VERSION_NOT_FOUND");
}

TEST_F(TemplateServiceTest, ATestSendGoesThroughAcceptance) {
  v1::SendTestEmailRequest request;
  request.set_idempotency_key("test:1");
  request.mutable_template_()->set_key("welcome");
  request.mutable_recipient()->set_email("anna@example.com");
  v1::Email email;
  auto context = As(token_);
  ASSERT_TRUE(stub_->SendTestEmail(context.get(), request, &email).ok());
  EXPECT_EQ(email.idempotency_key(), "test:1");
  EXPECT_EQ(acceptor_.accepted(), 1);
}

class TenantServiceTest : public ServerFixture {
 protected:
  void SetUp() override {
    Start();
    stub_ = v1::TenantService::NewStub(channel_);
  }
  std::unique_ptr<v1::TenantService::Stub> stub_;
};

TEST_F(TenantServiceTest, ACreatedTenantIsFoundByIdAndSlugAndAudited) {
  v1::CreateTenantRequest request;
  request.mutable_tenant()->set_slug("bank");
  request.mutable_tenant()->add_allowed_sender_domains("BANK.example");
  v1::Tenant created;
  auto context = As(kOperatorToken);
  ASSERT_TRUE(stub_->CreateTenant(context.get(), request, &created).ok());
  EXPECT_THAT(created.allowed_sender_domains(), ElementsAre("bank.example"));
  EXPECT_EQ(created.state(), v1::Tenant::STATE_ACTIVE);
  for (const std::string& name : {created.id(), std::string("bank")}) {
    v1::GetTenantRequest get;
    get.set_id(name);
    v1::Tenant tenant;
    context = As(kOperatorToken);
    ASSERT_TRUE(stub_->GetTenant(context.get(), get, &tenant).ok());
    EXPECT_EQ(tenant.id(), created.id());
  }
  EXPECT_EQ(tenants_.audits().back().action, "herald.v1.TenantService/CreateTenant");
  EXPECT_EQ(tenants_.audits().back().actor, "operator");
  context = As(kOperatorToken);
  EXPECT_EQ(Reason(stub_->CreateTenant(context.get(), request, &created)), "TENANT_EXISTS");
}

TEST_F(TenantServiceTest, ALedgerIsOfATenantThatExists) {
  v1::CreateTenantRequest create;
  create.mutable_tenant()->set_slug("counted");
  v1::Tenant tenant;
  auto context = As(kOperatorToken);
  ASSERT_TRUE(stub_->CreateTenant(context.get(), create, &tenant).ok());
  v1::GetLedgerRequest request;
  request.set_tenant_id(tenant.id());
  v1::Ledger ledger;
  context = As(kOperatorToken);
  ASSERT_TRUE(stub_->GetLedger(context.get(), request, &ledger).ok());
  ASSERT_EQ(ledger.lanes_size(), 1);
  EXPECT_EQ(ledger.lanes(0).accepted(), 3);
  EXPECT_EQ(ledger.lanes(0).pending() + ledger.lanes(0).sent(), 3);
  request.set_tenant_id(FormatTenantId(TenantId{999}));
  context = As(kOperatorToken);
  EXPECT_EQ(stub_->GetLedger(context.get(), request, &ledger).error_code(),
            grpc::StatusCode::NOT_FOUND);
}

TEST_F(TenantServiceTest, ACreatedTokenWorksUntilItIsRevoked) {
  v1::CreateApiTokenRequest request;
  request.set_tenant_id(FormatTenantId(tenant_));
  request.add_scopes(v1::ApiToken::SCOPE_SEND);
  request.set_mode(v1::ApiToken::MODE_RESTRICTED);
  request.add_allowed_recipients("Anna@example.com");
  v1::CreateApiTokenResponse response;
  auto context = As(kOperatorToken);
  ASSERT_TRUE(stub_->CreateApiToken(context.get(), request, &response).ok());
  EXPECT_THAT(response.api_token().allowed_recipients(), ElementsAre("a***@example.com"));
  const auto caller = authenticator_.Load(response.secret());
  ASSERT_TRUE(caller.ok());
  EXPECT_EQ((*caller)->mode, storage::TokenMode::kRestricted);
  EXPECT_THAT((*caller)->allowed_recipients, ElementsAre("anna@example.com"));

  v1::RevokeApiTokenRequest revoke;
  revoke.set_tenant_id(request.tenant_id());
  revoke.set_id(response.api_token().id());
  v1::ApiToken revoked;
  context = As(kOperatorToken);
  ASSERT_TRUE(stub_->RevokeApiToken(context.get(), revoke, &revoked).ok());
  EXPECT_TRUE(revoked.has_revoke_time());
  EXPECT_FALSE(authenticator_.Load(response.secret()).ok());
}

TEST_F(TenantServiceTest, NamesEveryBadFieldOfATokenRequest) {
  v1::CreateApiTokenRequest request;
  request.set_tenant_id("nobody");
  request.add_allowed_recipients("anna@example.com");
  request.mutable_expire_time()->set_seconds(1);
  v1::CreateApiTokenResponse response;
  auto context = As(kOperatorToken);
  EXPECT_THAT(Fields(stub_->CreateApiToken(context.get(), request, &response)),
              ElementsAre("tenant_id", "scopes", "allowed_recipients", "expire_time"));
}

TEST_F(TenantServiceTest, AnUpdateChangesOnlyWhatItNames) {
  v1::UpdateTenantRequest request;
  request.set_id(FormatTenantId(tenant_));
  request.set_state(v1::Tenant::STATE_SUSPENDED);
  v1::Tenant tenant;
  auto context = As(kOperatorToken);
  ASSERT_TRUE(stub_->UpdateTenant(context.get(), request, &tenant).ok());
  EXPECT_EQ(tenant.state(), v1::Tenant::STATE_SUSPENDED);
  EXPECT_EQ(tenant.slug(), "shop");
  request.add_allowed_sender_domains("shop.example");
  context = As(kOperatorToken);
  EXPECT_THAT(Fields(stub_->UpdateTenant(context.get(), request, &tenant)),
              ElementsAre("replace_sender_domains"));
}

TEST_F(TenantServiceTest, LimitsAreReplacedAsAWholeAndShown) {
  v1::SetTenantLimitsRequest request;
  v1::TenantLimits& wanted = *request.mutable_limits();
  wanted.set_tenant_id(FormatTenantId(tenant_));
  wanted.mutable_ingest()->set_per_second(100);
  wanted.set_warm_up(false);
  v1::CategoryLimits& category = *wanted.add_categories();
  category.set_category("marketing");
  category.mutable_per_user()->set_count(3);
  category.mutable_per_user()->mutable_window()->set_seconds(86'400);
  v1::TenantLimits limits;
  auto context = As(kOperatorToken);
  ASSERT_TRUE(stub_->SetTenantLimits(context.get(), request, &limits).ok());
  context = As(kOperatorToken);
  v1::GetTenantLimitsRequest get;
  get.set_tenant_id(wanted.tenant_id());
  ASSERT_TRUE(stub_->GetTenantLimits(context.get(), get, &limits).ok());
  limits.clear_update_time();
  EXPECT_EQ(limits.SerializeAsString(), wanted.SerializeAsString());
}

TEST_F(TenantServiceTest, NamesEveryBadLimit) {
  v1::SetTenantLimitsRequest request;
  v1::TenantLimits& wanted = *request.mutable_limits();
  wanted.set_tenant_id(FormatTenantId(tenant_));
  wanted.mutable_ingest()->set_burst(-1);
  wanted.add_categories()->mutable_per_user()->set_count(1001);
  wanted.add_categories();
  v1::TenantLimits limits;
  const auto context = As(kOperatorToken);
  EXPECT_THAT(Fields(stub_->SetTenantLimits(context.get(), request, &limits)),
              ElementsAre("limits.ingest.per_second", "limits.ingest.burst",
                          "limits.categories[0].per_user.count",
                          "limits.categories[0].per_user.window", "limits.categories[1].category"));
}

class DeliveryEventServiceTest : public ServerFixture {
 protected:
  grpc::Status Record(const v1::RecordDeliveryEventsRequest& request) {
    auto context = As(kSidecarToken);
    return v1::DeliveryEventService::NewStub(channel_)->RecordDeliveryEvents(context.get(), request,
                                                                             &response_);
  }
  static v1::DeliveryEvent Good() {
    v1::DeliveryEvent event;
    event.set_account("resend-main");
    event.set_provider_event_id("evt_1");
    event.set_type(v1::EVENT_TYPE_BOUNCED);
    event.set_bounce_class(v1::BOUNCE_CLASS_HARD);
    event.mutable_event_time()->set_seconds(1'700'000'000);
    event.set_tenant_id(FormatTenantId(TenantId{3}));
    event.set_email_id(FormatEmailId(EmailId{7}));
    return event;
  }
  v1::RecordDeliveryEventsResponse response_;
};

TEST_F(DeliveryEventServiceTest, HandsTheEventsOnInOrder) {
  Start();
  v1::RecordDeliveryEventsRequest request;
  *request.add_events() = Good();
  *request.add_events() = Good();
  request.mutable_events(1)->set_email_id("of-another-system");
  ASSERT_TRUE(Record(request).ok());
  EXPECT_EQ(response_.recorded_count(), 2);
  const auto events = delivery_events_.events();
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].email, EmailId{7});
  EXPECT_EQ(events[0].bounce_class, BounceClass::kHard);
  EXPECT_EQ(events[0].event_time, absl::FromUnixSeconds(1'700'000'000));
  EXPECT_FALSE(events[1].tenant.has_value());
  EXPECT_FALSE(events[1].email.has_value());
}

TEST_F(DeliveryEventServiceTest, RefusesABatchWithAMalformedEventAsAWhole) {
  Start();
  v1::RecordDeliveryEventsRequest request;
  EXPECT_THAT(Fields(Record(request)), ElementsAre("events"));
  *request.add_events() = Good();
  v1::DeliveryEvent& bad = *request.add_events();
  bad = Good();
  bad.set_account(std::string(65, 'a'));
  bad.set_type(v1::EVENT_TYPE_SENT);
  bad.clear_event_time();
  EXPECT_THAT(Fields(Record(request)),
              ElementsAre("events[1].account", "events[1].type", "events[1].bounce_class",
                          "events[1].event_time"));
  EXPECT_TRUE(delivery_events_.events().empty());
}

}  // namespace
}  // namespace herald::rpc

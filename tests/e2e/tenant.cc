#include "tests/e2e/tenant.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"
#include "tests/e2e/stack.h"
#include "tests/support/status_matchers.h"

namespace herald::e2e {
namespace {

constexpr absl::Duration kPoll = absl::Milliseconds(25);

int NextNumber() {
  static std::atomic<int> last{0};
  return ++last;
}

v1::Tenant Create(absl::string_view name) {
  v1::CreateTenantRequest request;
  request.mutable_tenant()->set_slug(absl::StrCat(name, "-", NextNumber()));
  request.mutable_tenant()->set_display_name(std::string(name));
  request.mutable_tenant()->add_allowed_sender_domains(
      absl::StrCat(request.tenant().slug(), ".herald.test"));
  const auto created = Stack::Shared().operator_client().CreateTenant(request);
  EXPECT_OK(created);
  return created.value_or(v1::Tenant());
}

}  // namespace

Tenant::Tenant(absl::string_view name)
    : tenant_(Create(name)),
      token_(CreateToken(v1::ApiToken::MODE_LIVE).secret()),
      api_(Stack::Shared().ClientWith(token_)) {}

std::string Tenant::sender() const {
  return absl::StrCat("hello@", tenant_.allowed_sender_domains(0));
}

v1::CreateApiTokenResponse Tenant::CreateToken(
    v1::ApiToken::Mode mode, const std::vector<std::string>& allowed_recipients,
    const std::vector<v1::ApiToken::Scope>& scopes) const {
  v1::CreateApiTokenRequest request;
  request.set_tenant_id(tenant_.id());
  request.set_mode(mode);
  for (v1::ApiToken::Scope scope : scopes) request.add_scopes(scope);
  for (const std::string& recipient : allowed_recipients) {
    request.add_allowed_recipients(recipient);
  }
  const auto created = Stack::Shared().operator_client().CreateApiToken(request);
  EXPECT_OK(created);
  return created.value_or(v1::CreateApiTokenResponse());
}

v1::SendEmailRequest Tenant::EmailTo(absl::string_view recipient) const {
  v1::SendEmailRequest request;
  request.mutable_recipient()->set_email(absl::StrContains(recipient, '@')
                                             ? std::string(recipient)
                                             : absl::StrCat(recipient, "@sandbox.herald.test"));
  request.mutable_from()->set_email(sender());
  request.mutable_inline_()->set_subject("Your parcel");
  request.mutable_inline_()->set_text("It is on its way.");
  return request;
}

v1::Email Tenant::Send(const v1::SendEmailRequest& request) const {
  const auto sent = api_.SendEmail(NewKey(), request);
  EXPECT_OK(sent);
  if (!sent.ok()) return {};
  EXPECT_FALSE(sent->replayed);
  return sent->email;
}

v1::Email Tenant::Get(const std::string& id) const {
  v1::GetEmailRequest request;
  request.set_id(id);
  const auto email = api_.GetEmail(request);
  EXPECT_OK(email);
  return email.value_or(v1::Email());
}

v1::Email Tenant::Await(const std::string& id, v1::Email::State state,
                        absl::Duration patience) const {
  const absl::Time deadline = absl::Now() + patience;
  v1::Email email = Get(id);
  while (email.state() != state && absl::Now() < deadline) {
    absl::SleepFor(kPoll);
    email = Get(id);
  }
  EXPECT_EQ(v1::Email::State_Name(email.state()), v1::Email::State_Name(state)) << email.id();
  return email;
}

void Tenant::AwaitEvent(const std::string& id, v1::EventType type, absl::Duration patience) const {
  const auto has_type = [&] {
    return absl::c_any_of(Timeline(id), [&](const auto& event) { return event.type() == type; });
  };
  for (const absl::Time deadline = absl::Now() + patience; !has_type(); absl::SleepFor(kPoll)) {
    if (absl::Now() < deadline) continue;
    ADD_FAILURE() << "no " << v1::EventType_Name(type) << " of " << id;
    return;
  }
}

std::vector<v1::EmailEvent> Tenant::Timeline(const std::string& id) const {
  v1::ListEmailEventsRequest request;
  request.set_email_id(id);
  const auto response = api_.ListEmailEvents(request);
  EXPECT_OK(response);
  if (!response.ok()) return {};
  return {response->events().begin(), response->events().end()};
}

std::string Tenant::UnsubscribeLink(const std::string& id) const {
  Await(id, v1::Email::STATE_DELIVERED);
  const std::string mail =
      Stack::Shared().Read(absl::StrCat("mail/", tenant_.id(), "/", id, ".eml"));
  EXPECT_THAT(mail, ::testing::HasSubstr("List-Unsubscribe-Post: List-Unsubscribe=One-Click"));
  const std::string unfolded = absl::StrReplaceAll(mail, {{"\r\n ", ""}, {"\n ", ""}});
  const size_t begin = unfolded.find("<http", unfolded.find("List-Unsubscribe:")) + 1;
  return unfolded.substr(begin, unfolded.find('>', begin) - begin);
}

client::IdempotencyKey NewKey() { return Key(absl::StrCat("e2e:", NextNumber())); }

client::IdempotencyKey Key(absl::string_view text) { return *client::IdempotencyKey::Create(text); }

std::string ReasonOf(const absl::Status& status) {
  return client::ExtractErrorDetails(status).reason;
}

std::vector<std::string> ViolatedFields(const absl::Status& status) {
  std::vector<std::string> fields;
  for (const auto& violation : client::ExtractErrorDetails(status).violations) {
    fields.push_back(violation.field);
  }
  return fields;
}

google::protobuf::Timestamp Timestamp(absl::Time time) {
  google::protobuf::Timestamp timestamp;
  timestamp.set_seconds(absl::ToUnixSeconds(time));
  timestamp.set_nanos(static_cast<int32_t>(
      absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(timestamp.seconds()))));
  return timestamp;
}

}  // namespace herald::e2e

#include "bench/ingest/requests.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace herald::bench {
namespace {

constexpr char kTemplateKey[] = "order_confirmation";

// Orders come from so many users, in an order that is none.
constexpr int64_t kUsers = 1'000'003;
constexpr int64_t kUserStep = 618'033;

std::string OrderName(int64_t number) { return absl::StrFormat("order_%010d", number); }

}  // namespace

v1::CreateTemplateRequest OrderConfirmationTemplate() {
  v1::CreateTemplateRequest request;
  request.set_key(kTemplateKey);
  request.set_display_name("Order confirmation");
  v1::TemplateContent& content = *request.mutable_content();
  content.set_subject("Your order {{orderId}}");
  content.set_html(
      "<h1>Thank you, {{firstName}}</h1><p>We have received your order <b>{{orderId}}</b> and will "
      "tell you when it leaves our house.</p><p>Total: {{total}}</p>");
  return request;
}

v1::SendEmailRequest OrderConfirmations::First() const {
  v1::SendEmailRequest request;
  request.mutable_recipient()->set_name("Grace Example");
  request.mutable_from()->set_email(absl::StrCat("orders@", kSenderDomain));
  request.mutable_from()->set_name("The Example Shop");
  request.mutable_template_()->set_key(kTemplateKey);
  auto& variables = *request.mutable_variables()->mutable_fields();
  variables["firstName"].set_string_value("Grace");
  variables["total"].set_string_value("EUR 129.90");
  request.set_category("order_updates");
  (*request.mutable_metadata())["source"] = "checkout";
  (*request.mutable_metadata())["region"] = "eu-central";
  Renumber(request, 0);
  return request;
}

void OrderConfirmations::Renumber(v1::SendEmailRequest& request, int64_t number) const {
  request.set_idempotency_key(Key(number));
  const std::string user = UserId(number);
  request.mutable_recipient()->set_email(absl::StrCat(user, "@customers.example"));
  request.mutable_recipient()->set_user_id(user);
  (*request.mutable_variables()->mutable_fields())["orderId"].set_string_value(OrderName(number));
}

std::string OrderConfirmations::Key(int64_t number) const {
  return absl::StrCat("order-confirmation:", run_, ":", OrderName(number));
}

std::string OrderConfirmations::UserId(int64_t number) {
  return absl::StrFormat("user_%07d", number * kUserStep % kUsers);
}

}  // namespace herald::bench

#include "bench/audience/contacts.h"

#include "absl/strings/str_cat.h"

namespace herald::bench {
namespace {

// Spreads numbers, so that neighbours have nothing in common.
uint64_t Mix(uint64_t x) {
  x ^= x >> 33;
  x *= 0xff51afd7ed558ccdULL;
  x ^= x >> 33;
  x *= 0xc4ceb9fe1a85ec53ULL;
  return x ^ (x >> 33);
}

}  // namespace

void FillContact(int64_t number, v1::Contact& contact) {
  static constexpr const char* kPlans[] = {"free", "free", "free", "pro", "team"};
  static constexpr const char* kLocales[] = {"en-US", "de-DE", "pt-BR", "ja-JP"};
  static constexpr const char* kZones[] = {"America/New_York", "Europe/Berlin", "America/Sao_Paulo",
                                           "Asia/Tokyo"};
  const uint64_t random = Mix(static_cast<uint64_t>(number));
  contact.set_email(absl::StrCat("customer.", number, "@mail", random % 50, ".example.com"));
  contact.set_name(absl::StrCat("Customer Number ", number));
  contact.set_user_id(absl::StrCat("user_", number));
  contact.set_locale(kLocales[random % 4]);
  contact.set_time_zone(kZones[random % 4]);
  contact.add_tags("newsletter");
  contact.add_tags(absl::StrCat("cohort-", random / 7 % 100));
  if (random / 11 % 10 == 0) contact.add_tags("premium");
  if (random / 13 % 3 == 0) contact.add_tags("beta");
  auto& fields = *contact.mutable_attributes()->mutable_fields();
  fields["plan"].set_string_value(kPlans[random / 17 % 5]);
  fields["age"].set_number_value(static_cast<double>(18 + random / 19 % 70));
  fields["city"].set_string_value(absl::StrCat("city-", random / 23 % 1000));
  fields["orders"].set_number_value(static_cast<double>(random / 29 % 200));
}

std::vector<std::string> PreviewFilters() {
  return {"tags:premium AND attributes.plan = \"pro\"",
          "tags:cohort-7 AND attributes.plan = \"team\"",
          "attributes.city = \"city-77\"",
          "tags:premium AND attributes.city = \"city-77\"",
          "tags:beta AND NOT attributes.plan = \"free\"",
          "tags:cohort-3 OR tags:cohort-4",
          "tags:newsletter",
          "tags:nobody",
          "tags:premium AND attributes.age > 60",
          "tags:cohort-9 AND attributes.city = \"city-1\" AND attributes.orders < 100"};
}

}  // namespace herald::bench

#include "tests/postgres/contact_fixture.h"

#include <cstdlib>
#include <iostream>

#include "absl/strings/ascii.h"
#include "server/audience/filter/parser.h"

namespace herald::storage {

NewContact ContactFixture::New(const std::string& email) {
  NewContact contact;
  contact.id = ids.Next(absl::Now());
  contact.email = email;
  contact.email_normalised = absl::AsciiStrToLower(email);
  return contact;
}

ContactRecord ContactFixture::Add(TenantId tenant, const NewContact& contact) {
  absl::StatusOr<ContactRecord> record = contacts.Create(tenant, contact);
  if (!record.ok()) {
    std::cerr << record.status() << std::endl;
    std::abort();
  }
  return *std::move(record);
}

std::vector<ContactId> ContactFixture::FindAll(TenantId tenant, const FilterNode& filter) {
  ContactQuery query;
  query.filter = filter;
  query.order = ContactQuery::Order::kOldestFirst;
  query.limit = 1'000'000;
  absl::StatusOr<std::vector<ContactId>> found = contacts.Find(tenant, query);
  if (!found.ok()) {
    std::cerr << found.status() << std::endl;
    std::abort();
  }
  return *std::move(found);
}

FilterNode Filter(const std::string& text) {
  absl::StatusOr<FilterNode> filter = audience::ParseFilter(text);
  if (!filter.ok()) {
    std::cerr << text << ": " << filter.status() << std::endl;
    std::abort();
  }
  return *std::move(filter);
}

}  // namespace herald::storage

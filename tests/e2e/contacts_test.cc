// Contacts through the whole stack: import and export by the client library and by heraldctl.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/e2e/heraldctl.h"
#include "tests/e2e/tenant.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_directory.h"

namespace herald::e2e {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Contacts : public ::testing::Test {
 protected:
  Ran Ctl(const std::vector<std::string>& arguments) const {
    return RunHeraldctl(tenant_, arguments);
  }

  void Create(const std::string& email) const {
    v1::CreateContactRequest request;
    request.mutable_contact()->set_email(email);
    EXPECT_OK(tenant_.api().CreateContact(request));
  }

  static std::string Content(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }

  std::vector<std::string> Export(const std::string& filter) const {
    v1::ExportContactsRequest request;
    request.set_filter(filter);
    request.set_reveal_email(true);
    std::vector<std::string> emails;
    EXPECT_OK(tenant_.api().ExportContacts(request, [&](const auto& page) {
      for (const v1::Contact& contact : page.contacts()) emails.push_back(contact.email());
      return true;
    }));
    return emails;
  }

  const Tenant tenant_{"contacts"};
  const testing::TempDirectory directory_;
};

TEST_F(Contacts, AnImportOfManyIsExportedWholeAndSentAgainWithoutEffect) {
  std::vector<v1::ImportContactsRequest> requests;
  std::vector<std::string> emails;
  for (int i = 0; i < 12'000; ++i) {
    if (i % 5000 == 0) requests.emplace_back();
    v1::Contact& contact = *requests.back().add_contacts();
    emails.push_back(absl::StrCat("user", i, "@example.com"));
    contact.set_email(emails.back());
    contact.add_tags(i % 2 == 0 ? "even" : "odd");
    (*contact.mutable_attributes()->mutable_fields())["number"].set_number_value(i);
  }
  requests.back().add_contacts()->set_email("no address");
  ASSERT_OK_AND_ASSIGN(const auto first, tenant_.api().ImportContacts(requests));
  EXPECT_EQ(first.created_count(), 12'000);
  EXPECT_EQ(first.failed_count(), 1);
  ASSERT_EQ(first.errors_size(), 1);
  EXPECT_EQ(first.errors(0).row(), 12'000);
  EXPECT_EQ(Export(""), emails);
  EXPECT_EQ(Export("tags:even AND attributes.number < 10").size(), 5u);

  ASSERT_OK_AND_ASSIGN(const auto again, tenant_.api().ImportContacts(requests));
  EXPECT_EQ(again.created_count(), 0);
  EXPECT_EQ(again.updated_count(), 12'000);
  EXPECT_EQ(Export(""), emails);

  v1::PreviewSegmentRequest preview;
  preview.set_filter("attributes.number = 77");
  ASSERT_OK_AND_ASSIGN(auto counted, tenant_.api().PreviewSegment(preview));
  EXPECT_EQ(counted.contact_count(), 1);
  EXPECT_TRUE(counted.exact());
  preview.set_filter("tags:odd");
  ASSERT_OK_AND_ASSIGN(counted, tenant_.api().PreviewSegment(preview));
  EXPECT_NEAR(static_cast<double>(counted.contact_count()), 6000, 600);
  EXPECT_FALSE(counted.exact());
}

TEST_F(Contacts, HeraldctlImportsWhatItExported) {
  const std::string source = absl::StrCat(directory_.path(), "/in.csv");
  std::ofstream(source) << "email,name,tags,attributes.plan,attributes.age,state\r\n"
                           "anna@example.com,\"Smith, \"\"Anna\"\"\",premium;beta,pro,41,\r\n"
                           "berta@example.com,,,free,,UNSUBSCRIBED\n"
                           "nobody,,,,,\n";
  const Ran imported = Ctl({"contact", "import", source});
  EXPECT_EQ(imported.code, 1);  // a row was refused
  EXPECT_THAT(imported.out, HasSubstr("3 rows: 2 created, 0 updated, 1 refused, 0 repeated"));
  EXPECT_THAT(imported.err, HasSubstr("row 2: email: there is no @"));

  for (const char* name : {"out.csv", "out.jsonl"}) {
    const std::string path = absl::StrCat(directory_.path(), "/", name);
    const Ran exported = Ctl({"contact", "export", path, "--reveal"});
    ASSERT_EQ(exported.code, 0) << exported.err;
    const Ran back = Ctl({"contact", "import", path});
    EXPECT_EQ(back.code, 0) << name << back.err;
    EXPECT_THAT(back.out, HasSubstr("2 rows: 0 created, 2 updated")) << name;
  }
  v1::GetContactRequest get;
  get.set_email("anna@example.com");
  ASSERT_OK_AND_ASSIGN(const v1::Contact anna, tenant_.api().GetContact(get));
  EXPECT_EQ(anna.name(), "Smith, \"Anna\"");
  EXPECT_THAT(anna.tags(), ElementsAre("beta", "premium"));
  EXPECT_EQ(anna.attributes().fields().at("age").number_value(), 41);
  get.set_email("berta@example.com");
  ASSERT_OK_AND_ASSIGN(const v1::Contact berta, tenant_.api().GetContact(get));
  EXPECT_EQ(berta.state(), v1::Contact::STATE_UNSUBSCRIBED);
}

TEST_F(Contacts, HeraldctlTakesForNumbersOnlyWhatStaysWhole) {
  const std::string source = absl::StrCat(directory_.path(), "/in.csv");
  std::ofstream(source) << "email,attributes.zip,attributes.order,attributes.price,attributes.debt,"
                           "attributes.sku,attributes.zero,attributes.dot,attributes.vip\n"
                           "anna@example.com,01234,12345678901234567890,1.50,-3,12e5,0,1.,true\n";
  const Ran imported = Ctl({"contact", "import", source});
  ASSERT_EQ(imported.code, 0) << imported.err;
  v1::GetContactRequest get;
  get.set_email("anna@example.com");
  ASSERT_OK_AND_ASSIGN(const v1::Contact anna, tenant_.api().GetContact(get));
  const auto& fields = anna.attributes().fields();
  EXPECT_EQ(fields.at("zip").string_value(), "01234");
  EXPECT_EQ(fields.at("order").string_value(), "12345678901234567890");
  EXPECT_EQ(fields.at("sku").string_value(), "12e5");
  EXPECT_EQ(fields.at("dot").string_value(), "1.");
  EXPECT_EQ(fields.at("price").number_value(), 1.5);
  EXPECT_EQ(fields.at("debt").number_value(), -3);
  EXPECT_TRUE(fields.at("zero").has_number_value());
  EXPECT_TRUE(fields.at("vip").bool_value());
}

TEST_F(Contacts, AnExportThatFailsKeepsTheFileOfTheLastOne) {
  Create("anna@example.com");
  const std::string path = absl::StrCat(directory_.path(), "/all.csv");
  const std::string link = absl::StrCat(directory_.path(), "/latest.csv");
  ASSERT_EQ(Ctl({"contact", "export", path, "--reveal"}).code, 0);
  std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  std::filesystem::create_symlink(path, link);
  const std::string before = Content(path);
  EXPECT_THAT(before, HasSubstr("anna@example.com"));

  EXPECT_EQ(Ctl({"contact", "export", path, "--filter", "tags = x"}).code, 1);
  EXPECT_EQ(Content(path), before);
  Create("berta@example.com");
  EXPECT_EQ(Ctl({"contact", "export", link, "--reveal"}).code, 0);
  EXPECT_THAT(Content(path), HasSubstr("berta@example.com"));
  EXPECT_TRUE(std::filesystem::is_symlink(link));
  EXPECT_EQ(std::filesystem::status(path).permissions(), std::filesystem::perms::owner_all);
  EXPECT_FALSE(std::filesystem::exists(absl::StrCat(path, ".partial")));
  EXPECT_THAT(Ctl({"contact", "export", "/dev/stdout", "--format", "csv", "--reveal"}).out,
              HasSubstr("berta@example.com"));
}

TEST_F(Contacts, ARedactedExportIsNoImport) {
  Create("anna@example.com");
  const std::string path = absl::StrCat(directory_.path(), "/redacted.csv");
  ASSERT_EQ(Ctl({"contact", "export", path}).code, 0);
  const Ran back = Ctl({"contact", "import", path});
  EXPECT_EQ(back.code, 1);
  EXPECT_THAT(back.err, HasSubstr("row 0: email: the address is redacted"));
  EXPECT_THAT(Export(""), ElementsAre("anna@example.com"));
}

TEST_F(Contacts, HeraldctlManagesContactsAndSegments) {
  const Ran created = Ctl({"--json", "contact", "create", "--email", "anna@example.com", "--tag",
                           "premium", "--attributes", R"({"plan":"pro"})"});
  ASSERT_EQ(created.code, 0) << created.err;
  EXPECT_THAT(created.out, HasSubstr("a***@example.com"));
  const std::string id = created.out.substr(created.out.find("co_"), 16);
  EXPECT_EQ(Ctl({"contact", "update", id, "--name", "Anna"}).code, 0);
  EXPECT_THAT(Ctl({"contact", "get", "ANNA@example.com"}).out, HasSubstr("Anna"));
  EXPECT_THAT(Ctl({"contact", "list", "--filter", "tags:premium"}).out, HasSubstr(id));
  EXPECT_EQ(Ctl({"segment", "create", "pros", "--filter", "attributes.plan = pro"}).code, 0);
  EXPECT_THAT(Ctl({"segment", "preview", "pros"}).out, HasSubstr("1 contacts"));
  const Ran bad = Ctl({"segment", "update", "pros", "--filter", "tags = x"});
  EXPECT_EQ(bad.code, 1);
  EXPECT_THAT(bad.err, HasSubstr("at character 6"));
  EXPECT_EQ(Ctl({"segment", "delete", "pros"}).code, 0);
  EXPECT_EQ(Ctl({"contact", "delete", id}).code, 0);
  EXPECT_EQ(Ctl({"contact", "get", id}).code, 3);
}

}  // namespace
}  // namespace herald::e2e

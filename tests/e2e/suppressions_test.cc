// Suppressions in bulk through the whole stack, by the client library and by heraldctl.
#include <gmock/gmock.h>

#include <fstream>
#include <set>

#include "absl/strings/str_cat.h"
#include "tests/e2e/heraldctl.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_directory.h"

namespace herald::e2e {
namespace {

using ::testing::HasSubstr;

class Suppressions : public ::testing::Test {
 protected:
  static std::vector<std::string> Export(const Tenant& tenant) {
    v1::ExportSuppressionsRequest request;
    request.set_reveal_emails(true);
    std::vector<std::string> emails;
    EXPECT_OK(tenant.api().ExportSuppressions(request, [&](const auto& page) {
      for (const v1::Suppression& row : page.suppressions()) emails.push_back(row.email());
      return true;
    }));
    return emails;
  }
  static v1::Suppression Only(const Tenant& tenant, const std::string& email) {
    v1::CheckSuppressionRequest check;
    check.set_email(email);
    const auto found = tenant.api().CheckSuppression(check);
    EXPECT_OK(found);
    if (!found.ok() || found->suppressions_size() != 1) return {};
    return found->suppressions(0);
  }

  const Tenant tenant_{"suppressing"};
  const testing::TempDirectory directory_;
};

TEST_F(Suppressions, AnImportOfManyIsExportedWholeAndSentAgainWithoutEffect) {
  std::vector<v1::ImportSuppressionsRequest> requests;
  for (int i = 0; i < 12'000; ++i) {
    if (i % 5000 == 0) requests.emplace_back();
    requests.back().add_suppressions()->set_email(absl::StrCat("user", i, "@example.com"));
  }
  requests.back().add_suppressions()->set_email("no address");
  ASSERT_OK_AND_ASSIGN(const auto first, tenant_.api().ImportSuppressions(requests));
  EXPECT_EQ(first.created_count(), 12'000);
  EXPECT_EQ(first.failed_count(), 1);
  ASSERT_EQ(first.errors_size(), 1);
  EXPECT_EQ(first.errors(0).row(), 12'000);
  const std::vector<std::string> exported = Export(tenant_);
  EXPECT_EQ(std::set<std::string>(exported.begin(), exported.end()).size(), 12'000u);
  EXPECT_EQ(exported.size(), 12'000u);

  ASSERT_OK_AND_ASSIGN(const auto again, tenant_.api().ImportSuppressions(requests));
  EXPECT_EQ(again.created_count(), 0);
  EXPECT_EQ(again.known_count(), 12'000);
  EXPECT_EQ(Export(tenant_), exported);
  EXPECT_EQ(tenant_.SendTo("user7777@example.com").state_reason(), "manual");
}

TEST_F(Suppressions, HeraldctlImportsWhatItExported) {
  const std::string source = absl::StrCat(directory_.path(), "/in.csv");
  std::ofstream(source) << "email,reason,expire_time\n"
                           "anna@example.com,hard_bounce,\n"
                           "berta@example.com,,2099-01-02T03:04:05Z\n"
                           "nobody,,\n";
  const Ran imported =
      RunHeraldctl(tenant_, {"suppression", "import", source, "--reason", "complaint"});
  EXPECT_EQ(imported.code, 1);  // a row was refused
  EXPECT_THAT(imported.out, HasSubstr("3 rows: 2 new, 0 known, 1 refused"));
  EXPECT_THAT(imported.err, HasSubstr("row 2: email: there is no @"));

  const std::string path = absl::StrCat(directory_.path(), "/out.csv");
  const Ran exported = RunHeraldctl(tenant_, {"suppression", "export", path});
  ASSERT_EQ(exported.code, 0) << exported.err;
  EXPECT_EQ(exported.out, "2 suppressions\n");
  const Tenant other("suppressing-too");
  const Ran back = RunHeraldctl(other, {"suppression", "import", path});
  EXPECT_EQ(back.code, 0) << back.err;
  EXPECT_THAT(back.out, HasSubstr("2 rows: 2 new"));
  EXPECT_EQ(Only(other, "anna@example.com").reason(), v1::Suppression::REASON_HARD_BOUNCE);
  const v1::Suppression berta = Only(other, "berta@example.com");
  EXPECT_EQ(berta.reason(), v1::Suppression::REASON_COMPLAINT);
  EXPECT_EQ(berta.expire_time().seconds(), 4'071'006'245);
}

TEST_F(Suppressions, HeraldctlSaysWhichLineIsWrong) {
  const std::string source = absl::StrCat(directory_.path(), "/in.csv");
  std::ofstream(source) << "email,reason\nanna@example.com,because\n";
  const Ran imported = RunHeraldctl(tenant_, {"suppression", "import", source});
  EXPECT_EQ(imported.code, 2);
  EXPECT_THAT(imported.err, HasSubstr("line 2: reason has a value it does not take"));
  EXPECT_THAT(imported.err, HasSubstr("go on with --skip-rows 0"));
}

}  // namespace
}  // namespace herald::e2e

#include "server/audience/contact_import.h"

#include <gmock/gmock.h>

#include "absl/strings/str_cat.h"
#include "server/config/limits.h"
#include "tests/support/fake_contact_store.h"
#include "tests/support/status_matchers.h"

namespace herald::audience {
namespace {

using support::StatusIs;

class ContactImportTest : public ::testing::Test {
 protected:
  static v1::ImportContactsRequest Rows(const std::vector<std::string>& emails) {
    v1::ImportContactsRequest request;
    for (const std::string& email : emails) request.add_contacts()->set_email(email);
    return request;
  }
  const v1::ImportContactsResponse& result() const { return import_.result(); }
  void ExpectCounts(int64_t created, int64_t updated, int64_t failed, int64_t repeated) const {
    EXPECT_EQ(result().created_count(), created);
    EXPECT_EQ(result().updated_count(), updated);
    EXPECT_EQ(result().failed_count(), failed);
    EXPECT_EQ(result().repeated_count(), repeated);
    EXPECT_EQ(result().row_count(), created + updated + failed + repeated);
  }

  support::FakeContactStore store_;
  ContactIdGenerator ids_{1};
  ContactImport import_{store_, ids_, TenantId{7}, [] { return absl::Now(); }};
};

TEST_F(ContactImportTest, EveryRowIsCountedOnce) {
  ASSERT_OK(import_.Add(Rows({"a@example.com", "bad", "b@example.com", "A@EXAMPLE.com"})));
  ASSERT_OK(import_.Add(Rows({"b@example.com", "c@example.com"})));
  ExpectCounts(3, 1, 1, 1);
  ASSERT_EQ(result().errors_size(), 1);
  EXPECT_EQ(result().errors(0).row(), 1);
  EXPECT_EQ(result().errors(0).field(), "email");
  EXPECT_EQ(result().errors(0).description(), "there is no @");
}

TEST_F(ContactImportTest, OfAnAddressThatComesTwiceInARequestTheLaterRowCounts) {
  v1::ImportContactsRequest request = Rows({"a@example.com", "a@example.com"});
  request.mutable_contacts(0)->set_name("First");
  request.mutable_contacts(1)->set_name("Second");
  ASSERT_OK(import_.Add(request));
  const auto id = store_.FindByEmail(TenantId{7}, "a@example.com");
  EXPECT_EQ(store_.Get(TenantId{7}, *id)->name, "Second");
}

TEST_F(ContactImportTest, SendingTheRowsAgainChangesNothingButTheCounts) {
  const auto rows = Rows({"a@example.com", "b@example.com"});
  ASSERT_OK(import_.Add(rows));
  ASSERT_OK(import_.Add(rows));
  ExpectCounts(2, 2, 0, 0);
}

TEST_F(ContactImportTest, ARowThatTheDatabaseRefusesFailsAlone) {
  store_.on_upsert = [](absl::Span<const storage::NewContact> rows) {
    for (const auto& row : rows) {
      if (row.email == "poison@example.com") return absl::InvalidArgumentError("CHECK");
    }
    return absl::OkStatus();
  };
  std::vector<std::string> emails;
  for (int i = 0; i < 20; ++i) emails.push_back(absl::StrCat("u", i, "@example.com"));
  emails[13] = "poison@example.com";
  ASSERT_OK(import_.Add(Rows(emails)));
  ExpectCounts(19, 0, 1, 0);
  EXPECT_EQ(result().errors(0).row(), 13);
}

TEST_F(ContactImportTest, AStoreThatIsAwayEndsItAndTheCountSaysWhereToGoOn) {
  ASSERT_OK(import_.Add(Rows({"a@example.com", "bad"})));
  store_.on_upsert = [](absl::Span<const storage::NewContact>) {
    return absl::UnavailableError("away");
  };
  EXPECT_THAT(import_.Add(Rows({"b@example.com"})), StatusIs(absl::StatusCode::kUnavailable));
  ExpectCounts(1, 0, 1, 0);
}

TEST_F(ContactImportTest, KeepsNoMoreThanAThousandErrors) {
  const std::vector<std::string> bad(1500, "bad");
  ASSERT_OK(import_.Add(Rows(bad)));
  EXPECT_EQ(result().errors_size(), 1000);
  ExpectCounts(0, 0, 1500, 0);
}

TEST_F(ContactImportTest, TooManyRowsInARequestAreRefusedWhole) {
  const std::vector<std::string> many(limits::kImportRowsMax + 1, "a@example.com");
  EXPECT_THAT(import_.Add(Rows(many)), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(result().row_count(), 0);
}

}  // namespace
}  // namespace herald::audience

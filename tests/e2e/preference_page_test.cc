// The preference page as a browser that nobody here wrote shows it: Debian's Chromium, without
// JavaScript, driven by playwright-core.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "tests/e2e/stack.h"
#include "tests/e2e/tenant.h"
#include "tests/support/child_process.h"
#include "tests/support/status_matchers.h"

namespace herald::e2e {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class InteropChromium : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists("/usr/bin/chromium")) {
      GTEST_SKIP() << "no /usr/bin/chromium: it needs apt-get install chromium";
    }
    if (!std::filesystem::exists(folder_ + "/node_modules/playwright-core")) {
      GTEST_SKIP() << "playwright-core is missing: it needs node, and npm install in tests/interop";
    }
    tenant_.emplace("page");
    Declare("news", "News & offers", "What is new, once a week");
    Declare("tips", "Tips", "");
  }
  void Declare(const std::string& key, const std::string& name, const std::string& description) {
    v1::CreateCategoryRequest request;
    request.mutable_category()->set_key(key);
    request.mutable_category()->set_kind(v1::Category::KIND_MARKETING);
    request.mutable_category()->set_display_name(name);
    request.mutable_category()->set_description(description);
    ASSERT_OK(tenant_->api().CreateCategory(request));
  }
  v1::SendEmailRequest Of(const std::string& category) const {
    v1::SendEmailRequest request = tenant_->EmailTo("delivered");
    request.set_category(category);
    return request;
  }
  // Switches a category on the page and saves; what the browser told of the pages. A folder in
  // HERALD_SCREENSHOTS gets pictures of them.
  std::string Switch(const std::string& link, const std::string& category) const {
    support::ChildOptions options;
    options.argv = {"node", folder_ + "/preference_page.js", link, category};
    if (const char* pictures = std::getenv("HERALD_SCREENSHOTS")) options.argv.push_back(pictures);
    const auto told = support::RunToEnd(options, absl::Seconds(90));
    EXPECT_OK(told);
    return told.value_or("");
  }
  bool Receives(const std::string& category) const {
    v1::GetPreferencesRequest request;
    request.mutable_subject()->set_email("delivered@sandbox.herald.test");
    const auto preferences = tenant_->api().GetPreferences(request);
    EXPECT_OK(preferences);
    if (!preferences.ok()) return false;
    for (const v1::CategoryPreference& choice : preferences->categories()) {
      if (choice.category() == category) return choice.receives();
    }
    ADD_FAILURE() << category << " is not among the preferences";
    return false;
  }

  const std::string folder_ = FromEnvironment("HERALD_SOURCE_DIR") + "/tests/interop";
  absl::optional<Tenant> tenant_;
};

TEST_F(InteropChromium, ARecipientReadsThePageAndLeavesACategoryWithoutScript) {
  const std::string told =
      Switch(tenant_->UnsubscribeLink(tenant_->Send(Of("news")).id()), "News & offers");
  EXPECT_THAT(told, AllOf(HasSubstr("shown title: Email preferences\n"),
                          HasSubstr("shown lang: en\n"), HasSubstr("shown main: "),
                          HasSubstr("shown heading: - heading \"Email preferences\" [level=1]\n"),
                          HasSubstr("shown group: - group \"Email you get\""),
                          HasSubstr("shown checkbox: - checkbox \"News & offers\" [checked]\n"),
                          HasSubstr("shown checkbox: - checkbox \"Tips\" [checked]\n"),
                          HasSubstr("shown button: - button \"Save my choice\"\n"),
                          HasSubstr("shown button: - button \"Unsubscribe from all\"\n"),
                          HasSubstr("shown scrolls sideways: false\n")));
  EXPECT_THAT(told, AllOf(HasSubstr("saved status: - status: Your choice is saved.\n"),
                          HasSubstr("saved checkbox: - checkbox \"News & offers\"\n"),
                          HasSubstr("saved checkbox: - checkbox \"Tips\" [checked]\n"),
                          HasSubstr("saved scrolls sideways: false\n")));
  EXPECT_THAT(told, Not(HasSubstr("complaint: ")));
  EXPECT_FALSE(Receives("news"));
  EXPECT_TRUE(Receives("tips"));
  EXPECT_EQ(tenant_->Send(Of("news")).state_reason(), "preference");
  EXPECT_EQ(tenant_->Send(Of("tips")).state_reason(), "");
}

}  // namespace
}  // namespace herald::e2e

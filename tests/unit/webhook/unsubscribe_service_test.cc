#include "server/webhook/unsubscribe_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "server/webhook/unsubscribe_page.h"
#include "storage/crypto/sha256.h"

namespace herald::webhook {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;

constexpr char kUrlEncoded[] = "application/x-www-form-urlencoded";

// heraldd, as far as unsubscribing goes.
class FakeGateway final : public UnsubscribeGateway {
 public:
  void Resolve(const std::string& token, Done done) override {
    calls.push_back(absl::StrCat("resolve ", token));
    done(answer);
  }
  void Unsubscribe(const std::string& token, const Selection& selection, Done done) override {
    calls.push_back(absl::StrCat("unsubscribe ", token));
    selected = selection;
    done(answer);
  }

  absl::StatusOr<UnsubscribeView> answer =
      UnsubscribeView{"Shop <one>",
                      "news",
                      {{"news", "News & offers", "Once a week", true}, {"tips", "Tips", "", false}},
                      false};
  std::vector<std::string> calls;
  Selection selected;
};

class UnsubscribeServiceTest : public ::testing::Test {
 protected:
  HttpResponse Ask(const std::string& method, const std::string& path,
                   const std::string& content_type = "", const std::string& body = "") {
    HttpRequest request;
    request.method = method;
    request.path = path;
    if (!content_type.empty()) request.contents.headers = {{"content-type", content_type}};
    request.contents.body = body;
    HttpResponse answer;
    service_.Handle(request, [&](HttpResponse response) { answer = std::move(response); });
    return answer;
  }

  FakeGateway gateway_;
  UnsubscribeService service_{gateway_};
};

TEST_F(UnsubscribeServiceTest, ShowsThePageOnGetAndChangesNothing) {
  const HttpResponse page = Ask("GET", "/u/token");
  EXPECT_EQ(page.status, 200);
  EXPECT_THAT(gateway_.calls, ElementsAre("resolve token"));
  EXPECT_THAT(page.body, HasSubstr("News &amp; offers"));
  EXPECT_THAT(page.body, HasSubstr("Shop &lt;one&gt;"));
  EXPECT_THAT(page.body, HasSubstr("value=\"news\" checked"));
  EXPECT_THAT(page.body, Not(HasSubstr("value=\"tips\" checked")));
  EXPECT_THAT(page.body, Not(HasSubstr("<script")));
}

TEST_F(UnsubscribeServiceTest, ABoxIsNamedByItsLabelAndDescribedByItsText) {
  const std::string body = Ask("GET", "/u/token").body;
  EXPECT_THAT(body, HasSubstr("id=\"c1\" name=\"category\" value=\"news\" checked "
                              "aria-describedby=\"d1\"><label for=\"c1\">News &amp; offers</label>"
                              "<small id=\"d1\">Once a week</small>"));
  EXPECT_THAT(body, HasSubstr("id=\"c2\" name=\"category\" value=\"tips\"><label for=\"c2\">Tips"));
}

TEST_F(UnsubscribeServiceTest, SaysSoWhenNothingIsReceived) {
  EXPECT_THAT(Ask("GET", "/u/token").body, Not(HasSubstr("You get no marketing email")));
  gateway_.answer->choices[0].receives = false;
  EXPECT_THAT(Ask("GET", "/u/token").body, HasSubstr("You get no marketing email"));
}

TEST_F(UnsubscribeServiceTest, GuardsThePageWithItsHeaders) {
  const HttpResponse page = Ask("GET", "/u/token");
  const std::string policy = absl::StrCat("default-src 'none'; style-src '", kStyleHash,
                                          "'; form-action 'self'; base-uri 'none'; "
                                          "frame-ancestors 'none'");
  EXPECT_THAT(page.headers, ::testing::Contains(Pair("Content-Security-Policy", policy)));
  EXPECT_THAT(page.headers, ::testing::Contains(Pair("Referrer-Policy", "no-referrer")));
  EXPECT_THAT(page.headers, ::testing::Contains(Pair("X-Robots-Tag", "noindex, nofollow")));
  EXPECT_THAT(page.headers, ::testing::Contains(Pair("Cache-Control", "no-store")));
}

TEST_F(UnsubscribeServiceTest, AllowsTheStyleSheetThatItSends) {
  const std::string body = Ask("GET", "/u/token").body;
  const size_t begin = body.find("<style>") + 7;
  const std::string style = body.substr(begin, body.find("</style>") - begin);
  EXPECT_EQ(absl::StrCat("sha256-", absl::Base64Escape(storage::Sha256(style))), kStyleHash);
}

TEST_F(UnsubscribeServiceTest, TakesOneClickInBothEncodings) {
  const HttpResponse form = Ask("POST", "/u/token", kUrlEncoded, "List-Unsubscribe=One-Click");
  EXPECT_EQ(form.status, 200);
  EXPECT_THAT(form.body, IsEmpty());
  EXPECT_EQ(Ask("POST", "/u/token", "multipart/form-data; boundary=b",
                "--b\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\n"
                "One-Click\r\n--b--\r\n")
                .status,
            200);
  EXPECT_THAT(gateway_.calls, ElementsAre("unsubscribe token", "unsubscribe token"));
  EXPECT_FALSE(gateway_.selected.has_value());
}

TEST_F(UnsubscribeServiceTest, SavesWhatWasChosenOnThePage) {
  const HttpResponse page =
      Ask("POST", "/u/token", kUrlEncoded, "category=news&category=tips&action=save");
  EXPECT_THAT(*gateway_.selected, ElementsAre("news", "tips"));
  EXPECT_THAT(page.body, HasSubstr("role=\"status\""));
}

TEST_F(UnsubscribeServiceTest, LeavesAllWhateverIsTicked) {
  Ask("POST", "/u/token", kUrlEncoded, "category=news&action=all");
  ASSERT_TRUE(gateway_.selected.has_value());
  EXPECT_THAT(*gateway_.selected, IsEmpty());
}

TEST_F(UnsubscribeServiceTest, RefusesWhatIsNoSuchForm) {
  EXPECT_EQ(Ask("POST", "/u/token", kUrlEncoded, "List-Unsubscribe=Perhaps").status, 400);
  EXPECT_EQ(Ask("POST", "/u/token", "application/json", "{}").status, 400);
  EXPECT_EQ(Ask("POST", "/u/token", kUrlEncoded, std::string(20 << 10, 'a')).status, 413);
  EXPECT_EQ(Ask("PUT", "/u/token").status, 405);
  EXPECT_EQ(Ask("GET", "/u/").status, 404);
  EXPECT_THAT(gateway_.calls, IsEmpty());
}

TEST_F(UnsubscribeServiceTest, SaysPlainlyWhatIsWrongWithALink) {
  gateway_.answer = absl::NotFoundError("");
  EXPECT_EQ(Ask("GET", "/u/token").status, 404);
  gateway_.answer = absl::FailedPreconditionError("");
  EXPECT_EQ(Ask("POST", "/u/token", kUrlEncoded, "List-Unsubscribe=One-Click").status, 410);
  gateway_.answer = absl::UnavailableError("");
  const HttpResponse later = Ask("GET", "/u/token");
  EXPECT_EQ(later.status, 503);
  EXPECT_THAT(later.headers, ::testing::Contains(Pair("Retry-After", "5")));
}

}  // namespace
}  // namespace herald::webhook

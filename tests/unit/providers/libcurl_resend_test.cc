#include <curl/curl.h>
#include <gtest/gtest.h>

#include "providers/http/curl_http_client.h"
#include "tests/support/http_emulator.h"
#include "tests/unit/providers/http_answer.h"

// Why providers/http/curl_transfer.cc forbids rewinding: what libcurl does by default, and what we
// make of it, against the same server.
namespace herald::providers {
namespace {

using ::herald::testing::EmulatedReply;
using ::herald::testing::EmulatedRequest;
using ::herald::testing::HttpEmulator;

// Takes every request; on a reused connection it then closes without an answer.
class ForgetfulServer {
 public:
  std::string url() const { return emulator_.url(); }
  int taken() const { return emulator_.requests(); }

 private:
  HttpEmulator emulator_{[](const EmulatedRequest& request) {
    EmulatedReply reply;
    if (request.request_on_connection > 0) reply.fault = EmulatedReply::Fault::kClose;
    return reply;
  }};
};

TEST(LibcurlByDefault, SendsAPostTwiceAndReportsOneSuccess) {
  ForgetfulServer server;
  curl_global_init(CURL_GLOBAL_DEFAULT);
  CURL* easy = curl_easy_init();
  const std::string url = server.url();
  curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
  curl_easy_setopt(easy, CURLOPT_PROXY, "");
  curl_easy_setopt(easy, CURLOPT_POSTFIELDS, "{}");
  ASSERT_EQ(curl_easy_perform(easy), CURLE_OK);
  EXPECT_EQ(curl_easy_perform(easy), CURLE_OK);
  EXPECT_EQ(server.taken(), 3);
  curl_easy_cleanup(easy);
}

TEST(OurClient, SendsAPostOnceAndReportsTheOutcomeAsUnknown) {
  ForgetfulServer server;
  const std::unique_ptr<HttpClient> client = MakeCurlHttpClient({});
  HttpRequest request;
  request.url = server.url();
  request.body = "{}";
  ASSERT_EQ(SendAndWait(*client, request).transport, HttpResponse::Transport::kAnswered);
  EXPECT_EQ(SendAndWait(*client, request).transport, HttpResponse::Transport::kUnknown);
  EXPECT_EQ(server.taken(), 2);
}

}  // namespace
}  // namespace herald::providers

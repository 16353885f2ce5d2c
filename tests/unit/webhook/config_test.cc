#include "server/webhook/config.h"

#include <gtest/gtest.h>

namespace herald::webhook {
namespace {

CommandLine Parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "herald-webhook");
  return ParseCommandLine(static_cast<int>(arguments.size()), arguments.data());
}

TEST(WebhookConfig, ReadsAFullCommandLine) {
  const CommandLine line =
      Parse({"--listen", "[::1]:0", "--metrics-listen", "127.0.0.1:9102", "--heraldd", "h:7070",
             "--token-file", "/run/token", "--account", "resend-main=resend:/run/a:b", "--account",
             "dev=sandbox:/run/c", "--grace", "3.5", "--tls"});
  ASSERT_EQ(line.text, "");
  EXPECT_EQ(line.config.listen.host, "::1");
  EXPECT_EQ(line.config.listen.port, 0);
  EXPECT_EQ(line.config.metrics_listen.port, 9102);
  EXPECT_EQ(line.config.heraldd, "h:7070");
  ASSERT_EQ(line.config.accounts.size(), 2u);
  EXPECT_EQ(line.config.accounts[0].name, "resend-main");
  EXPECT_EQ(line.config.accounts[0].provider_type, "resend");
  EXPECT_EQ(line.config.accounts[0].secret_file, "/run/a:b");
  EXPECT_EQ(line.config.grace, absl::Milliseconds(3500));
  EXPECT_TRUE(line.config.tls);
}

TEST(WebhookConfig, NamesWhatIsWrong) {
  const std::pair<std::vector<const char*>, const char*> kCases[] = {
      {{"--account", "a=pigeon:/f"},
       "--account: \"pigeon\" is no provider type; known: resend, sandbox"},
      {{"--account", "a=resend"}, "--account: \"a=resend\" is not NAME=TYPE:FILE"},
      {{"--account", "A b=resend:/f"},
       "--account: \"A b\" is not 1 to 64 of letters, digits, '.', '_' and '-'"},
      {{"--account", "a=resend:/f", "--account", "a=resend:/g"}, "--account: a is given twice"},
      {{"--account", "a=resend:/f", "--listen", "8081"}, "--listen: \"8081\" is not HOST:PORT"},
      {{"--account", "a=resend:/f", "--listen", "::1:70000"},
       "--listen: \"::1:70000\" is not HOST:PORT"},
      {{"--account", "a=resend:/f", "--tls-ca", "/etc/passwd"},
       "--tls-ca and --tls-cert need --tls"},
  };
  for (const auto& [arguments, error] : kCases) {
    const CommandLine line = Parse(arguments);
    EXPECT_EQ(line.exit_code, 2);
    EXPECT_EQ(line.text, std::string("herald-webhook: ") + error + "\n");
  }
}

TEST(WebhookConfig, TakesEveryNameThatHeralddTakes) {
  const CommandLine line = Parse({"--account", "Resend-EU_1.a=resend:/f"});
  ASSERT_EQ(line.text, "");
  EXPECT_EQ(line.config.accounts[0].name, "Resend-EU_1.a");
}

TEST(WebhookConfig, NeedsAnAccount) {
  EXPECT_EQ(Parse({}).exit_code, 2);
  EXPECT_NE(Parse({}).text.find("--account is required"), std::string::npos);
}

TEST(WebhookConfig, Helps) {
  const CommandLine line = Parse({"--help"});
  EXPECT_EQ(line.exit_code, 0);
  EXPECT_NE(line.text.find("--token-file"), std::string::npos);
  EXPECT_NE(line.text.find("heraldd's `sidecar_token`"), std::string::npos);
}

}  // namespace
}  // namespace herald::webhook

#include "server/config/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

namespace herald::config {
namespace {

class ConfigTest : public testing::Test {
 protected:
  void SetUp() override {
    setenv("HERALD_TEST_SECRET", "0123456789abcdef", 1);
    setenv("HERALD_TEST_SHORT_SECRET", "0123456789abcde", 1);
    setenv("HERALD_TEST_MASTER_KEYS", "k:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", 1);
  }

  static std::string Good() {
    return R"(
database: {dsn: "host=db dbname=herald", migrate: true}
master_keys: {env: HERALD_TEST_MASTER_KEYS}
operator_token: {env: HERALD_TEST_SECRET}
accounts:
  - {name: resend-main, type: resend, api_key: {env: HERALD_TEST_SECRET}}
  - {name: sandbox, type: sandbox, directory: /var/lib/herald/mail}
sandbox: sandbox
routes: {default: resend-main, bulk: sandbox}
delivery:
  lanes:
    critical: {attempts_max: 4, evidence_wait: 10s, unconfirmed: hold}
)";
  }
  // Good with `text` in the place of `part`.
  static std::string With(const std::string& part, const std::string& text) {
    std::string yaml = Good();
    return yaml.replace(yaml.find(part), part.size(), text);
  }
  static std::string WithRoutes(const std::string& routes) {
    return With("{default: resend-main, bulk: sandbox}", routes);
  }
  static std::string Error(const std::string& yaml) {
    return std::string(ParseConfig(yaml).status().message());
  }
};

TEST_F(ConfigTest, ReadsWhatIsWrittenAndDefaultsTheRest) {
  const auto config = ParseConfig(Good());
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->database_dsn, "host=db dbname=herald");
  EXPECT_TRUE(config->migrate);
  EXPECT_EQ(config->operator_token, "0123456789abcdef");
  EXPECT_EQ(config->routes.at(Lane::kCritical), (Route{{"resend-main"}}));
  EXPECT_EQ(config->routes.at(Lane::kBulk), (Route{{"sandbox"}}));
  EXPECT_EQ(config->lanes.at(Lane::kCritical).attempts_max, 4);
  EXPECT_EQ(config->lanes.at(Lane::kCritical).evidence_wait, absl::Seconds(10));
  EXPECT_EQ(config->lanes.at(Lane::kCritical).unconfirmed, delivery::UnconfirmedPolicy::kHold);
  EXPECT_EQ(config->lanes.at(Lane::kBulk).lifetime, absl::Hours(72));
  EXPECT_EQ(config->listen.ToString(), "127.0.0.1:7070");
}

TEST_F(ConfigTest, ReadsLimits) {
  const auto config = ParseConfig(Good() + R"(
limits:
  ingest: {rate: 500}
  tenant: {rate: 0.5, burst: 7, exempt_lanes: [critical]}
  recipient_user: {count: 3, window: 24h}
  warm_up: {enabled: true}
  accounts: {resend-main: {rate: 5, burst: 5}}
)");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->limits.ingest.per_second, 500);
  EXPECT_EQ(config->limits.tenant.per_second, 0.5);
  EXPECT_EQ(config->limits.tenant.burst, 7);
  EXPECT_THAT(config->limits.exempt_lanes.at(LimitScope::kTenant),
              testing::ElementsAre(Lane::kCritical));
  EXPECT_EQ(config->limits.recipient_user.window, absl::Hours(24));
  EXPECT_TRUE(config->limits.warm_up);
  EXPECT_EQ(config->limits.accounts.at("resend-main").burst, 5);
  EXPECT_EQ(config->limits.global.per_second, 0);
}

TEST_F(ConfigTest, NamesTheLimitThatIsWrong) {
  EXPECT_THAT(Error(Good() + "limits: {tenant: {rate: -1}}\n"),
              testing::HasSubstr("limits.tenant.rate"));
  EXPECT_THAT(Error(Good() + "limits: {ingest: {exempt_lanes: [bulk]}}\n"),
              testing::HasSubstr("limits.ingest.exempt_lanes: is not a known key"));
  EXPECT_THAT(Error(Good() + "limits: {global: {rate: 1, exempt_lanes: [fast]}}\n"),
              testing::HasSubstr("limits.global.exempt_lanes"));
  EXPECT_THAT(Error(Good() + "limits: {recipient_user: {count: 3}}\n"),
              testing::HasSubstr("limits.recipient_user.window"));
  EXPECT_THAT(Error(Good() + "limits: {accounts: {nobody: {rate: 1}}}\n"),
              testing::HasSubstr("limits.accounts.nobody"));
  EXPECT_EQ(Error(Good() + "limits: {tenant: {rate: 1, exempt_lanes: critical}}\n"),
            "limits.tenant.exempt_lanes: must be a list");
  EXPECT_EQ(Error(Good() + "limits: {tenant: {rate: 1, exempt_lanes: [[bulk]]}}\n"),
            "limits.tenant.exempt_lanes: names what is not a lane");
  EXPECT_EQ(Error(Good() + "limits: {recipient_user: {window: 24h}}\n"),
            "limits.recipient_user.count: is required");
}

TEST_F(ConfigTest, AsksForTheRateOfALimit) {
  EXPECT_EQ(Error(Good() + "limits: {ingest: {burst: 100}}\n"), "limits.ingest.rate: is required");
  EXPECT_EQ(Error(Good() + "limits: {accounts: {sandbox: }}\n"),
            "limits.accounts.sandbox.rate: is required");
  EXPECT_EQ(Error(Good() + "limits: {global: {exempt_lanes: [bulk]}}\n"),
            "limits.global.rate: is required");
  // An operator may give a tenant the rate that this leaves open.
  EXPECT_EQ(Error(Good() + "limits: {tenant: {exempt_lanes: [bulk]}}\n"), "");
}

TEST_F(ConfigTest, NamesTheKeyThatIsWrong) {
  EXPECT_THAT(Error(Good() + "listn: {}\n"), testing::HasSubstr("listn: is not a known key"));
  EXPECT_THAT(Error(Good() + "listen: {grpc: nowhere}\n"), testing::HasSubstr("listen.grpc"));
  EXPECT_THAT(Error(Good() + "drain_grace: soon\n"), testing::HasSubstr("drain_grace"));
  EXPECT_THAT(Error(Good() + "sidecar_token: plain-secret\n"),
              testing::HasSubstr("sidecar_token: must be {file: PATH} or {env: NAME}"));
  EXPECT_THAT(Error(Good() + "sidecar_token: {env: HERALD_TEST_UNSET}\n"),
              testing::HasSubstr("HERALD_TEST_UNSET is not set"));
  EXPECT_THAT(Error("a: [1"), testing::HasSubstr("not valid YAML"));
}

TEST_F(ConfigTest, ReadsRoutesOfSeveralAccounts) {
  std::string yaml = Good();
  const std::string simple = "routes: {default: resend-main, bulk: sandbox}";
  yaml.replace(yaml.find(simple), simple.size(), R"(
routes:
  default: [resend-main, sandbox]
  bulk: [{account: sandbox, order: 1, cost: 2, weight: 3}, resend-main])");
  const auto config = ParseConfig(yaml);
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->routes.at(Lane::kCritical), (Route{{"resend-main", 1}, {"sandbox", 2}}));
  EXPECT_EQ(config->routes.at(Lane::kBulk), (Route{{"sandbox", 1, 2, 3}, {"resend-main", 2}}));
}

TEST_F(ConfigTest, NamesTheStepOfARouteThatIsWrong) {
  const auto error = [](const std::string& route) {
    std::string yaml = Good();
    const std::string simple = "bulk: sandbox";
    return Error(yaml.replace(yaml.find(simple), simple.size(), "bulk: " + route));
  };
  EXPECT_THAT(error("[sandbox, {order: 2}]"), testing::HasSubstr("routes.bulk[1].account"));
  EXPECT_THAT(error("[{account: sandbox, weight: 0}]"), testing::HasSubstr("routes.bulk[0]"));
  EXPECT_THAT(error("[{account: sandbox, wait: 1}]"), testing::HasSubstr("wait: is not a known"));
  EXPECT_THAT(error("[sandbox, gone]"), testing::HasSubstr("no account is named gone"));
}

TEST_F(ConfigTest, BreaksForRealAccountsAndNotForSandboxesUnlessTold) {
  std::string yaml = Good();
  yaml.replace(yaml.find("/var/lib/herald/mail}"), 21, "/var/lib/herald/mail, idempotency: false}");
  yaml.replace(yaml.find("  lanes:"), 8, "  breaker: {error_rate: 0.5, open_base: 1s}\n  lanes:");
  const auto config = ParseConfig(yaml);
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_TRUE(config->accounts[0].breaker);
  EXPECT_FALSE(config->accounts[1].breaker);
  EXPECT_FALSE(config->accounts[1].idempotency);
  EXPECT_EQ(config->breaker.error_rate, 0.5);
  EXPECT_EQ(config->breaker.open_base, absl::Seconds(1));
  EXPECT_EQ(config->breaker.probes, 3);
}

TEST_F(ConfigTest, ReadsAndBoundsTheShareBesideCriticalMail) {
  const auto with = [](const std::string& share) {
    std::string yaml = Good();
    return yaml.replace(yaml.find("  lanes:"), 8,
                        "  lanes:\n    bulk: {share_beside_critical: " + share + "}");
  };
  const auto config = ParseConfig(with("0.25"));
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->lanes.at(Lane::kBulk).share_beside_critical, 0.25);
  EXPECT_EQ(config->lanes.at(Lane::kStandard).share_beside_critical, 1);
  for (const char* wrong : {"0", "1.5", ".nan"}) {
    EXPECT_THAT(Error(with(wrong)), testing::HasSubstr("lanes.bulk.share_beside_critical"));
  }
}

TEST_F(ConfigTest, NamesTheFileThatCannotBeRead) {
  EXPECT_EQ(Error(Good() + "sidecar_token: {file: /}\n"),
            "sidecar_token: cannot read /: Is a directory");
  EXPECT_EQ(Error(Good() + "sidecar_token: {file: /absent}\n"),
            "sidecar_token: cannot read /absent: No such file or directory");
  EXPECT_EQ(LoadConfig("/").status().message(), "cannot read /: Is a directory");
}

TEST_F(ConfigTest, RefusesWhatIsGivenTwice) {
  EXPECT_EQ(Error(Good() + "sandbox: resend-main\n"), "sandbox: is given twice");
  EXPECT_EQ(Error(Good() + "limits: {tenant: {rate: 1, rate: 2}}\n"),
            "limits.tenant.rate: is given twice");
  EXPECT_THAT(Error(Good() + "---\nlog_severity: debug\n"),
              testing::HasSubstr("more than one YAML document"));
  EXPECT_EQ(Error(WithRoutes("{default: [sandbox, resend-main, {account: sandbox, order: 1}]}")),
            "routes.default[2]: names sandbox again");
}

TEST_F(ConfigTest, RefusesListsThatAreNone) {
  EXPECT_EQ(Error("accounts: resend-main\n"), "accounts: must be a list");
}

TEST_F(ConfigTest, RefusesDurationsThatMakeNoSense) {
  const auto error = [](const std::string& delivery) {
    return Error(With("  lanes:\n", "  " + delivery + "\n  lanes:\n"));
  };
  EXPECT_EQ(error("provider_timeout: 0s"), "delivery.provider_timeout: must be above 0");
  EXPECT_EQ(error("breaker: {window: 0s}"), "delivery.breaker.window: must be above 0");
  EXPECT_EQ(error("breaker: {slow_call: 0s}"), "delivery.breaker.slow_call: must be above 0");
  EXPECT_EQ(error("breaker: {open_base: 6m}"),
            "delivery.breaker.open_base: must be at most open_cap");
  EXPECT_EQ(error("breaker: {down_cap: 59s}"),
            "delivery.breaker.down_base: must be at most down_cap");
  EXPECT_EQ(Error(With("  lanes:\n", "  lanes:\n    bulk: {lifetime: 0s}\n")),
            "delivery.lanes.bulk.lifetime: must be above 0");
  EXPECT_EQ(Error(With("  lanes:\n", "  lanes:\n    bulk: {evidence_wait: 0s}\n")), "");
}

TEST_F(ConfigTest, NamesTheSecretThatCannotBeUsed) {
  EXPECT_EQ(Error(With("operator_token: {env: HERALD_TEST_SECRET}",
                       "operator_token: {env: HERALD_TEST_SHORT_SECRET}")),
            "operator_token: a token must have at least 16 characters");
  EXPECT_EQ(Error(Good() + "sidecar_token: {env: HERALD_TEST_SHORT_SECRET}\n"),
            "sidecar_token: a token must have at least 16 characters");
  EXPECT_EQ(Error(With("HERALD_TEST_MASTER_KEYS", "HERALD_TEST_SECRET")),
            "master_keys: master keys, line 1: expected the base64 of 32 bytes");
}

TEST_F(ConfigTest, ReadsTheTlsFilesWhereTheApiRuns) {
  const std::string yaml = Good() + "listen: {tls: {certificate: /dev/null, key: /}}\n";
  EXPECT_EQ(Error(yaml), "listen.tls.key: cannot read /: Is a directory");
  EXPECT_TRUE(ParseConfig(yaml, "delivery,duties").ok());
}

TEST_F(ConfigTest, NeverRepeatsASecret) {
  EXPECT_THAT(Error(Good() + "sidecar_token: plain-secret\n"),
              testing::Not(testing::HasSubstr("plain-secret")));
}

TEST_F(ConfigTest, SeesWhatNoSingleKeyShows) {
  auto config = ParseConfig(Good());
  ASSERT_TRUE(config.ok());
  Config changed = *config;
  changed.routes[Lane::kBulk] = {{"gone"}};
  EXPECT_THAT(std::string(CheckConfig(changed).message()), testing::HasSubstr("routes.bulk"));
  changed = *config;
  changed.lease = changed.provider_timeout + absl::Seconds(10);
  EXPECT_TRUE(CheckConfig(changed).ok());
  changed.lease -= absl::Milliseconds(1);
  EXPECT_THAT(std::string(CheckConfig(changed).message()), testing::HasSubstr("delivery.lease"));
  changed = *config;
  changed.tls.certificate = "cert.pem";
  EXPECT_FALSE(CheckConfig(changed).ok());
  // An API replica needs no accounts.
  changed = *config;
  changed.accounts.clear();
  changed.roles.delivery = false;
  changed.sandbox.clear();
  EXPECT_TRUE(CheckConfig(changed).ok());
}

// The first block of the document, as it stands but for where its secrets are.
TEST_F(ConfigTest, TakesWhatItsDocumentShows) {
  std::ifstream file(std::string(std::getenv("HERALD_SOURCE_DIR")) + "/docs/configuration.md");
  const std::string document{std::istreambuf_iterator<char>(file), {}};
  const std::string fence = "```yaml\n";
  const size_t begin = document.find(fence);
  ASSERT_NE(begin, std::string::npos);
  std::string yaml = document.substr(begin + fence.size());
  yaml = yaml.substr(0, yaml.find("```"));
  for (const std::string source : {"{env: ", "{file: "}) {
    for (size_t at = 0; (at = yaml.find(source, at)) != std::string::npos; ++at) {
      yaml.replace(at, yaml.find('}', at) + 1 - at, "{ env: HERALD_TEST_MASTER_KEYS}");
    }
  }
  const std::string folder = "/etc/herald/tls/";
  for (size_t at = 0; (at = yaml.find(folder, at)) != std::string::npos; ++at) {
    const size_t end = yaml.find_first_not_of("abcdefghijklmnopqrstuvwxyz.", at + folder.size());
    yaml.replace(at, end - at, "/dev/null");
  }
  const auto config = ParseConfig(yaml);
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->accounts.size(), 4u);
  EXPECT_EQ(config->routes.at(Lane::kBulk).size(), 3u);
}

TEST_F(ConfigTest, RolesFromOutsideStandInPlaceOfTheFilesAndAreChecked) {
  const std::string api_alone = R"(
roles: api
database: {dsn: "host=db dbname=herald"}
master_keys: {env: HERALD_TEST_MASTER_KEYS}
operator_token: {env: HERALD_TEST_SECRET}
)";
  EXPECT_TRUE(ParseConfig(api_alone).ok());
  EXPECT_THAT(std::string(ParseConfig(api_alone, "delivery").status().message()),
              testing::HasSubstr("routes: "));
  const std::string all = api_alone.substr(api_alone.find("database"));
  EXPECT_THAT(Error(all), testing::HasSubstr("routes: "));
  const auto narrowed = ParseConfig(all, "api");
  ASSERT_TRUE(narrowed.ok()) << narrowed.status();
  EXPECT_FALSE(narrowed->roles.delivery);
  EXPECT_THAT(std::string(ParseConfig(all, "web").status().message()), testing::HasSubstr("roles"));
}

TEST_F(ConfigTest, TheSandboxIsASandboxAndNamesAreGivenOnce) {
  auto config = ParseConfig(Good());
  ASSERT_TRUE(config.ok());
  config->sandbox = "resend-main";
  EXPECT_EQ(CheckConfig(*config).message(),
            "sandbox: the account resend-main is not of type sandbox");
  config->sandbox = "sandbox";
  config->accounts.push_back(config->accounts.front());
  EXPECT_EQ(CheckConfig(*config).message(), "accounts: two of them are named resend-main");
}

TEST(Roles, AreANonEmptySubset) {
  EXPECT_TRUE(ParseRoles("api,duties").ok());
  EXPECT_FALSE(ParseRoles("api,duties")->delivery);
  EXPECT_FALSE(ParseRoles("").ok());
  EXPECT_FALSE(ParseRoles("api,web").ok());
}

TEST(Endpoints, NeedAHostAndAPort) {
  EXPECT_EQ(ParseEndpoint("0.0.0.0:80")->port, 80);
  for (const char* bad : {"", "host", ":80", "host:", "host:70000", "host:-1", "host:x"}) {
    EXPECT_FALSE(ParseEndpoint(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace herald::config

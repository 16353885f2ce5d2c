// docs/sandbox.md shows every simulated recipient, and the sandbox does what it says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "providers/http/curl_http_client.h"
#include "providers/sandbox/sandbox_provider.h"
#include "providers/sandbox/simulated_events.h"
#include "providers/sandbox/simulated_recipient.h"
#include "tests/support/temp_directory.h"
#include "tests/unit/providers/send_answer.h"

namespace herald::providers {
namespace {

struct Row {
  std::string address;
  std::vector<std::string> answers;   // in turn, to one email
  std::vector<std::string> webhooks;  // once it is taken
};

std::vector<std::string> ListOf(absl::string_view cell) {
  if (cell == "–") return {};
  return absl::StrSplit(cell, ", ");
}

// The rows whose first cell is a local part with its "@".
std::vector<Row> DocumentedRows() {
  const char* source = std::getenv("HERALD_SOURCE_DIR");
  if (source == nullptr) return {};  // run by ctest
  std::ifstream file(absl::StrCat(source, "/docs/sandbox.md"));
  std::vector<Row> rows;
  for (std::string line; std::getline(file, line);) {
    std::vector<absl::string_view> cells = absl::StrSplit(line, '|');
    for (absl::string_view& cell : cells) cell = absl::StripAsciiWhitespace(cell);
    if (cells.size() != 6) continue;
    absl::string_view local = cells[1];
    if (!absl::ConsumePrefix(&local, "`") || !absl::ConsumeSuffix(&local, "@`")) continue;
    rows.push_back(
        {absl::StrCat(local, "@sandbox.herald.test"), ListOf(cells[2]), ListOf(cells[3])});
  }
  return rows;
}

TEST(SandboxDocument, ShowsEverySimulationOnce) {
  std::vector<Simulation> shown;
  std::set<std::string> addresses;
  for (const Row& row : DocumentedRows()) {
    shown.push_back(SimulationFor(row.address));
    addresses.insert(row.address);
  }
  std::vector<Simulation> all;
  for (int i = 0; i <= static_cast<int>(Simulation::kUnconfirmed); ++i) {
    all.push_back(static_cast<Simulation>(i));
  }
  EXPECT_THAT(shown, ::testing::UnorderedElementsAreArray(all));
  // Any word is delivered: this one is meant.
  EXPECT_EQ(addresses.count("delivered@sandbox.herald.test"), 1u);
}

TEST(SandboxDocument, TellsTheAnswersAndWebhooksOfEachRecipient) {
  const ::herald::testing::TempDirectory directory;
  const std::unique_ptr<HttpClient> http = MakeCurlHttpClient({});
  SandboxOptions options;
  options.directory = directory.path();
  const auto provider = MakeSandboxProvider(options, *http);
  ASSERT_TRUE(provider.ok()) << provider.status();
  for (const Row& row : DocumentedRows()) {
    OutboundMessage message = ExampleMessage();
    message.to.address = row.address;
    message.email_id = absl::StrCat("em_", row.address.substr(0, row.address.find('@')));
    message.idempotency_key = row.address;
    // Once more than shown: the last answer is what a further attempt gets as well.
    std::vector<std::string> shown = row.answers;
    ASSERT_FALSE(shown.empty()) << row.address;
    shown.push_back(shown.back());
    std::vector<std::string> answers;
    for (size_t i = 0; i < shown.size(); ++i) {
      answers.push_back(std::string(OutcomeName(SendAndWait(**provider, message).outcome)));
    }
    EXPECT_EQ(answers, shown) << row.address;

    std::vector<std::string> webhooks;
    for (const SimulatedEvent& event : SimulateEvents(SimulationFor(row.address), message, "id",
                                                      absl::UnixEpoch(), options.event_interval)) {
      webhooks.push_back(nlohmann::json::parse(event.body)["type"]);
    }
    EXPECT_EQ(webhooks, row.webhooks) << row.address;
  }
}

}  // namespace
}  // namespace herald::providers

#include "tests/e2e/stack.h"

#include <signal.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"

namespace herald::e2e {
namespace {

constexpr absl::Duration kStartPatience = absl::Seconds(90);
constexpr absl::Duration kStopPatience = absl::Seconds(45);
constexpr absl::Duration kPoll = absl::Milliseconds(20);

Stack* shared = nullptr;

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// The rest of the first line of `text` that begins with `prefix`.
std::string ValueIn(absl::string_view text, absl::string_view prefix) {
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    if (absl::ConsumePrefix(&line, prefix)) return std::string(line);
  }
  return "";
}

}  // namespace

std::string FromEnvironment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string PortIn(absl::string_view line) {
  const size_t at = line.find("\"port\":");
  if (at == absl::string_view::npos) return "";
  line.remove_prefix(at + sizeof("\"port\":") - 1);
  return std::string(line.substr(0, line.find_first_not_of("0123456789")));
}

std::string Fetch(const std::string& url) {
  support::ChildOptions curl;
  curl.argv = {"curl", "-sS", "--max-time", "20", url};
  const absl::StatusOr<std::string> text = support::RunToEnd(curl, absl::Seconds(30));
  return text.ok() ? *text : text.status().ToString();
}

Stack& Stack::Shared() {
  if (shared == nullptr) {
    shared = new Stack();
    if (absl::Status status = shared->Start(); !status.ok()) {
      std::cerr << "heraldd --dev does not start: " << status << "\n";
      std::exit(1);
    }
  }
  return *shared;
}

bool Stack::Started() { return shared != nullptr; }

Stack::Stack() {
  // The database's user has to reach its data in there.
  std::filesystem::permissions(directory_.path(), std::filesystem::perms(0755));
}

absl::Status Stack::Start() {
  support::ChildOptions options;
  options.argv = {absl::StrCat(FromEnvironment("HERALD_BUILD_DIR"), "/bin/heraldd"),
                  "--dev",
                  absl::StrCat("--dev-dir=", directory_.path()),
                  "--dev-listen=127.0.0.1:0",
                  "--dev-metrics-listen=127.0.0.1:0",
                  "--dev-webhook-listen=127.0.0.1:0",
                  "--dev-webhook-metrics-listen=127.0.0.1:0"};
  auto started = support::ChildProcess::Start(options);
  if (!started.ok()) return started.status();
  heraldd_ = *std::move(started);
  const auto metrics = heraldd_->WaitForLine("\"metrics_listening\"", kStartPatience);
  if (!metrics.ok()) return metrics.status();
  metrics_url_ = absl::StrCat("http://127.0.0.1:", PortIn(*metrics), "/metrics");
  // The last of the lines that announce it.
  const auto ready = heraldd_->WaitForLine("  metrics:", kStartPatience);
  if (!ready.ok()) return ready.status();

  const std::string profile = Read("heraldctl.env");
  address_ = ValueIn(profile, "HERALD_ADDR=");
  demo_token_ = ValueIn(profile, "HERALD_TOKEN=");
  operator_token_ = ValueIn(profile, "HERALD_OPERATOR_TOKEN=");
  if (address_.empty() || demo_token_.empty() || operator_token_.empty()) {
    return absl::InternalError("the profile is not complete");
  }
  operator_client_ = std::make_unique<client::Client>(ClientWith(operator_token_));
  return AwaitSidecar();
}

// It is started last, and says in its log where it listens.
absl::Status Stack::AwaitSidecar() {
  for (const absl::Time deadline = absl::Now() + kStartPatience; absl::Now() < deadline;
       absl::SleepFor(kPoll)) {
    for (absl::string_view line : absl::StrSplit(Read("herald-webhook.log"), '\n')) {
      const std::string port = PortIn(line);
      if (absl::StrContains(line, "\"metrics_listening\"")) {
        webhook_metrics_url_ = absl::StrCat("http://127.0.0.1:", port, "/metrics");
      } else if (absl::StrContains(line, "\"listening\"")) {
        webhook_url_ = absl::StrCat("http://127.0.0.1:", port, "/v1/webhooks/sandbox");
      }
    }
    if (!webhook_url_.empty()) return absl::OkStatus();
  }
  return absl::DeadlineExceededError(
      absl::StrCat("the sidecar does not listen: ", Read("herald-webhook.log")));
}

std::string Stack::File(absl::string_view name) const {
  return absl::StrCat(directory_.path(), "/", name);
}

std::string Stack::Read(absl::string_view name) const { return ReadFile(File(name)); }

client::Client Stack::ClientWith(const std::string& token) const {
  client::ClientOptions options;
  options.target = address_;
  options.token = token;
  options.tls.trust = client::TlsOptions::Trust::kPlainText;
  options.default_deadline = absl::Seconds(30);
  auto created = client::Client::Create(std::move(options));
  if (!created.ok()) {
    std::cerr << created.status() << "\n";
    std::abort();
  }
  return *std::move(created);
}

std::string Stack::Metrics() const { return Fetch(metrics_url_); }

std::string Stack::WebhookMetrics() const { return Fetch(webhook_metrics_url_); }

std::vector<std::string> Stack::LogLines() const {
  std::vector<std::string> lines =
      absl::StrSplit(absl::StrCat(heraldd_->Stderr(), "\n", Read("herald-webhook.log")), '\n',
                     absl::SkipWhitespace());
  return lines;
}

absl::StatusOr<std::string> Stack::Sql(const std::string& statement) const {
  const std::string cluster(absl::StripAsciiWhitespace(Read("cluster-directory")));
  // Line 5 of a running server's pid file is the directory of its socket.
  const std::vector<std::string> pid_file =
      absl::StrSplit(ReadFile(absl::StrCat(cluster, "/data/postmaster.pid")), '\n');
  if (pid_file.size() < 5) return absl::NotFoundError("the database does not run");
  support::ChildOptions psql;
  psql.argv = {"psql", "-XAtq",  "-v", "ON_ERROR_STOP=1", "-h", pid_file[4],
               "-U",   "herald", "-d", "postgres",        "-c", statement};
  auto answer = support::RunToEnd(psql, absl::Seconds(30));
  if (answer.ok()) absl::StripTrailingAsciiWhitespace(&*answer);
  return answer;
}

int Stack::Stop() {
  heraldd_->Signal(SIGTERM);
  return heraldd_->Wait(kStopPatience).value_or(-1);
}

}  // namespace herald::e2e

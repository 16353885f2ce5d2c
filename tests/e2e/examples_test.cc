// The programs of examples/, run as examples/README.md tells, against a stack of their own each.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "tests/e2e/stack.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_directory.h"

namespace herald::e2e {
namespace {

using support::IsOkAndHolds;
using ::testing::HasSubstr;
using Environment = std::map<std::string, std::string>;

class Examples : public ::testing::Test {
 protected:
  absl::StatusOr<std::string> Shell(const std::string& commands, Environment environment) const {
    support::ChildOptions options;
    options.argv = {"sh", "-ec", commands};
    options.env = std::move(environment);
    options.directory = source_;
    return support::RunToEnd(options, absl::Seconds(60));
  }

  // The commands below a heading of examples/README.md.
  std::string Commands(absl::string_view heading) const {
    std::ifstream file(source_ + "/examples/README.md");
    const std::string page{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    const std::vector<std::string> parts = absl::StrSplit(page, absl::StrCat("\n## ", heading));
    EXPECT_EQ(parts.size(), 2u);
    const std::vector<std::string> fences = absl::StrSplit(parts.back(), "```");
    EXPECT_GE(fences.size(), 3u);
    return fences.at(1).substr(sizeof("sh"));
  }

  // Runs it with the quickstart's template, twice, and once with a token that is none.
  void ExpectOneEmail(const std::string& commands, Environment environment) const {
    const Stack& stack = Stack::Shared();
    PublishWelcome();
    environment["HERALD_ADDR"] = stack.address();
    environment["HERALD_TOKEN"] = stack.demo_token();
    ASSERT_OK_AND_ASSIGN(const std::string first, Shell(commands, environment));
    ASSERT_THAT(first, ::testing::MatchesRegex("em_[0-9a-z]+ accepted\n"));
    const std::string id = first.substr(0, first.find(' '));
    EXPECT_THAT(Shell(commands, environment), IsOkAndHolds(id + " was accepted before\n"));

    v1::GetEmailRequest get;
    get.set_id(id);
    ASSERT_OK_AND_ASSIGN(const v1::Email email, stack.ClientWith(stack.demo_token()).GetEmail(get));
    EXPECT_EQ(email.idempotency_key(), "signup:user_42");

    environment["HERALD_TOKEN"] = "hrld_live_none";
    EXPECT_THAT(std::string(Shell(commands, environment).status().message()),
                HasSubstr("TOKEN_INVALID"));
  }

  static void PublishWelcome() {
    const client::Client client = Stack::Shared().ClientWith(Stack::Shared().demo_token());
    v1::CreateTemplateRequest create;
    create.set_key("welcome");
    create.mutable_content()->set_subject("Welcome, {{firstName}}");
    create.mutable_content()->set_text("{{shop}} is glad that you are here.");
    ASSERT_OK(client.CreateTemplate(create));
  }

  const std::string source_ = FromEnvironment("HERALD_SOURCE_DIR");
  const testing::TempDirectory directory_;
};

TEST_F(Examples, CppSendsOneEmailHoweverOftenItRuns) {
  ExpectOneEmail(FromEnvironment("HERALD_BUILD_DIR") + "/tests/e2e/example_send_email", {});
}

TEST_F(Examples, NodeSendsOneEmailHoweverOftenItRuns) {
  const std::string modules = source_ + "/tests/interop/node_modules";
  if (!std::filesystem::exists(modules + "/@grpc/grpc-js")) {
    GTEST_SKIP() << "no @grpc/grpc-js: it needs node, and npm install in tests/interop";
  }
  // Of the two commands the first would fetch packages.
  const std::vector<std::string> commands = absl::StrSplit(Commands("Node.js"), '\n');
  ExpectOneEmail(commands.at(1), {{"NODE_PATH", modules}});
}

TEST_F(Examples, PythonSendsOneEmailHoweverOftenItRuns) {
  std::string python;
  for (const char* candidate : {"python3", "/usr/bin/python3"}) {
    if (!Shell(absl::StrCat(candidate, " -c 'import grpc, google.protobuf'"), {}).ok()) continue;
    python = candidate;
    break;
  }
  if (python.empty()) GTEST_SKIP() << "no python3 with grpc and protobuf (python3-grpcio)";
  const std::string commands =
      absl::StrReplaceAll(Commands("Python"), {{"build/python", directory_.path() + "/python"},
                                               {" python3 ", absl::StrCat(" ", python, " ")}});
  ExpectOneEmail(commands, {{"PYTHONDONTWRITEBYTECODE", "1"}});
}

}  // namespace
}  // namespace herald::e2e

#include "tests/e2e/heraldctl.h"

#include "absl/strings/str_cat.h"
#include "tests/e2e/stack.h"
#include "tests/support/child_process.h"
#include "tests/support/status_matchers.h"

namespace herald::e2e {

Ran RunHeraldctl(const Tenant& tenant, const std::vector<std::string>& arguments) {
  support::ChildOptions options;
  options.argv = {absl::StrCat(FromEnvironment("HERALD_BUILD_DIR"), "/bin/heraldctl"), "--addr",
                  Stack::Shared().address(), "--token", tenant.token()};
  options.argv.insert(options.argv.end(), arguments.begin(), arguments.end());
  auto child = support::ChildProcess::Start(options);
  EXPECT_OK(child);
  Ran ran;
  if (!child.ok()) return ran;
  ran.code = (*child)->Wait(absl::Seconds(120)).value_or(-1);
  (*child)->WaitForOutput();
  ran.out = (*child)->Stdout();
  ran.err = (*child)->Stderr();
  return ran;
}

}  // namespace herald::e2e

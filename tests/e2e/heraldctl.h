#pragma once

#include <string>
#include <vector>

#include "tests/e2e/tenant.h"

namespace herald::e2e {

struct Ran {
  int code = -1;
  std::string out, err;
};

// Runs heraldctl against the shared stack with a tenant's token, to its end.
Ran RunHeraldctl(const Tenant& tenant, const std::vector<std::string>& arguments);

}  // namespace herald::e2e

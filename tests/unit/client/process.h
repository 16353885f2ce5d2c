#pragma once

#include <string>
#include <vector>

namespace herald::client {

// What a process left behind.
struct ProcessResult {
  int exit_code = -1;  // -1: it could not be started, or a signal ended it
  std::string out;
  std::string err;
};

// Runs `argv` in `folder` to its end with exactly `environment` ("NAME=value").
ProcessResult RunProcess(const std::vector<std::string>& argv,
                         const std::vector<std::string>& environment, const std::string& folder);

}  // namespace herald::client

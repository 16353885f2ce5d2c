#pragma once

#include <stdlib.h>

#include <filesystem>
#include <string>

namespace herald::testing {

// A fresh directory that is removed with everything in it.
class TempDirectory {
 public:
  TempDirectory() : path_((std::filesystem::temp_directory_path() / "herald-XXXXXX").string()) {
    if (mkdtemp(path_.data()) == nullptr) abort();
  }
  ~TempDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace herald::testing

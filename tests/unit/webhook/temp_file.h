#pragma once

#include <stdlib.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>

namespace herald::webhook {

// A file that is gone with its object.
class TempFile {
 public:
  explicit TempFile(const std::string& contents) {
    const int fd = mkstemp(path_.data());
    if (fd >= 0) close(fd);
    Write(contents);
  }
  ~TempFile() { std::remove(path_.c_str()); }
  TempFile(const TempFile&) = delete;
  TempFile& operator=(const TempFile&) = delete;

  void Write(const std::string& contents) { std::ofstream(path_, std::ios::trunc) << contents; }
  const std::string& path() const { return path_; }

 private:
  std::string path_ = "/tmp/herald-test-XXXXXX";
};

}  // namespace herald::webhook

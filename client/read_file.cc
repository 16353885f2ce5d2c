#include "client/read_file.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>

#include "absl/strings/str_cat.h"

namespace herald::client {

// By stdio: an ifstream opens a directory, and its iterators throw when they read of it.
absl::StatusOr<std::string> ReadFile(const std::string& path) {
  const auto failed = [&] {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot read ", path));
  };
  const auto close = [](std::FILE* file) { std::fclose(file); };
  const std::unique_ptr<std::FILE, decltype(close)> file(std::fopen(path.c_str(), "rbe"), close);
  if (file == nullptr) return failed();
  std::string text;
  std::array<char, 16384> piece;
  while (const size_t size = std::fread(piece.data(), 1, piece.size(), file.get())) {
    text.append(piece.data(), size);
  }
  if (std::ferror(file.get()) != 0) return failed();
  return text;
}

}  // namespace herald::client

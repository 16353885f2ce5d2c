// Stands for heraldd in tests of scripts: `heraldd --dev --dev-dir DIR` leaves what the real one
// leaves in DIR, says that it is ready, and runs until SIGTERM.
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iostream>

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTERM);
  sigprocmask(SIG_BLOCK, &stop, nullptr);
  const std::filesystem::path directory = std::filesystem::absolute(argv[3]);
  std::filesystem::create_directories(directory / "mail");
  std::ofstream(directory / "heraldctl.env") << "HERALD_ADDR=127.0.0.1:1\nHERALD_TOKEN=dev-token\n";
  std::ofstream(directory / "cluster-directory") << (directory / "postgres").string() << "\n";
  std::cout << "heraldd --dev is ready" << std::endl;
  int signal = 0;
  return sigwait(&stop, &signal);
}

#include <signal.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <random>

#include "tests/support/resend_emulator.h"

// Resend's email API on a loopback port, for end-to-end tests and benchmarks. Prints the port and
// serves until SIGTERM or SIGINT.
namespace {

using herald::testing::ResendFault;
using Kind = ResendFault::Kind;

ResendFault RandomFault(std::mt19937& random, double chaos) {
  ResendFault fault;
  if (std::uniform_real_distribution<>(0, 1)(random) >= chaos) return fault;
  constexpr Kind kKinds[] = {Kind::kError, Kind::kCutBeforeAccept, Kind::kAcceptThenClose,
                             Kind::kAcceptThenReset, Kind::kAcceptThenHalfAnswer};
  fault.kind = kKinds[std::uniform_int_distribution<size_t>(0, std::size(kKinds) - 1)(random)];
  return fault;
}

}  // namespace

int main(int argc, char** argv) {
  herald::testing::ResendEmulatorOptions options;
  double chaos = 0;
  unsigned seed = 1;
  int delay_ms = 0;
  CLI::App app("Resend's email API, emulated");
  app.add_option("--port", options.port, "Port on 127.0.0.1; 0 picks a free one");
  app.add_option("--ground-truth", options.ground_truth,
                 "File that gets a line per accepted email");
  app.add_option("--api-key", options.api_key, "The key that is accepted");
  app.add_option("--rate", options.requests_per_second_max, "Requests per second; 0 for no limit");
  app.add_option("--chaos", chaos, "Share of requests with a random fault, 0 to 1");
  app.add_option("--seed", seed, "Seed of the faults");
  app.add_option("--delay-ms", delay_ms, "Time before each answer");
  CLI11_PARSE(app, argc, argv);

  const auto random = std::make_shared<std::mt19937>(seed);
  options.fault = [=](int) {
    ResendFault fault = RandomFault(*random, chaos);
    fault.delay = absl::Milliseconds(delay_ms);
    return fault;
  };

  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // before the emulator's thread inherits the mask
  herald::testing::ResendEmulator emulator(options);
  std::cout << emulator.port() << std::endl;
  int received = 0;
  sigwait(&signals, &received);
  std::cerr << "accepted " << emulator.accepted() << " of " << emulator.requests() << " requests\n";
  return 0;
}

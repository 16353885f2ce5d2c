#pragma once

#include <gtest/gtest.h>

#include <vector>

#include "client/herald_client.h"
#include "tests/unit/client/fake_herald.h"

namespace herald::client {

// A client of a FakeHerald whose clock only moves when it sleeps, and whose random number is 0.5:
// half of each backoff step.
class ClientTest : public testing::Test {
 protected:
  ClientOptions Options() {
    ClientOptions options;
    options.target = fake.target();
    options.token = "secret-token";
    options.tls.trust = TlsOptions::Trust::kPlainText;
    options.timing.now = [this] { return now; };
    options.timing.sleep = [this](absl::Duration wait) {
      slept.push_back(wait);
      now += wait;
      if (on_sleep) on_sleep();
    };
    options.timing.random = [] { return 0.5; };
    return options;
  }

  Client MakeClient() { return Client::Create(Options()).value(); }

  static IdempotencyKey Key() { return IdempotencyKey::Create("order:1").value(); }

  static FakeError Unavailable() { return {grpc::UNAVAILABLE, "draining"}; }

  size_t calls() const { return fake.seen().size(); }

  FakeHerald fake;
  absl::Time now = absl::FromUnixSeconds(1'700'000'000);
  std::vector<absl::Duration> slept;
  std::function<void()> on_sleep;
};

}  // namespace herald::client

#include "server/webhook/secret_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <utime.h>

#include "tests/unit/webhook/temp_file.h"

namespace herald::webhook {
namespace {

using ::testing::ElementsAre;

absl::Status NotBad(absl::string_view secret) {
  return secret == "bad" ? absl::InvalidArgumentError("not base64") : absl::OkStatus();
}

std::vector<std::string> Secrets(SecretFile& file) {
  const auto secrets = file.Load();
  EXPECT_TRUE(secrets.ok()) << secrets.status();
  return secrets.ok() ? **secrets : std::vector<std::string>();
}

void MakeOld(const std::string& path) {
  const utimbuf long_ago = {1700000000, 1700000000};
  ASSERT_EQ(utime(path.c_str(), &long_ago), 0);
}

TEST(SecretFile, ReadsOneSecretALine) {
  const TempFile disk("# rotated in March\none\n\n  two \r\n");
  SecretFile file(disk.path(), NotBad);
  EXPECT_THAT(Secrets(file), ElementsAre("one", "two"));
}

TEST(SecretFile, SeesAChangeOfTheSameLengthAtOnce) {
  TempFile disk("one");
  SecretFile file(disk.path(), NotBad);
  for (const char* secret : {"two", "six", "ten"}) {
    disk.Write(secret);
    EXPECT_THAT(Secrets(file), ElementsAre(secret));
  }
}

TEST(SecretFile, ReadsAnUnchangedFileOnce) {
  const TempFile disk("one");
  int checks = 0;
  SecretFile file(disk.path(), [&checks](absl::string_view) {
    ++checks;
    return absl::OkStatus();
  });
  MakeOld(disk.path());
  for (int i = 0; i < 5; ++i) Secrets(file);
  EXPECT_EQ(checks, 1);
}

TEST(SecretFile, IsUnavailableWhileTheFileIsAwayAndBackWhenItIsBack) {
  TempFile disk("one");
  SecretFile file(disk.path(), NotBad);
  MakeOld(disk.path());
  Secrets(file);
  ASSERT_EQ(std::remove(disk.path().c_str()), 0);
  EXPECT_EQ(file.Load().status().code(), absl::StatusCode::kUnavailable);
  disk.Write("two");
  EXPECT_THAT(Secrets(file), ElementsAre("two"));
}

TEST(SecretFile, NamesTheLineOfABadSecretWithoutRepeatingIt) {
  const TempFile disk("one\nbad\n");
  SecretFile file(disk.path(), NotBad);
  const absl::Status status = file.Load().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(status.message(), disk.path() + ", line 2: not base64");
}

TEST(SecretFile, RefusesAFileWithoutSecrets) {
  const TempFile disk("# none\n");
  SecretFile file(disk.path(), NotBad);
  EXPECT_EQ(file.Load().status().message(), disk.path() + " holds no secret");
}

}  // namespace
}  // namespace herald::webhook

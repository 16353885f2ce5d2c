// The database's disk is full for a while (T28).
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/fault/accounting.h"
#include "tests/fault/fault_harness.h"
#include "tests/fault/load.h"
#include "tests/support/status_matchers.h"

namespace herald::fault {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(30);
constexpr char kDiskSize[] = "160m";  // a fresh cluster and its log take 60

// A small disk of its own, in the memory, which nobody but this process and its children sees.
class SmallDisk {
 public:
  // Why there is none; empty: it is there.
  std::string Mount() {
    if (unshare(CLONE_NEWNS) != 0 ||
        mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        mount("herald-small-disk", path().c_str(), "tmpfs", 0,
              absl::StrCat("mode=0755,size=", kDiskSize).c_str()) != 0) {
      return absl::StrCat("a disk cannot be mounted here: ", std::strerror(errno));
    }
    mounted_ = true;
    return "";
  }
  ~SmallDisk() {
    if (mounted_) umount2(path().c_str(), MNT_DETACH);
  }
  const std::string& path() const { return directory_.path(); }

  // Leaves no byte.
  void Fill() const {
    std::ofstream ballast(Ballast(), std::ios::binary);
    const std::string block(64 << 10, 'x');
    while (ballast.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
    }
  }
  void Empty() const { unlink(Ballast().c_str()); }

 private:
  std::string Ballast() const { return path() + "/ballast"; }

  const testing::TempDirectory directory_;
  bool mounted_ = false;
};

TEST(DiskFullTest, AFullDiskOfTheDatabaseMakesNoFalsePromiseAndEndsWhenThereIsRoom) {
  SmallDisk disk;
  if (const std::string why = disk.Mount(); !why.empty()) GTEST_SKIP() << why;
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<Stack> stack, Stack::Create(100, disk.path()));
  ASSERT_OK(stack->Start({}));
  ASSERT_OK(stack->Provision());
  Load load(*stack, {.callers = 4, .emails_per_call = 10, .seed = Seed()});
  ASSERT_TRUE(load.AwaitProgress(kPatience));
  disk.Fill();
  // What was set aside for the log and the tables is used up first.
  for (const absl::Time end = absl::Now() + kPatience; absl::Now() < end;) {
    disk.Fill();
    if (!load.AwaitProgress(absl::Seconds(2))) break;
  }
  const int64_t taken = load.acknowledged_count();
  EXPECT_FALSE(load.AwaitProgress(absl::Seconds(2))) << "the disk was not full";
  std::cout << taken << " acknowledged before the disk was full" << std::endl;
  disk.Empty();
  // A server that could not even write its log has ended; whoever frees the disk starts it again.
  ASSERT_OK(stack->cluster().Restart(/*immediate=*/true));
  EXPECT_TRUE(load.AwaitProgress(kPatience)) << stack->process().Stderr();
  ExpectEverythingAccountedFor(*stack, load, {stack->SandboxRecord()});
  EXPECT_EQ(stack->Query("SELECT count(*) FROM herald.emails WHERE state <> 5"), "0");
}

}  // namespace
}  // namespace herald::fault

// Every input under corpus/filter, through the fuzzer's own function.
#include <gmock/gmock.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace herald {
namespace {

TEST(FilterCorpus, EveryInputGetsAnAnswer) {
  const char* source = std::getenv("HERALD_SOURCE_DIR");
  ASSERT_NE(source, nullptr);
  int inputs = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::string(source) + "/tests/fuzz/corpus/filter")) {
    SCOPED_TRACE(entry.path());
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string input((std::istreambuf_iterator<char>(file)),
                            std::istreambuf_iterator<char>());
    EXPECT_EQ(LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(input.data()), input.size()),
              0);
    ++inputs;
  }
  EXPECT_GE(inputs, 12);
}

}  // namespace
}  // namespace herald

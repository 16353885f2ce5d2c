// libFuzzer over the filter parser: any bytes get an answer, and what parses can be evaluated.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "server/audience/filter/parser.h"

namespace {

// Walks the tree, as whoever compiles it does.
size_t CountTerms(const herald::storage::FilterNode& node) {
  size_t terms = node.kind == herald::storage::FilterNode::Kind::kTerm;
  for (const auto& operand : node.operands) terms += CountTerms(operand);
  return terms;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view filter(reinterpret_cast<const char*>(data), size);
  const auto parsed = herald::audience::ParseFilter(filter);
  if (!parsed.ok() && !absl::IsInvalidArgument(parsed.status())) std::abort();
  if (parsed.ok() && CountTerms(*parsed) > 64) std::abort();
  return 0;
}

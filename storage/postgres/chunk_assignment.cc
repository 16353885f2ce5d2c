#include "storage/postgres/chunk_assignment.h"

#include <map>

namespace herald::storage {
namespace {

bool MayShare(const NewEmail& email) {
  return email.lane == Lane::kBulk && !email.test && !email.has_attachments &&
         !email.send_time.has_value();
}

}  // namespace

std::vector<absl::optional<int64_t>> AssignChunks(const std::vector<const NewEmail*>& emails) {
  std::map<TenantId, std::vector<std::vector<size_t>>> chunks;
  for (size_t i = 0; i < emails.size(); ++i) {
    if (!MayShare(*emails[i])) continue;
    auto& of_tenant = chunks[emails[i]->tenant];
    if (of_tenant.empty() || of_tenant.back().size() == kChunkMax) of_tenant.emplace_back();
    of_tenant.back().push_back(i);
  }
  std::vector<absl::optional<int64_t>> assigned(emails.size());
  for (const auto& [tenant, of_tenant] : chunks) {
    for (const std::vector<size_t>& members : of_tenant) {
      if (members.size() < 2) continue;
      for (size_t i : members) assigned[i] = emails[members.front()]->id.value;
    }
  }
  return assigned;
}

}  // namespace herald::storage

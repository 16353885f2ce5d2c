#pragma once

#include <list>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "server/identity/token.h"

namespace herald::identity {

// A map that forgets what was used longest ago once it holds `max` entries. Not thread-safe.
template <class Value>
class LruMap {
 public:
  explicit LruMap(size_t max) : max_(max) {}

  // nullptr when absent. Counts as a use. Valid until the next change.
  Value* Find(const Digest& key) {
    const auto found = index_.find(key);
    if (found == index_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, found->second);
    return &found->second->second;
  }

  void Put(const Digest& key, Value value) {
    if (Value* known = Find(key)) {
      *known = std::move(value);
      return;
    }
    entries_.emplace_front(key, std::move(value));
    index_[key] = entries_.begin();
    if (entries_.size() > max_) {
      index_.erase(entries_.back().first);
      entries_.pop_back();
    }
  }

  void Erase(const Digest& key) {
    const auto found = index_.find(key);
    if (found == index_.end()) return;
    entries_.erase(found->second);
    index_.erase(found);
  }

  size_t size() const { return entries_.size(); }

 private:
  using Entries = std::list<std::pair<Digest, Value>>;
  const size_t max_;
  Entries entries_;  // newest use first
  absl::flat_hash_map<Digest, typename Entries::iterator> index_;
};

}  // namespace herald::identity

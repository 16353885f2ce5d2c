#pragma once

#include <map>
#include <vector>

#include "absl/types/span.h"
#include "model/ids.h"

namespace herald::delivery {

// How many of a lane's places in flight each tenant holds, and how many more it may have. Places
// are held for as long as a provider takes to answer, so whoever has a mountain queued would soon
// hold all of them, and everybody else's mail would wait for the slowest answer. So a tenant gets
// more only while it holds less than three times what is free: alone it may have three quarters,
// two have three sevenths each, and something is always left for whoever comes next.
//
// Not thread-safe. Places may be overdrawn.
class TenantShares {
 public:
  // `batch`: the most of a claim; made smaller where the capacity is small.
  TenantShares(int capacity, int batch);

  // What the next claim may take.
  struct Allowance {
    int limit = 0;               // 0: nothing is free
    std::vector<TenantId> full;  // who gets no more
  };
  Allowance Next() const;
  // Whether a claim would be worthwhile that was not with `before`.
  bool IsBetterThan(const Allowance& before) const;

  // Places that a claim under way may take, until it is known of whom; negative: they are not.
  void Reserve(int places) { reserved_ += places; }
  void Add(TenantId tenant, int places);
  void Remove(TenantId tenant, int places) { Add(tenant, -places); }
  // Neither held nor reserved.
  bool empty() const { return held_ + reserved_ == 0; }

 private:
  int Free() const { return capacity_ - held_ - reserved_; }
  // Few are free: they are for those that hold few.
  bool IsScarce() const { return Free() < batch_; }
  bool IsFull(int places) const;

  const int capacity_;
  const int batch_;
  int held_ = 0;
  int reserved_ = 0;
  std::map<TenantId, int> by_tenant_;  // of those that hold some
};

}  // namespace herald::delivery

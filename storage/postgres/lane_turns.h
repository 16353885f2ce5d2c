#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "model/ids.h"

namespace herald::storage {

// Whose turn it is in a lane, as one claimer knows it: which tenants to visit, how many emails each
// may give, and from which place in its line on to look. (Or chunks, whose lines are others.) Every
// claimer is fair by itself, so all of them together are, without a row that they would have to
// share.
//
// A tenant is `busy` while its line was longer than its share at its last visit; the others are
// `light`, and are all visited before the busy ones, in turn, up to their fair share of the claim.
//
// Looking from a place on, instead of from the beginning, is what keeps a claim's cost the same
// however many emails were finished and not yet vacuumed. What appears behind that place (a
// transaction that committed late, a lease given back) is found by looking further back: a little
// every second, from the beginning as often as it is cheap.
//
// Thread-safe. Times are the local clock's and measure pauses only; places are the database's.
class LaneTurns {
 public:
  // In a tenant's line, which is ordered by both.
  struct Place {
    absl::Time run_at = absl::InfinitePast();
    int64_t id = 0;
  };
  struct BusyVisit {
    TenantId tenant;
    Place from;
  };
  enum class Reach {
    kNear,  // from the place known
    kWide,  // from a moment before which no transaction is still running
    kAll,   // from the beginning
  };
  // One claim. Visit the light ones in order, then the busy ones in order, until `limit`.
  struct Plan {
    int limit = 0;
    std::vector<TenantId> light;
    int light_max = 0;    // of all light ones together
    int light_quota = 0;  // of each
    absl::Time light_from = absl::InfinitePast();
    std::vector<BusyVisit> busy;
    int busy_quota = 0;  // of each
    Reach reach = Reach::kNear;
    bool ends_pass = false;  // `light` reaches to the last of them
    bool partial = false;    // some tenants were left out, so that the pass does not move
    bool patient = false;    // no place is known yet: may take longer than other statements
    int64_t pass = 0;
  };
  struct Taken {
    TenantId tenant;
    Place place;
  };

  // The tenants that may have emails in this lane, sorted, as just read from the database.
  void Know(std::vector<TenantId> tenants);
  // True while Know should be called before the next plan.
  bool NeedsTenants(absl::Time now);

  // Tenants in `except` are left out this time.
  Plan Next(int limit, absl::Time now, absl::Span<const TenantId> except = {});
  // What a committed claim found; `at` is the database's clock as the claim saw it, if it is known,
  // and `took` how long it was under way.
  void Done(const Plan& plan, absl::Span<const Taken> taken, absl::optional<absl::Time> at,
            absl::Time now, absl::Duration took);
  // After `plan` found nothing: whether another claim, now, may find something.
  bool HasMoreToVisit(const Plan& plan, absl::Time now);
  // The claim failed, having been under way for `took`: a sweep that takes too long is put off. If
  // it was the first, only what fell due shortly before `at`, the database's clock, is looked at
  // until the next.
  void Failed(const Plan& plan, absl::optional<absl::Time> at, absl::Time now, absl::Duration took);
  // Something may be due behind the places known: look from the beginning next.
  void LookBack();

 private:
  // What a claim took of one tenant.
  struct Share {
    int emails = 0;
    Place last;
  };
  using Shares = std::map<TenantId, Share>;

  Reach ReachNow(absl::Time now) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Pace(Reach reach, absl::Time now, absl::Duration took) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ListLight(Plan& plan, const std::set<TenantId>& except)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ListBusy(Plan& plan, const std::set<TenantId>& except) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Returns how many emails they gave.
  int DoneLight(const Plan& plan, const Shares& shares, absl::Time at)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void DoneBusy(const Plan& plan, const Shares& shares, bool cut, absl::Time at)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void MovePass(const Plan& plan, absl::optional<TenantId> cut_at, absl::optional<absl::Time> at,
                absl::Time now, absl::Duration took) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool IsBusy(TenantId tenant) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void BeginPass() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  absl::Mutex mutex_;
  std::vector<TenantId> known_ ABSL_GUARDED_BY(mutex_);
  absl::Time known_at_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
  std::deque<BusyVisit> busy_ ABSL_GUARDED_BY(mutex_);  // who is at the front is next
  // The last claim was full; it found nothing.
  bool saturated_ ABSL_GUARDED_BY(mutex_) = false;
  bool idle_ ABSL_GUARDED_BY(mutex_) = false;

  // The passage through the light tenants: who was visited last, when it began, and when the one
  // before it began, since when everybody was visited.
  TenantId cursor_ ABSL_GUARDED_BY(mutex_);
  int64_t pass_ ABSL_GUARDED_BY(mutex_) = 0;
  Reach pass_reach_ ABSL_GUARDED_BY(mutex_) = Reach::kAll;
  absl::optional<absl::Time> pass_start_ ABSL_GUARDED_BY(mutex_);
  absl::Time visited_since_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
  absl::Duration pass_took_ ABSL_GUARDED_BY(mutex_);

  // Of tenants that stayed light in the last claim: how many emails, of how many tenants.
  int light_taken_ ABSL_GUARDED_BY(mutex_) = 0;
  int light_giving_ ABSL_GUARDED_BY(mutex_) = 0;

  absl::Time next_wide_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
  absl::Time next_all_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
  absl::Time next_idle_all_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
};

}  // namespace herald::storage

#include "server/rpc/watch_hub.h"

#include <algorithm>
#include <tuple>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "model/steady_time.h"
#include "server/rpc/email_convert.h"
#include "server/rpc/request_check.h"
#include "server/status/status_details.h"

namespace herald::rpc {
namespace {

constexpr int kEventsMax = 500;
constexpr absl::string_view kMethod = "herald.v1.EmailService/WatchEmailEvents";

absl::Status Draining() {
  return WithRetryDelay(MakeError(absl::StatusCode::kUnavailable, "DRAINING",
                                  "this replica is going away; resume from the last cursor"),
                        absl::Milliseconds(100));
}

}  // namespace

absl::Status TooManyWatches() {
  return WithRetryDelay(MakeError(absl::StatusCode::kUnavailable, "OVERLOADED",
                                  "the replica has as many watches as it can feed; try again"),
                        absl::Seconds(1));
}

WatchHub::WatchHub(storage::EmailStore& emails, Executor& executor, const PageTokens& tokens,
                   WatchOptions options)
    : emails_(emails), executor_(executor), tokens_(tokens), options_(options) {
  thread_ = std::thread([this] { Poll(); });
}

WatchHub::~WatchHub() { Stop(); }

absl::StatusOr<WatchHub::Key> WatchHub::Add(std::shared_ptr<Watcher> watcher, TenantId tenant,
                                            absl::optional<storage::FeedCursor> cursor) {
  absl::MutexLock lock(&mu_);
  if (stopping_) return Draining();
  if (static_cast<int>(entries_.size()) >= options_.streams_max) return TooManyWatches();
  const Key key = next_key_++;
  Entry& entry = entries_[key];
  entry.watcher = std::move(watcher);
  entry.tenant = tenant;
  entry.cursor = cursor;
  entry.interval = options_.poll_min;
  entry.poll_at = absl::InfinitePast();
  changed_ = true;
  return key;
}

void WatchHub::Ready(Key key) {
  absl::MutexLock lock(&mu_);
  const auto found = entries_.find(key);
  if (found == entries_.end()) return;
  found->second.busy = false;
  changed_ = true;
}

void WatchHub::Remove(Key key) {
  std::shared_ptr<Watcher> last;  // released outside the lock
  absl::MutexLock lock(&mu_);
  const auto found = entries_.find(key);
  if (found == entries_.end()) return;
  last = std::move(found->second.watcher);
  entries_.erase(found);
}

void WatchHub::Stop() {
  std::map<Key, Entry> ended;
  {
    absl::MutexLock lock(&mu_);
    if (stopping_) return;
    stopping_ = true;
    ended.swap(entries_);
  }
  thread_.join();
  for (auto& [key, entry] : ended) entry.watcher->End(Draining());
}

void WatchHub::Poll() {
  const auto woken = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return stopping_ || changed_; };
  for (;;) {
    std::vector<Group> groups;
    {
      absl::MutexLock lock(&mu_);
      const absl::Duration wait = std::min(NextPoll() - SteadyNow(), options_.poll_max);
      AwaitSteadily(mu_, absl::Condition(&woken), wait);
      if (stopping_) return;
      changed_ = false;
      groups = TakeDue();
    }
    for (Group& group : groups) {
      const std::vector<Key> keys = group.keys;
      const bool taken = executor_.Submit([this, group = std::move(group)] { Read(group); });
      if (!taken) Release(keys);  // the calls come first; the watch is looked at again later
    }
  }
}

absl::Time WatchHub::NextPoll() {
  absl::Time next = absl::InfiniteFuture();
  for (const auto& [key, entry] : entries_) {
    if (!entry.busy) next = std::min(next, entry.poll_at);
  }
  return next;
}

std::vector<WatchHub::Group> WatchHub::TakeDue() {
  const absl::Time now = SteadyNow();
  std::map<std::tuple<TenantId, bool, uint64_t, int64_t>, Group> groups;
  for (auto& [key, entry] : entries_) {
    if (entry.busy || entry.poll_at > now) continue;
    entry.busy = true;
    const storage::FeedCursor at = entry.cursor.value_or(storage::FeedCursor{});
    Group& group = groups[{entry.tenant, entry.cursor.has_value(), at.transaction, at.sequence}];
    group.tenant = entry.tenant;
    group.cursor = entry.cursor;
    group.keys.push_back(key);
  }
  std::vector<Group> due;
  for (auto& [place, group] : groups) due.push_back(std::move(group));
  return due;
}

void WatchHub::Recheck(Group& group) {
  std::vector<std::pair<Key, std::shared_ptr<Watcher>>> watchers;
  {
    absl::MutexLock lock(&mu_);
    for (const Key key : group.keys) {
      const auto found = entries_.find(key);
      if (found != entries_.end()) watchers.emplace_back(key, found->second.watcher);
    }
  }
  group.keys.clear();
  for (const auto& [key, watcher] : watchers) {
    const absl::Status status = watcher->Check();
    if (status.ok()) {
      group.keys.push_back(key);
    } else {
      Remove(key);
      watcher->End(status);
    }
  }
}

void WatchHub::Read(Group group) {
  Recheck(group);
  if (group.keys.empty()) return;
  storage::FeedPage page;
  if (group.cursor.has_value()) {
    absl::StatusOr<storage::FeedPage> read =
        emails_.ReadFeed(group.tenant, *group.cursor, kEventsMax);
    if (!read.ok()) return Fail(group, FromStorage(read.status()));
    page = *std::move(read);
  } else {
    const absl::StatusOr<storage::FeedCursor> end = emails_.FeedEnd(group.tenant);
    if (!end.ok()) return Fail(group, FromStorage(end.status()));
    page.next = *end;
  }
  Hand(group, page);
}

void WatchHub::Hand(const Group& group, const storage::FeedPage& page) {
  auto message = std::make_shared<v1::WatchEmailEventsResponse>();
  for (const storage::EmailEventRow& row : page.events) ToProto(row, *message->add_events());
  message->set_cursor(FormatCursor(group.tenant, page.next));
  std::vector<std::shared_ptr<Watcher>> receivers;
  {
    absl::MutexLock lock(&mu_);
    const absl::Time now = SteadyNow();
    for (const Key key : group.keys) {
      const auto found = entries_.find(key);
      if (found == entries_.end()) continue;
      Entry& entry = found->second;
      entry.cursor = page.next;
      const bool news = !page.events.empty();
      entry.interval = news ? options_.poll_min : std::min(entry.interval * 2, options_.poll_max);
      // A full page is followed at once; busy keeps it back until it was written.
      entry.poll_at = now + (news ? absl::ZeroDuration() : entry.interval);
      if (news || now - entry.last_message >= options_.heartbeat) {
        entry.last_message = now;
        receivers.push_back(entry.watcher);
      } else {
        entry.busy = false;
      }
    }
    changed_ = true;
  }
  for (const auto& watcher : receivers) watcher->Deliver(message);
}

void WatchHub::Fail(const Group& group, const absl::Status& status) {
  std::vector<std::shared_ptr<Watcher>> ended;
  {
    absl::MutexLock lock(&mu_);
    for (const Key key : group.keys) {
      const auto found = entries_.find(key);
      if (found == entries_.end()) continue;
      ended.push_back(std::move(found->second.watcher));
      entries_.erase(found);
    }
  }
  for (const auto& watcher : ended) watcher->End(status);
}

void WatchHub::Release(const std::vector<Key>& keys) {
  absl::MutexLock lock(&mu_);
  for (const Key key : keys) {
    const auto found = entries_.find(key);
    if (found == entries_.end()) continue;
    found->second.busy = false;
    found->second.poll_at = SteadyNow() + options_.poll_max;
  }
}

std::string WatchHub::FormatCursor(TenantId tenant, const storage::FeedCursor& cursor) const {
  return tokens_.Seal(ListName(kMethod, tenant),
                      absl::StrCat(cursor.transaction, ".", cursor.sequence));
}

absl::StatusOr<storage::FeedCursor> WatchHub::ParseCursor(TenantId tenant,
                                                          absl::string_view text) const {
  storage::FeedCursor cursor;
  if (text.empty()) return cursor;
  const absl::optional<std::string> place = tokens_.Open(ListName(kMethod, tenant), text);
  if (place.has_value()) {
    const std::pair<std::string, std::string> parts = absl::StrSplit(*place, '.');
    if (absl::SimpleAtoi(parts.first, &cursor.transaction) &&
        absl::SimpleAtoi(parts.second, &cursor.sequence)) {
      return cursor;
    }
  }
  return InvalidField("cursor", "is not a cursor of this tenant's events");
}

}  // namespace herald::rpc

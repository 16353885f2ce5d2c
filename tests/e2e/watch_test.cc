// The stream of a tenant's events.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/e2e/stack.h"
#include "tests/e2e/tenant.h"
#include "tests/support/status_matchers.h"

namespace herald::e2e {
namespace {

using support::StatusIs;
using ::testing::ElementsAre;
using ::testing::IsSupersetOf;

class Watch : public ::testing::Test {
 protected:
  // Watches from `cursor` until an event of that type, and returns all events on the way.
  std::vector<v1::EmailEvent> WatchUntil(v1::EventType last, std::string* cursor) const {
    std::vector<v1::EmailEvent> events;
    client::WatchOptions options;
    options.cursor = *cursor;
    const absl::Time deadline = absl::Now() + absl::Seconds(60);
    const absl::Status status = tenant_.api().WatchEmailEvents(options, [&](const auto& batch) {
      bool seen = false;
      for (const v1::EmailEvent& event : batch.events()) {
        events.push_back(event);
        seen |= event.type() == last;
      }
      *cursor = batch.cursor();
      return !seen && absl::Now() < deadline;
    });
    EXPECT_OK(status);
    return events;
  }
  static std::multiset<v1::EventType> TypesOf(const std::vector<v1::EmailEvent>& events) {
    std::multiset<v1::EventType> types;
    for (const v1::EmailEvent& event : events) types.insert(event.type());
    return types;
  }

  const Tenant tenant_{"watch"};
};

TEST_F(Watch, ReceivesWhatHappensAndResumesWhereItStopped) {
  const std::string first = tenant_.SendTo("delivered").id();
  std::string cursor;
  auto events = WatchUntil(v1::EVENT_TYPE_DELIVERED, &cursor);
  for (const v1::EmailEvent& event : events) EXPECT_EQ(event.email_id(), first);
  EXPECT_THAT(TypesOf(events),
              IsSupersetOf({v1::EVENT_TYPE_PROVIDER_ACCEPTED, v1::EVENT_TYPE_DELIVERED}));

  tenant_.AwaitEvent(first, v1::EVENT_TYPE_SENT);
  const std::string second = tenant_.SendTo("bounced").id();
  events = WatchUntil(v1::EVENT_TYPE_BOUNCED, &cursor);
  EXPECT_EQ(events.back().email_id(), second);
  // None of those that were handled before the cursor.
  EXPECT_EQ(TypesOf(events).count(v1::EVENT_TYPE_DELIVERED), 0u);
}

TEST_F(Watch, FromTheBeginningMissesNothing) {
  std::set<std::string> ids;
  for (int i = 0; i < 20; ++i) ids.insert(tenant_.SendTo("delivered").id());
  for (const std::string& id : ids) {
    tenant_.AwaitEvent(id, v1::EVENT_TYPE_SENT);
    tenant_.Await(id, v1::Email::STATE_DELIVERED);
  }
  tenant_.Await(tenant_.SendTo("rejected").id(), v1::Email::STATE_FAILED);
  std::string cursor;
  std::set<std::string> sent, delivered;
  for (const v1::EmailEvent& event : WatchUntil(v1::EVENT_TYPE_FAILED, &cursor)) {
    if (event.type() == v1::EVENT_TYPE_SENT) {
      EXPECT_TRUE(sent.insert(event.email_id()).second) << "twice";
    }
    if (event.type() == v1::EVENT_TYPE_DELIVERED) delivered.insert(event.email_id());
  }
  EXPECT_EQ(sent, ids);
  EXPECT_EQ(delivered, ids);
}

TEST_F(Watch, AForeignCursorIsRefused) {
  client::WatchOptions options;
  options.cursor = "not a cursor";
  EXPECT_THAT(tenant_.api().WatchEmailEvents(options, [](const auto&) { return false; }),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace herald::e2e

#include "client/heraldctl/follow.h"

#include <ostream>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/heraldctl/output.h"
#include "client/heraldctl/timeline.h"

namespace herald::heraldctl {
namespace {

using State = v1::Email;

constexpr absl::Duration kPollInterval = absl::Milliseconds(200);
constexpr size_t kTypeWidth = sizeof("PROVIDER_ACCEPTED") - 1;  // the widest of a usual life

// Prints each event of a growing timeline once. Provider events may appear in the middle.
class GrowingTimeline {
 public:
  explicit GrowingTimeline(Session& session) : session_(session) {}

  void Show(const v1::ListEmailEventsResponse& timeline) {
    for (const v1::EmailEvent& event : timeline.events()) {
      if (!shown_.insert(event.SerializeAsString()).second) continue;
      if (shown_.size() == 1) origin_ = FromProto(event.event_time());
      if (session_.json()) {
        PrintJson(session_.out(), event);
      } else {
        session_.out() << TimelineLine(event, origin_, kTypeWidth) << "\n";
      }
    }
    session_.out().flush();
  }

 private:
  Session& session_;
  std::set<std::string> shown_;
  absl::Time origin_;
};

std::string Describe(const v1::Email& email) {
  std::string text = ShortName("STATE_", v1::Email::State_Name(email.state()));
  if (!email.state_reason().empty()) absl::StrAppend(&text, " (", email.state_reason(), ")");
  return text;
}

}  // namespace

bool HasReached(v1::Email::State state, v1::Email::State wanted) {
  if (state == wanted) return true;
  const bool was_sent = state == State::STATE_DELIVERED || state == State::STATE_BOUNCED ||
                        state == State::STATE_COMPLAINED;
  switch (wanted) {
    case State::STATE_SCHEDULED:
      return true;  // every other state comes after it
    case State::STATE_QUEUED:
      return state == State::STATE_SENDING || state == State::STATE_UNCONFIRMED ||
             state == State::STATE_SENT || was_sent;
    case State::STATE_SENDING:
      return state == State::STATE_UNCONFIRMED || state == State::STATE_SENT || was_sent;
    case State::STATE_SENT:
      return was_sent;
    case State::STATE_DELIVERED:
      return state == State::STATE_COMPLAINED;  // only who received it can complain
    default:
      return false;
  }
}

bool IsSettled(v1::Email::State state) {
  switch (state) {
    case State::STATE_SCHEDULED:
    case State::STATE_QUEUED:
    case State::STATE_SENDING:
    case State::STATE_UNCONFIRMED:
    case State::STATE_SENT:
      return false;
    default:
      return true;
  }
}

absl::Status FollowUntil(Session& session, const client::Client& client,
                         const std::string& email_id, v1::Email::State wanted,
                         absl::Duration patience) {
  v1::GetEmailRequest get;
  get.set_id(email_id);
  v1::ListEmailEventsRequest list;
  list.set_email_id(email_id);
  GrowingTimeline shown(session);
  const absl::Time end = session.now() + patience;
  while (true) {
    // The state first: the timeline read after it holds every event that led to it.
    const auto email = client.GetEmail(get);
    if (!email.ok()) return email.status();
    const auto timeline = client.ListEmailEvents(list);
    if (!timeline.ok()) return timeline.status();
    shown.Show(*timeline);
    if (HasReached(email->state(), wanted)) {
      if (session.json()) PrintJson(session.out(), *email);
      return absl::OkStatus();
    }
    const std::string goal = ShortName("STATE_", v1::Email::State_Name(wanted));
    if (IsSettled(email->state())) {
      return absl::AbortedError(
          absl::StrCat(email_id, " ended as ", Describe(*email), ", not ", goal));
    }
    if (session.now() >= end) {
      return absl::AbortedError(absl::StrCat(email_id, " is ", Describe(*email), " and not yet ",
                                             goal, "; `heraldctl events ", email_id,
                                             "` shows how it goes on"));
    }
    absl::SleepFor(kPollInterval);
  }
}

}  // namespace herald::heraldctl

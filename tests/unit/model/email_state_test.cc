#include "model/email_state.h"

#include <gtest/gtest.h>

namespace herald {
namespace {

TEST(EmailState, LeavesATerminalStateOnlyByRedriveOrEvidence) {
  for (EmailState from : kAllEmailStates) {
    for (EmailState to : kAllEmailStates) {
      if (!IsTerminal(from) || IsTerminal(to)) continue;
      EXPECT_EQ(CanTransition(from, to), from == EmailState::kDead && to == EmailState::kQueued)
          << EmailStateName(from) << " -> " << EmailStateName(to);
    }
  }
}

TEST(EmailState, EvidenceOfAHandOverOutweighsAnEndWithoutIt) {
  for (EmailState from : {EmailState::kFailed, EmailState::kDead, EmailState::kExpired}) {
    for (EmailState to : {EmailState::kSent, EmailState::kDelivered, EmailState::kBounced,
                          EmailState::kComplained}) {
      EXPECT_TRUE(CanTransition(from, to)) << EmailStateName(from) << " -> " << EmailStateName(to);
    }
  }
  for (EmailState from : {EmailState::kSuppressed, EmailState::kCancelled}) {
    for (EmailState to : kAllEmailStates) EXPECT_FALSE(CanTransition(from, to));
  }
}

TEST(EmailState, NeverGoesBackAfterSent) {
  const EmailState rank[] = {EmailState::kSent, EmailState::kDelivered, EmailState::kBounced,
                             EmailState::kComplained};
  for (int i = 0; i < 4; ++i) {
    for (int j = 0; j < 4; ++j) {
      EXPECT_EQ(CanTransition(rank[i], rank[j]), j > i)
          << EmailStateName(rank[i]) << " -> " << EmailStateName(rank[j]);
    }
  }
}

TEST(EmailState, StopsNothingThatHasBegun) {
  for (EmailState stop : {EmailState::kCancelled, EmailState::kSuppressed}) {
    EXPECT_TRUE(CanTransition(EmailState::kScheduled, stop));
    EXPECT_TRUE(CanTransition(EmailState::kQueued, stop));
    EXPECT_FALSE(CanTransition(EmailState::kSending, stop));
    EXPECT_FALSE(CanTransition(EmailState::kUnconfirmed, stop));
    EXPECT_FALSE(CanTransition(EmailState::kSent, stop));
  }
}

}  // namespace
}  // namespace herald

// The state of a contact, and what its owner says of all marketing.

#include "storage/postgres/contact_store.h"
#include "tests/postgres/audience_gate_fixture.h"

namespace herald::storage {
namespace {

using ::testing::ElementsAre;

class ContactGateTest : public AudienceGateTest {
 protected:
  // A contact with kAddress.
  NewContact Contact(absl::optional<ContactState> state) {
    NewContact contact;
    contact.id = contact_ids_.Next(absl::Now());
    contact.email = contact.email_normalised = kAddress;
    contact.state = state;
    return contact;
  }
  ContactState StateOf(const ContactRecord& contact) {
    absl::StatusOr<ContactRecord> now = contacts_.Get(a_, contact.id);
    EXPECT_OK(now);
    return now->state;
  }

  PostgresContactStore contacts_{database_.pool(), keys_};
  ContactIdGenerator contact_ids_{1};
};

TEST_F(ContactGateTest, AContactThatIsUnsubscribedGetsTransactionalMail) {
  Choose(a_, {kAddress, ""}, "tips", true);
  QueueAll();
  ASSERT_OK(contacts_.Upsert(a_, {Contact(ContactState::kUnsubscribed)}));
  EXPECT_THAT(Stops(), ElementsAre("unsubscribe", "unsubscribe", "", ""));
  EXPECT_EQ(AcceptOne(Of("news", b_)).state_reason, "");  // not the other tenant's contact
}

TEST_F(ContactGateTest, AContactThatIsSubscribedAgainOrDeletedStopsNothing) {
  ASSERT_OK_AND_ASSIGN(const ContactRecord contact,
                       contacts_.Create(a_, Contact(ContactState::kUnsubscribed)));
  ContactChange change;
  change.state = ContactState::kSubscribed;
  ASSERT_OK(contacts_.Update(a_, contact.id, change));
  EXPECT_EQ(AcceptOne(Of("news", a_)).state_reason, "");
  change.state = ContactState::kUnsubscribed;
  ASSERT_OK(contacts_.Update(a_, contact.id, change));
  EXPECT_EQ(AcceptOne(Of("news", a_)).state_reason, "unsubscribe");
  ASSERT_OK(contacts_.Delete(a_, contact.id));
  EXPECT_EQ(AcceptOne(Of("news", a_)).state_reason, "");
}

TEST_F(ContactGateTest, AContactFollowsItsOwnerOutOfMarketingAndBack) {
  ASSERT_OK_AND_ASSIGN(const ContactRecord contact, contacts_.Create(a_, Contact(absl::nullopt)));
  UnsubscribeAct act;
  act.tenant = a_;
  act.email = EmailId{1};  // long pruned
  act.address = kAddress;
  act.change.unsubscribed = true;
  ASSERT_OK(preferences_.Unsubscribe(act));
  EXPECT_EQ(StateOf(contact), ContactState::kUnsubscribed);
  act.change.unsubscribed = false;
  ASSERT_OK_AND_ASSIGN(const Preferences back, preferences_.Unsubscribe(act));
  EXPECT_FALSE(back.unsubscribed);
  EXPECT_EQ(StateOf(contact), ContactState::kSubscribed);
  EXPECT_EQ(AcceptOne(Of("news", a_)).state_reason, "");
}

TEST_F(ContactGateTest, LiftingAnUnsubscribeBringsItsContactBack) {
  ASSERT_OK_AND_ASSIGN(const ContactRecord contact, contacts_.Create(a_, Contact(absl::nullopt)));
  Leave(a_, {kAddress, ""});
  Suppress(a_, "manual");
  ASSERT_OK(suppressions_.DeleteSuppression(a_, kAddress, SuppressionKind::kAllMail, audit_));
  EXPECT_EQ(StateOf(contact), ContactState::kUnsubscribed);
  ASSERT_OK(suppressions_.DeleteSuppression(a_, kAddress, SuppressionKind::kMarketing, audit_));
  EXPECT_EQ(StateOf(contact), ContactState::kSubscribed);
  EXPECT_EQ(AcceptOne(Of("news", a_)).state_reason, "");
}

TEST_F(ContactGateTest, ThePreferencesOfAnUnsubscribedContactSayThatItHasLeft) {
  ASSERT_OK_AND_ASSIGN(const ContactRecord contact,
                       contacts_.Create(a_, Contact(ContactState::kUnsubscribed)));
  ASSERT_OK_AND_ASSIGN(const Preferences left, preferences_.GetPreferences(a_, {kAddress, ""}));
  EXPECT_TRUE(left.unsubscribed);
  Leave(a_, {kAddress, ""}, /*unsubscribed=*/false);
  EXPECT_EQ(StateOf(contact), ContactState::kSubscribed);
  EXPECT_EQ(Sql("SELECT count(*) FROM herald.audit_entries WHERE action = 'test/Act'"), "1");
}

}  // namespace
}  // namespace herald::storage

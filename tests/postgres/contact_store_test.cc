#include "storage/postgres/contact_store.h"

#include <gmock/gmock.h>

#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "storage/postgres/segment_store.h"
#include "storage/postgres/transaction.h"
#include "tests/postgres/contact_fixture.h"
#include "tests/support/status_matchers.h"

namespace herald::storage {
namespace {

using support::StatusIs;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ContactStoreTest : public ::testing::Test, protected ContactFixture {
 protected:
  NewContact Anna() {
    NewContact anna = New("Anna@example.com");
    anna.name = "Anna \"the\" Ünique";
    anna.user_id = "u-1";
    anna.locale = "pt-BR";
    anna.time_zone = "Europe/Rome";
    anna.tags = {"beta", "premium"};
    anna.attributes = R"({"age":41,"quote":"\"\\ü"})";
    return anna;
  }
};

TEST_F(ContactStoreTest, ShowsWhatWasCreated) {
  const NewContact anna = Anna();
  ASSERT_OK_AND_ASSIGN(const ContactRecord created, contacts.Create(a.id, anna));
  ASSERT_OK_AND_ASSIGN(const ContactRecord read, contacts.Get(a.id, anna.id));
  for (const ContactRecord& record : {created, read}) {
    EXPECT_EQ(record.id, anna.id);
    EXPECT_EQ(record.email, "Anna@example.com");
    EXPECT_EQ(record.name, anna.name);
    EXPECT_EQ(record.user_id, "u-1");
    EXPECT_EQ(record.locale, "pt-BR");
    EXPECT_EQ(record.time_zone, "Europe/Rome");
    EXPECT_THAT(record.tags, ElementsAre("beta", "premium"));
    EXPECT_EQ(record.attributes, R"({"age": 41, "quote": "\"\\ü"})");
    EXPECT_EQ(record.state, ContactState::kSubscribed);
  }
}

TEST_F(ContactStoreTest, AnAddressIsOneContactPerTenantWhateverItsSpelling) {
  const ContactRecord first = Add(a.id, New("anna@example.com"));
  EXPECT_THAT(contacts.Create(a.id, New("ANNA@example.com")),
              StatusIs(absl::StatusCode::kAlreadyExists));
  const ContactRecord other = Add(b.id, New("anna@example.com"));
  EXPECT_THAT(contacts.FindByEmail(a.id, "anna@example.com"), support::IsOkAndHolds(first.id));
  EXPECT_THAT(contacts.FindByEmail(b.id, "anna@example.com"), support::IsOkAndHolds(other.id));
}

TEST_F(ContactStoreTest, NeitherAddressNorNameIsReadableInTheDatabase) {
  Add(a.id, Anna());
  const std::string row = database.Psql("SELECT c::text FROM herald.contacts c");
  const std::string bytes = database.Psql(
      "SELECT encode(email_sealed, 'escape') || encode(name_sealed, 'escape') FROM "
      "herald.contacts");
  for (const char* secret : {"Anna", "anna", "example", "nique"}) {
    EXPECT_FALSE(absl::StrContains(row, secret)) << secret;
    EXPECT_FALSE(absl::StrContains(bytes, secret)) << secret;
  }
}

TEST_F(ContactStoreTest, ASealedAddressMovedToAnotherRowDoesNotOpen) {
  const ContactRecord anna = Add(a.id, New("anna@example.com"));
  const ContactRecord berta = Add(a.id, New("berta@example.com"));
  database.Psql(
      absl::StrCat("UPDATE herald.contacts SET email_sealed = (SELECT email_sealed FROM "
                   "herald.contacts WHERE contact_id = ",
                   anna.id.value, ") WHERE contact_id = ", berta.id.value));
  EXPECT_THAT(contacts.Get(a.id, berta.id), StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(ContactStoreTest, AnUpdateChangesWhatItNames) {
  const ContactRecord before = Add(a.id, Anna());
  ContactChange change;
  change.user_id = "";
  change.tags = std::vector<std::string>{};
  change.attributes = R"({"plan":"pro"})";
  change.state = ContactState::kUnsubscribed;
  ASSERT_OK_AND_ASSIGN(const ContactRecord after, contacts.Update(a.id, before.id, change));
  EXPECT_EQ(after.user_id, "");
  EXPECT_THAT(after.tags, IsEmpty());
  EXPECT_EQ(after.attributes, R"({"plan": "pro"})");
  EXPECT_EQ(after.state, ContactState::kUnsubscribed);
  EXPECT_EQ(after.name, before.name);
  EXPECT_EQ(after.email, before.email);
  EXPECT_EQ(after.locale, before.locale);
}

TEST_F(ContactStoreTest, ANameIsChangedAndTakenAway) {
  const ContactId id = Add(a.id, Anna()).id;
  ContactChange change;
  change.name = "Anne";
  EXPECT_EQ(contacts.Update(a.id, id, change)->name, "Anne");
  change.name = "";
  EXPECT_EQ(contacts.Update(a.id, id, change)->name, "");
  EXPECT_EQ(contacts.Get(a.id, id)->name, "");
}

TEST_F(ContactStoreTest, ANewAddressKeepsTheNameAndFreesTheOldOne) {
  const ContactId id = Add(a.id, Anna()).id;
  ContactChange change;
  change.address = {"New@example.com", "new@example.com"};
  ASSERT_OK_AND_ASSIGN(const ContactRecord moved, contacts.Update(a.id, id, change));
  EXPECT_EQ(moved.email, "New@example.com");
  EXPECT_EQ(moved.name, Anna().name);
  EXPECT_THAT(contacts.FindByEmail(a.id, "anna@example.com"),
              StatusIs(absl::StatusCode::kNotFound));
  const ContactId second = Add(a.id, New("anna@example.com")).id;
  EXPECT_THAT(contacts.Update(a.id, second, change), StatusIs(absl::StatusCode::kAlreadyExists));
}

TEST_F(ContactStoreTest, ADeletedContactLeavesItsIdAloneBehind) {
  const ContactId id = Add(a.id, Anna()).id;
  ASSERT_OK(contacts.Delete(a.id, id));
  EXPECT_THAT(contacts.Delete(a.id, id), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(contacts.Get(a.id, id), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(contacts.Update(a.id, id, {}), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(contacts.FindByEmail(a.id, "anna@example.com"),
              StatusIs(absl::StatusCode::kNotFound));
  EXPECT_EQ(database.Psql("SELECT contact_id, address_hash IS NULL, email_sealed IS NULL, "
                          "name_sealed IS NULL, user_id, tags, attributes FROM herald.contacts"),
            absl::StrCat(id.value, "|t|t|t||{}|{}"));
  EXPECT_NE(Add(a.id, Anna()).id, id);
}

TEST_F(ContactStoreTest, NoFilterFindsTheDeleted) {
  const ContactId id = Add(a.id, Anna()).id;
  const ContactId kept = Add(a.id, New("kept@example.com")).id;
  ASSERT_OK(contacts.Delete(a.id, id));
  for (const char* filter : {"", "NOT tags:premium", "NOT attributes.age = 41", "user_id = \"\"",
                             "NOT (tags:premium AND NOT state = SUBSCRIBED)"}) {
    EXPECT_THAT(FindAll(a.id, Filter(filter)), ElementsAre(kept)) << filter;
    EXPECT_EQ(contacts.Count(a.id, Filter(filter), 5)->contacts, 1) << filter;
  }
}

TEST_F(ContactStoreTest, AnotherTenantsContactIsNotThere) {
  const ContactId id = Add(a.id, Anna()).id;
  ContactChange change;
  change.name = "Mallory";
  EXPECT_THAT(contacts.Get(b.id, id), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(contacts.Update(b.id, id, change), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(contacts.Delete(b.id, id), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(*contacts.Load(b.id, {id}), IsEmpty());
  for (const char* filter : {"", "tags:premium", "NOT tags:gold", "tags:premium OR NOT tags:gold",
                             "email = \"anna@example.com\""}) {
    EXPECT_THAT(FindAll(b.id, Filter(filter)), IsEmpty()) << filter;
    EXPECT_EQ(contacts.Count(b.id, Filter(filter), 5)->contacts, 0) << filter;
    EXPECT_THAT(FindAll(a.id, Filter(filter)), ElementsAre(id)) << filter;
  }
}

TEST_F(ContactStoreTest, AnUpsertCreatesAndUpdates) {
  const ContactRecord before = Add(a.id, Anna());
  NewContact known = New("ANNA@example.com");
  known.user_id = "u-2";
  known.attributes = R"({"age":42,"plan":"pro"})";
  const NewContact fresh = New("berta@example.com");
  ASSERT_OK_AND_ASSIGN(const UpsertCounts counts, contacts.Upsert(a.id, {known, fresh}));
  EXPECT_EQ(counts.created, 1);
  EXPECT_EQ(counts.updated, 1);
  ASSERT_OK_AND_ASSIGN(const ContactRecord after, contacts.Get(a.id, before.id));
  EXPECT_EQ(after.email, "ANNA@example.com");
  EXPECT_EQ(after.name, before.name);
  EXPECT_EQ(after.user_id, "u-2");
  EXPECT_EQ(after.locale, before.locale);
  EXPECT_EQ(after.tags, before.tags);
  EXPECT_EQ(after.attributes, R"({"age": 42, "plan": "pro", "quote": "\"\\ü"})");
  EXPECT_EQ(contacts.Get(a.id, fresh.id)->email, "berta@example.com");
}

TEST_F(ContactStoreTest, AnUpsertThatSaysNoStateLeavesTheUnsubscribedAlone) {
  NewContact left = New("left@example.com");
  left.state = ContactState::kUnsubscribed;
  const ContactId id = Add(a.id, left).id;
  left.state.reset();
  NewContact other = New("other@example.com");
  other.state = ContactState::kUnsubscribed;
  ASSERT_OK(contacts.Upsert(a.id, {left, other, New("third@example.com")}));
  EXPECT_EQ(contacts.Get(a.id, id)->state, ContactState::kUnsubscribed);
  EXPECT_EQ(contacts.Get(a.id, other.id)->state, ContactState::kUnsubscribed);
  left.state = ContactState::kSubscribed;
  ASSERT_OK(contacts.Upsert(a.id, {left}));
  EXPECT_EQ(contacts.Get(a.id, id)->state, ContactState::kSubscribed);
}

TEST_F(ContactStoreTest, AnUpsertOfMoreThanAContactMayHoldIsRefusedWhole) {
  NewContact anna = Anna();
  ASSERT_OK(contacts.Upsert(a.id, {anna}));
  absl::Status status;
  for (int i = 0; i < 6 && status.ok(); ++i) {
    // Hard to compress, so that the bound holds for what is kept as well.
    anna.attributes = absl::StrCat("{\"a", i, "\":\"", std::string(15000, 'x'), "\"}");
    status = contacts.Upsert(a.id, {anna, New("other@example.com")}).status();
  }
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(ContactStoreTest, ConcurrentImportsOfTheSameAddressesDoNotDeadlock) {
  std::vector<std::thread> importers;
  for (int t = 0; t < 3; ++t) {
    importers.emplace_back([this, t] {
      for (int round = 0; round < 5; ++round) {
        std::vector<NewContact> rows;
        for (int i = 0; i < 200; ++i) {
          rows.push_back(New(absl::StrCat("u", t % 2 == 0 ? i : 199 - i, "@example.com")));
          // Of the contacts that some say a state of, others say none.
          if (i % 2 == 0) rows.back().state = ContactState::kUnsubscribed;
        }
        EXPECT_OK(contacts.Upsert(a.id, rows));
      }
    });
  }
  for (std::thread& importer : importers) importer.join();
  EXPECT_EQ(FindAll(a.id, {}).size(), 200u);
  EXPECT_EQ(database.Deadlocks(), 0);
}

TEST_F(ContactStoreTest, FindsAPageAtATimeInBothOrders) {
  std::vector<ContactId> all;
  for (int i = 0; i < 5; ++i) all.push_back(Add(a.id, New(absl::StrCat(i, "@example.com"))).id);
  ContactQuery query;
  query.limit = 2;
  EXPECT_THAT(*contacts.Find(a.id, query), ElementsAre(all[4], all[3]));
  query.after = all[3];
  EXPECT_THAT(*contacts.Find(a.id, query), ElementsAre(all[2], all[1]));
  query.order = ContactQuery::Order::kOldestFirst;
  EXPECT_THAT(*contacts.Find(a.id, query), ElementsAre(all[4]));
}

TEST_F(ContactStoreTest, FindsByAddressInAnySpelling) {
  const ContactId id = Add(a.id, New("Anna@example.com")).id;
  Add(a.id, New("berta@example.com"));
  EXPECT_THAT(FindAll(a.id, Filter("email = \"ANNA@Example.com\"")), ElementsAre(id));
}

TEST_F(ContactStoreTest, AMoveToAnErasedTenantIsToldApart) {
  Add(a.id, Anna());
  database.Psql(absl::StrCat("DELETE FROM herald.tenant_keys WHERE tenant_id = ", a.id.value));
  keys.Forget(a.id);
  EXPECT_THAT(contacts.Create(a.id, New("x@example.com")), StatusIs(absl::StatusCode::kNotFound));
}

class SegmentStoreTest : public ::testing::Test, protected TenantFixture {
 protected:
  PostgresSegmentStore segments{database.pool()};
};

TEST_F(SegmentStoreTest, LivesAndEndsWithinItsTenant) {
  SegmentRow row;
  row.key = "pros";
  row.display_name = "Pros";
  row.filter = "tags:premium";
  ASSERT_OK(segments.CreateSegment(a.id, row));
  EXPECT_THAT(segments.CreateSegment(a.id, row), StatusIs(absl::StatusCode::kAlreadyExists));
  EXPECT_THAT(segments.GetSegment(b.id, "pros"), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(segments.UpdateSegment(b.id, "pros", {}), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(segments.DeleteSegment(b.id, "pros"), StatusIs(absl::StatusCode::kNotFound));
  SegmentChange change;
  change.filter = "tags:gold";
  ASSERT_OK_AND_ASSIGN(const SegmentRow changed, segments.UpdateSegment(a.id, "pros", change));
  EXPECT_EQ(changed.filter, "tags:gold");
  EXPECT_EQ(changed.display_name, "Pros");
  row.key = "aces";
  ASSERT_OK(segments.CreateSegment(a.id, row));
  ASSERT_OK_AND_ASSIGN(const std::vector<SegmentRow> listed, segments.ListSegments(a.id, 5, ""));
  ASSERT_EQ(listed.size(), 2u);
  EXPECT_EQ(listed[0].key, "aces");
  EXPECT_EQ(segments.ListSegments(a.id, 5, "aces")->size(), 1u);
  ASSERT_OK(segments.DeleteSegment(a.id, "pros"));
  EXPECT_THAT(segments.GetSegment(a.id, "pros"), StatusIs(absl::StatusCode::kNotFound));
}

}  // namespace
}  // namespace herald::storage

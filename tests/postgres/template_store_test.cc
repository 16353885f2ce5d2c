#include "storage/postgres/template_store.h"

#include <gtest/gtest.h>

#include <thread>

#include "storage/postgres/category_store.h"
#include "storage/postgres/segment_store.h"
#include "tests/postgres/gated_pool.h"
#include "tests/postgres/tenant_fixture.h"
#include "tests/support/status_matchers.h"

namespace herald::storage {
namespace {

using support::StatusIs;

class TemplateStoreTest : public ::testing::Test, protected TenantFixture {
 protected:
  static TemplateVersionRow Version(const std::string& key, const std::string& subject) {
    TemplateVersionRow row;
    row.template_key = key;
    row.subject = subject;
    row.html = "<p>{{name}} \\ \" ' é</p>";
    row.text = "{{name}}";
    row.variables = R"([{"name":"name"}])";
    return row;
  }
  absl::StatusOr<TemplateRow> Create(TenantId tenant, const std::string& key,
                                     bool publish = false) {
    TemplateRow row;
    row.key = key;
    row.display_name = "Name of " + key;
    return templates.CreateTemplate(tenant, row, Version(key, "first"), publish, audit_);
  }

  const AuditEntry audit_{absl::nullopt, "operator", "changed", "", {}};
};

TEST_F(TemplateStoreTest, ANewTemplateHasVersionOne) {
  ASSERT_OK_AND_ASSIGN(const TemplateRow created, Create(a.id, "welcome"));
  EXPECT_EQ(created.key, "welcome");
  EXPECT_EQ(created.display_name, "Name of welcome");
  EXPECT_EQ(created.latest_version, 1);
  EXPECT_EQ(created.published_version, 0);
  ASSERT_OK_AND_ASSIGN(const TemplateVersionRow version, templates.GetVersion(a.id, "welcome", 1));
  EXPECT_EQ(version.subject, "first");
  EXPECT_EQ(version.html, "<p>{{name}} \\ \" ' é</p>");
  EXPECT_EQ(version.text, "{{name}}");
  EXPECT_EQ(version.variables, R"([{"name":"name"}])");
}

TEST_F(TemplateStoreTest, AKeyIsTakenOncePerTenant) {
  ASSERT_OK(Create(a.id, "welcome", true));
  EXPECT_THAT(Create(a.id, "welcome"), StatusIs(absl::StatusCode::kAlreadyExists));
  EXPECT_OK(Create(b.id, "welcome"));
}

TEST_F(TemplateStoreTest, TenantsSeeTheirOwnTemplatesOnly) {
  ASSERT_OK(Create(a.id, "welcome"));
  const auto no_template = StatusIs(absl::StatusCode::kNotFound, "template");
  EXPECT_THAT(templates.GetTemplate(b.id, "welcome"), no_template);
  EXPECT_THAT(templates.GetVersion(b.id, "welcome", 1), no_template);
  EXPECT_THAT(templates.Publish(b.id, "welcome", 1, audit_), no_template);
  EXPECT_THAT(templates.DeleteTemplate(b.id, "welcome", audit_), no_template);
  EXPECT_THAT(templates.CreateVersion(b.id, Version("welcome", "x"), false, audit_), no_template);
}

TEST_F(TemplateStoreTest, PublishesAndRollsBack) {
  ASSERT_OK(Create(a.id, "welcome", true));
  ASSERT_OK_AND_ASSIGN(const TemplateVersionRow second,
                       templates.CreateVersion(a.id, Version("welcome", "second"), true, audit_));
  EXPECT_EQ(second.version, 2);
  ASSERT_OK_AND_ASSIGN(TemplateRow row, templates.GetTemplate(a.id, "welcome"));
  EXPECT_EQ(row.published_version, 2);
  ASSERT_OK_AND_ASSIGN(row, templates.Publish(a.id, "welcome", 1, audit_));
  EXPECT_EQ(row.published_version, 1);
  EXPECT_EQ(row.latest_version, 2);
}

TEST_F(TemplateStoreTest, EveryChangeIsAuditedAndNothingElse) {
  ASSERT_OK(Create(a.id, "welcome"));
  ASSERT_OK(templates.CreateVersion(a.id, Version("welcome", "second"), false, audit_));
  ASSERT_OK(templates.Publish(a.id, "welcome", 2, audit_));
  EXPECT_FALSE(Create(a.id, "welcome").ok());
  EXPECT_FALSE(templates.Publish(a.id, "welcome", 9, audit_).ok());
  EXPECT_FALSE(templates.CreateVersion(a.id, Version("gone", "x"), true, audit_).ok());
  ASSERT_OK(templates.DeleteTemplate(a.id, "welcome", audit_));
  EXPECT_FALSE(templates.DeleteTemplate(a.id, "welcome", audit_).ok());
  EXPECT_EQ(database.Psql("SELECT string_agg(target, ' ' ORDER BY audit_id) FROM "
                          "herald.audit_entries WHERE action = 'changed' AND tenant_id = " +
                          std::to_string(a.id.value)),
            "welcome welcome/2 welcome/2 welcome");
}

TEST_F(TemplateStoreTest, AnUnpublishedVersionLeavesThePublishedOneAlone) {
  ASSERT_OK(Create(a.id, "welcome", true));
  ASSERT_OK(templates.CreateVersion(a.id, Version("welcome", "draft"), false, audit_));
  ASSERT_OK_AND_ASSIGN(const TemplateRow row, templates.GetTemplate(a.id, "welcome"));
  EXPECT_EQ(row.published_version, 1);
}

TEST_F(TemplateStoreTest, SaysWhetherTemplateOrVersionIsMissing) {
  ASSERT_OK(Create(a.id, "welcome"));
  EXPECT_THAT(templates.GetVersion(a.id, "welcome", 2),
              StatusIs(absl::StatusCode::kNotFound, "version"));
  EXPECT_THAT(templates.Publish(a.id, "welcome", 2, audit_),
              StatusIs(absl::StatusCode::kNotFound, "version"));
  EXPECT_THAT(templates.GetVersion(a.id, "other", 1),
              StatusIs(absl::StatusCode::kNotFound, "template"));
}

TEST_F(TemplateStoreTest, ADeletedTemplateStillRendersAndItsKeyGoesOnCounting) {
  ASSERT_OK(Create(a.id, "welcome", true));
  ASSERT_OK(templates.DeleteTemplate(a.id, "welcome", audit_));
  EXPECT_THAT(templates.GetTemplate(a.id, "welcome"), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(templates.DeleteTemplate(a.id, "welcome", audit_),
              StatusIs(absl::StatusCode::kNotFound));
  ASSERT_OK_AND_ASSIGN(const TemplateVersionRow old, templates.GetVersion(a.id, "welcome", 1));
  EXPECT_EQ(old.subject, "first");

  ASSERT_OK_AND_ASSIGN(const TemplateRow again, Create(a.id, "welcome"));
  EXPECT_EQ(again.latest_version, 2);
  EXPECT_EQ(again.published_version, 0);
  EXPECT_OK(templates.GetVersion(a.id, "welcome", 2));
}

TEST_F(TemplateStoreTest, ADeletedVersionIsNotPublishedOrListedWhenItsKeyIsUsedAgain) {
  ASSERT_OK_AND_ASSIGN(const TemplateRow created, Create(a.id, "welcome", true));
  EXPECT_EQ(created.first_version, 1);
  ASSERT_OK(templates.DeleteTemplate(a.id, "welcome", audit_));
  ASSERT_OK_AND_ASSIGN(const TemplateRow again, Create(a.id, "welcome", true));
  EXPECT_EQ(again.first_version, 2);
  EXPECT_EQ(again.published_version, 2);
  EXPECT_THAT(templates.Publish(a.id, "welcome", 1, audit_),
              StatusIs(absl::StatusCode::kNotFound, "version"));
  EXPECT_OK(templates.Publish(a.id, "welcome", 2, audit_));
  ASSERT_OK_AND_ASSIGN(const std::vector<TemplateVersionRow> listed,
                       templates.ListVersions(a.id, "welcome", 10, 0));
  ASSERT_EQ(listed.size(), 1u);
  EXPECT_EQ(listed[0].version, 2);
  EXPECT_OK(templates.GetVersion(a.id, "welcome", 1));  // what was accepted with it renders
}

TEST_F(TemplateStoreTest, ListsByKeyWithoutTheDeleted) {
  for (const char* key : {"c", "a", "b", "d"}) ASSERT_OK(Create(a.id, key));
  ASSERT_OK(templates.DeleteTemplate(a.id, "c", audit_));
  ASSERT_OK_AND_ASSIGN(const std::vector<TemplateRow> rows, templates.ListTemplates(a.id, 2, "a"));
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].key, "b");
  EXPECT_EQ(rows[1].key, "d");
}

TEST_F(TemplateStoreTest, ListsVersionsNewestFirst) {
  ASSERT_OK(Create(a.id, "welcome"));
  for (const char* subject : {"second", "third"}) {
    ASSERT_OK(templates.CreateVersion(a.id, Version("welcome", subject), false, audit_));
  }
  ASSERT_OK_AND_ASSIGN(const std::vector<TemplateVersionRow> newest,
                       templates.ListVersions(a.id, "welcome", 2, 0));
  ASSERT_EQ(newest.size(), 2u);
  EXPECT_EQ(newest[0].subject, "third");
  ASSERT_OK_AND_ASSIGN(const std::vector<TemplateVersionRow> older,
                       templates.ListVersions(a.id, "welcome", 2, newest[1].version));
  ASSERT_EQ(older.size(), 1u);
  EXPECT_EQ(older[0].version, 1);
}

TEST_F(TemplateStoreTest, ConcurrentVersionsGetDistinctNumbers) {
  ASSERT_OK(Create(a.id, "welcome"));
  std::vector<std::thread> writers;
  for (int i = 0; i < 4; ++i) {
    writers.emplace_back([&] {
      for (int n = 0; n < 5; ++n) {
        EXPECT_OK(templates.CreateVersion(a.id, Version("welcome", "x"), true, audit_));
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  ASSERT_OK_AND_ASSIGN(const TemplateRow row, templates.GetTemplate(a.id, "welcome"));
  EXPECT_EQ(row.latest_version, 21);
  EXPECT_EQ(row.published_version, 21);
}

// Of segments and categories, too: the caller is told that a repetition finds out.
TEST_F(TemplateStoreTest, AChangeWhoseCommitIsInDoubtIsUnavailable) {
  GatedPool gated(database);
  const auto unavailable = StatusIs(absl::StatusCode::kUnavailable);
  ASSERT_OK(Create(a.id, "welcome"));
  PostgresTemplateStore store(gated.pool());
  gated.LoseTheReplyToCommit();
  EXPECT_THAT(store.Publish(a.id, "welcome", 1, audit_), unavailable);
  ASSERT_OK_AND_ASSIGN(const TemplateRow published, store.GetTemplate(a.id, "welcome"));
  EXPECT_EQ(published.published_version, 1);
  gated.LoseTheReplyToCommit();
  EXPECT_THAT(store.DeleteTemplate(a.id, "welcome", audit_), unavailable);
  PostgresSegmentStore segments(gated.pool());
  gated.LoseTheReplyToCommit();
  EXPECT_THAT(segments.CreateSegment(a.id, {"vip", "VIP", "tags:vip", {}, {}}), unavailable);
  EXPECT_THAT(segments.CreateSegment(a.id, {"vip", "VIP", "tags:vip", {}, {}}),
              StatusIs(absl::StatusCode::kAlreadyExists));
  PostgresCategoryStore categories(gated.pool());
  Category category;
  category.key = "news";
  gated.LoseTheReplyToCommit();
  EXPECT_THAT(categories.CreateCategory(a.id, category), unavailable);
  EXPECT_THAT(categories.CreateCategory(a.id, category),
              StatusIs(absl::StatusCode::kAlreadyExists));
}

}  // namespace
}  // namespace herald::storage

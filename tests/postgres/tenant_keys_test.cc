#include "storage/postgres/tenant_keys.h"

#include <gtest/gtest.h>

#include <cstdio>

#include "tests/postgres/tenant_fixture.h"
#include "tests/support/status_matchers.h"

namespace herald::storage {
namespace {

using support::IsOkAndHolds;
using support::StatusIs;

class TenantKeysTest : public ::testing::Test, protected TenantFixture {};

TEST_F(TenantKeysTest, AnotherProcessOpensWhatOneSealed) {
  ASSERT_OK_AND_ASSIGN(const auto here, keys.For(a.id));
  TenantKeys elsewhere(database.pool(), master);
  ASSERT_OK_AND_ASSIGN(const auto there, elsewhere.For(a.id));
  EXPECT_THAT(there->Open("recipient", 1, here->Seal("recipient", 1, "text")),
              IsOkAndHolds(std::string("text")));
  EXPECT_EQ(there->LookupHash("x"), here->LookupHash("x"));
}

TEST_F(TenantKeysTest, TenantsHaveKeysOfTheirOwn) {
  ASSERT_OK_AND_ASSIGN(const auto of_a, keys.For(a.id));
  ASSERT_OK_AND_ASSIGN(const auto of_b, keys.For(b.id));
  EXPECT_THAT(of_b->Open("recipient", 1, of_a->Seal("recipient", 1, "text")),
              StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_NE(of_a->LookupHash("x"), of_b->LookupHash("x"));
}

TEST_F(TenantKeysTest, AnErasedTenantIsForgottenWithinAMinute) {
  ASSERT_OK(keys.For(a.id));
  database.Psql("DELETE FROM herald.tenant_keys");
  now += absl::Seconds(59);
  EXPECT_OK(keys.For(a.id));
  now += absl::Seconds(1);
  EXPECT_THAT(keys.For(a.id), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(TenantKeysTest, WhatIsKnownServesWhileKeysCannotBeLoaded) {
  ASSERT_OK(keys.For(a.id));
  database.Psql("ALTER TABLE herald.tenant_keys RENAME TO away");
  now += absl::Seconds(60);
  EXPECT_OK(keys.For(a.id));
  EXPECT_FALSE(keys.For(b.id).ok()) << "they were never known";
  database.Psql("ALTER TABLE herald.away RENAME TO tenant_keys");
  database.Psql("DELETE FROM herald.tenant_keys");
  now += absl::Seconds(4);
  EXPECT_OK(keys.For(a.id)) << "not asked for again for so long";
  now += absl::Seconds(1);
  EXPECT_THAT(keys.For(a.id), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(TenantKeysTest, ManyTenantsTogetherWaitOnceForAPoolThatIsBusy) {
  constexpr int kTenants = 50;
  constexpr absl::Duration kWait = absl::Milliseconds(200);
  ConnectionPool pool({.dsn = database.dsn(), .max_connections = 1, .acquire_timeout = kWait});
  TenantKeys cached(pool, master, [this] { return now; });
  std::vector<TenantId> ids;
  for (int i = 0; i < kTenants; ++i) {
    ids.push_back(NewTenant("t" + std::to_string(i)).id);
    ASSERT_OK(cached.For(ids.back()));
  }
  {
    const auto held = pool.Acquire();
    ASSERT_OK(held);
    now += absl::Seconds(60);
    const absl::Time start = absl::Now();
    for (const TenantId id : ids) EXPECT_OK(cached.For(id));
    EXPECT_LT(absl::Now() - start, kTenants * kWait / 5);
  }
  database.Psql("DELETE FROM herald.tenant_keys");
  now += absl::Seconds(5);
  for (const TenantId id : ids) {
    EXPECT_THAT(cached.For(id), StatusIs(absl::StatusCode::kNotFound));
  }
}

TEST_F(TenantKeysTest, KeysThatDoNotUnwrapLetNobodyElsesGrowOld) {
  ASSERT_OK(keys.For(a.id));
  ASSERT_OK(keys.For(b.id));
  database.Psql("DELETE FROM herald.tenant_keys WHERE tenant_id = " + std::to_string(b.id.value));
  database.Psql("UPDATE herald.tenant_keys SET master_key_id = 'gone'");
  now += absl::Seconds(60);
  EXPECT_OK(keys.For(a.id)) << "what is known serves";
  EXPECT_THAT(keys.For(b.id), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(TenantKeysTest, ForgetLoadsAgain) {
  ASSERT_OK(keys.For(a.id));
  database.Psql("DELETE FROM herald.tenant_keys");
  keys.Forget(a.id);
  EXPECT_THAT(keys.For(a.id), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(TenantKeysTest, AKeyRowMovedToAnotherTenantDoesNotUnwrap) {
  database.Psql(
      "UPDATE herald.tenant_keys k SET wrapped = o.wrapped FROM herald.tenant_keys o "
      "WHERE k.key_id = o.key_id AND k.tenant_id <> o.tenant_id");
  EXPECT_THAT(keys.For(a.id), StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(TenantKeysTest, AfterANewMasterKeyOldTenantsOpenAndNewOnesUseIt) {
  ASSERT_OK_AND_ASSIGN(const auto before, keys.For(a.id));
  const std::string sealed = before->Seal("recipient", 1, "text");
  const MasterKeys rotated = TestMasterKeys(true);
  TenantKeys keys_after(database.pool(), rotated);
  ASSERT_OK_AND_ASSIGN(const auto after, keys_after.For(a.id));
  EXPECT_THAT(after->Open("recipient", 1, sealed), IsOkAndHolds(std::string("text")));

  PostgresTenantStore store(database.pool(), keys_after);
  Tenant tenant;
  tenant.slug = "c";
  ASSERT_OK_AND_ASSIGN(tenant, store.CreateTenant(tenant, {}));
  EXPECT_EQ(
      database.Psql("SELECT DISTINCT master_key_id FROM herald.tenant_keys WHERE tenant_id = " +
                    std::to_string(tenant.id.value)),
      "second");
  EXPECT_THAT(keys.For(tenant.id), StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_F(TenantKeysTest, ANewSealingKeySealsAndTheOldOneStillOpens) {
  ASSERT_OK_AND_ASSIGN(const auto before, keys.For(a.id));
  const std::string old = before->Seal("recipient", 1, "text");
  const WrappedKey added = master.Wrap(SecretKey::Random(), std::to_string(a.id.value) + "|3|1");
  std::string hex;
  for (const char c : added.bytes) {
    char two[3];
    std::snprintf(two, sizeof(two), "%02x", static_cast<unsigned char>(c));
    hex += two;
  }
  database.Psql("INSERT INTO herald.tenant_keys VALUES (" + std::to_string(a.id.value) +
                ", 3, 1, 'first', '\\x" + hex + "')");
  keys.Forget(a.id);
  ASSERT_OK_AND_ASSIGN(const auto after, keys.For(a.id));
  EXPECT_THAT(after->Open("recipient", 1, old), IsOkAndHolds(std::string("text")));
  EXPECT_THAT(before->Open("recipient", 1, after->Seal("recipient", 1, "text")),
              StatusIs(absl::StatusCode::kNotFound));
}

}  // namespace
}  // namespace herald::storage

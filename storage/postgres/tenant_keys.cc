#include "storage/postgres/tenant_keys.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "storage/postgres/transaction.h"

namespace herald::storage {
namespace {

constexpr absl::Duration kKeep = absl::Minutes(1);
constexpr absl::Duration kAskAgain = absl::Seconds(5);  // when they could not be loaded again
constexpr int kSealingKeyId = 1;
constexpr int kLookupKeyId = 2;
constexpr TenantId kService{0};  // tenants begin at 1

// The newest sealing key first: it seals.
constexpr NamedQuery kLoadKeys{"load_tenant_keys", R"sql(
SELECT key_id, purpose, master_key_id, wrapped
FROM herald.tenant_keys WHERE tenant_id = $1
ORDER BY key_id DESC
)sql"};

constexpr NamedQuery kInsertKey{"insert_tenant_key", R"sql(
INSERT INTO herald.tenant_keys (tenant_id, key_id, purpose, master_key_id, wrapped)
VALUES ($1, $2, $3, $4, $5::bytea)
)sql"};

std::string Place(TenantId tenant, int key_id, KeyPurpose purpose) {
  return absl::StrCat(tenant.value, "|", key_id, "|", static_cast<int>(purpose));
}

struct StoredKey {
  int id = 0;
  KeyPurpose purpose = KeyPurpose::kSealing;
  WrappedKey wrapped;
};

absl::StatusOr<std::vector<StoredKey>> ReadKeys(ConnectionPool& pool, TenantId tenant) {
  return RunTransaction(
      pool, {.role = DatabaseRole::kEngine, .read_only = true, .name = "load_tenant_keys"},
      [&](Transaction& transaction) -> absl::StatusOr<std::vector<StoredKey>> {
        std::vector<StoredKey> keys;
        for (const auto& row : transaction.Exec(kLoadKeys, tenant)) {
          keys.push_back({IntOf(row[0]),
                          static_cast<KeyPurpose>(IntOf(row[1])),
                          {TextOf(row[2]), BytesOf(row[3])}});
        }
        return keys;
      });
}

}  // namespace

TenantKeys::TenantKeys(ConnectionPool& pool, const MasterKeys& master, Clock clock)
    : pool_(pool), master_(master), clock_(std::move(clock)) {}

absl::StatusOr<std::shared_ptr<const TenantCipher>> TenantKeys::For(TenantId tenant) {
  const absl::Time now = clock_();
  {
    absl::ReaderMutexLock lock(&mu_);
    const auto found = cache_.find(tenant);
    const bool serves =
        found != cache_.end() && (now < ask_again_ || now - found->second.load_time < kKeep);
    if (serves) return found->second.cipher;
  }
  absl::StatusOr<std::shared_ptr<const TenantCipher>> cipher = Load(tenant);
  absl::MutexLock lock(&mu_);
  if (cipher.ok()) {
    cache_[tenant] = {*cipher, now};
    return cipher;
  }
  if (absl::IsNotFound(cipher.status()) || absl::IsDataLoss(cipher.status())) {
    cache_.erase(tenant);
    return cipher;
  }
  const absl::Time again = clock_() + kAskAgain;  // the attempt took its time
  // The database does not answer, whosever keys it is asked for: nobody else waits for it as well.
  if (!absl::IsFailedPrecondition(cipher.status())) ask_again_ = again;
  const auto known = cache_.find(tenant);
  if (known == cache_.end()) return cipher;
  // Keys are only ever added, or erased with their tenant: what is known opens what it opened.
  known->second.load_time = again - kKeep;
  return known->second.cipher;
}

void TenantKeys::Forget(TenantId tenant) {
  absl::MutexLock lock(&mu_);
  cache_.erase(tenant);
}

absl::StatusOr<std::shared_ptr<const TenantCipher>> TenantKeys::Load(TenantId tenant) {
  absl::StatusOr<std::vector<StoredKey>> stored = ReadKeys(pool_, tenant);
  if (!stored.ok()) return stored.status();
  std::vector<SealingKey> sealing;
  std::vector<SecretKey> lookup;
  for (const StoredKey& key : *stored) {
    absl::StatusOr<SecretKey> secret =
        master_.Unwrap(key.wrapped, Place(tenant, key.id, key.purpose));
    if (!secret.ok()) return secret.status();
    if (key.purpose == KeyPurpose::kSealing) {
      sealing.push_back({static_cast<uint32_t>(key.id), *secret});
    } else {
      lookup.push_back(*secret);
    }
  }
  if (sealing.empty() || lookup.empty()) return absl::NotFoundError("the tenant has no keys");
  return std::make_shared<const TenantCipher>(tenant, Sealer(std::move(sealing)),
                                              HmacSha256(lookup.front().bytes()));
}

absl::StatusOr<std::shared_ptr<const TenantCipher>> TenantKeys::ForService() {
  absl::StatusOr<std::shared_ptr<const TenantCipher>> cipher = For(kService);
  if (!absl::IsNotFound(cipher.status())) return cipher;
  const absl::Status created =
      RunTransaction(pool_, {.role = DatabaseRole::kEngine, .name = "create_service_keys"},
                     [this](Transaction& transaction) -> absl::Status {
                       Create(transaction, kService);
                       return absl::OkStatus();
                     });
  // Another replica may have been first, or the answer to our COMMIT was lost.
  if (!created.ok() && !absl::IsAlreadyExists(created) && !IsInDoubt(created)) return created;
  return For(kService);
}

absl::StatusOr<int64_t> TenantKeys::MarkOf(absl::string_view normalised_address) {
  const absl::StatusOr<std::shared_ptr<const TenantCipher>> cipher = ForService();
  if (!cipher.ok()) return cipher.status();
  const std::string hash = (*cipher)->LookupHash(normalised_address);
  uint64_t mark = 0;
  for (size_t i = 0; i < sizeof(mark); ++i) mark = mark << 8 | static_cast<unsigned char>(hash[i]);
  return static_cast<int64_t>(mark);
}

void TenantKeys::Create(Transaction& transaction, TenantId tenant) const {
  const std::pair<int, KeyPurpose> keys[] = {{kSealingKeyId, KeyPurpose::kSealing},
                                             {kLookupKeyId, KeyPurpose::kLookup}};
  for (const auto& [id, purpose] : keys) {
    const WrappedKey wrapped = master_.Wrap(SecretKey::Random(), Place(tenant, id, purpose));
    transaction.Exec(kInsertKey, tenant, id, static_cast<int>(purpose), wrapped.master_key_id,
                     ByteaText(wrapped.bytes));
  }
}

}  // namespace herald::storage

#include "storage/crypto/hmac.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <cstdlib>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace herald::storage {
namespace {

constexpr size_t kDigestBytes = 32;

void Require(bool held) {
  if (!held) std::abort();
}

EVP_MAC* Algorithm() {
  static EVP_MAC* const kAlgorithm = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  return kAlgorithm;
}

const unsigned char* Bytes(absl::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

struct FreeContext {
  void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_MAC_CTX, FreeContext>;

}  // namespace

// The key hashed in, and copies for as many as compute at the same time: beginning anew in a copy
// takes less than half of what making and freeing one does.
class HmacSha256::Keyed {
 public:
  explicit Keyed(absl::string_view key) : first_(EVP_MAC_CTX_new(Algorithm())) {
    char digest[] = "SHA256";
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                 OSSL_PARAM_construct_end()};
    Require(first_ != nullptr && EVP_MAC_init(first_.get(), Bytes(key), key.size(), params) == 1);
  }

  Context Take() ABSL_LOCKS_EXCLUDED(mutex_) {
    if (Context idle = TakeIdle()) {
      Require(EVP_MAC_init(idle.get(), nullptr, 0, nullptr) == 1);  // with the same key
      return idle;
    }
    Context copy(EVP_MAC_CTX_dup(first_.get()));
    Require(copy != nullptr);
    return copy;
  }

  void GiveBack(Context context) ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    idle_.push_back(std::move(context));
  }

 private:
  Context TakeIdle() ABSL_LOCKS_EXCLUDED(mutex_) {
    absl::MutexLock lock(&mutex_);
    if (idle_.empty()) return nullptr;
    Context context = std::move(idle_.back());
    idle_.pop_back();
    return context;
  }

  const Context first_;  // only copied
  absl::Mutex mutex_;
  std::vector<Context> idle_ ABSL_GUARDED_BY(mutex_);
};

HmacSha256::HmacSha256(absl::string_view key) : keyed_(std::make_unique<Keyed>(key)) {}

HmacSha256::HmacSha256(HmacSha256&&) noexcept = default;
HmacSha256::~HmacSha256() = default;

std::string HmacSha256::Compute(absl::string_view message) const {
  Context context = keyed_->Take();
  std::string digest(kDigestBytes, '\0');
  size_t size = 0;
  Require(EVP_MAC_update(context.get(), Bytes(message), message.size()) == 1 &&
          EVP_MAC_final(context.get(), reinterpret_cast<unsigned char*>(&digest[0]), &size,
                        kDigestBytes) == 1);
  keyed_->GiveBack(std::move(context));
  return digest;
}

}  // namespace herald::storage

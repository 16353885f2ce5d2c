#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "storage/crypto/sealer.h"
#include "storage/crypto/secret_key.h"

namespace herald::storage {

// A tenant's key as the database stores it: sealed with a master key, which is never stored there.
struct WrappedKey {
  std::string master_key_id;
  std::string bytes;
};

// The keys that wrap tenants' keys. Thread-safe, immutable.
class MasterKeys {
 public:
  // One key per line, "id:base64 of 32 bytes"; ids are [a-zA-Z0-9_-]{1,64} and unique; empty lines
  // and lines that begin with '#' are skipped. The first is the primary, which wraps; the others
  // unwrap what was wrapped before a rotation. kInvalidArgument names the line, never its content.
  static absl::StatusOr<MasterKeys> Parse(absl::string_view text);

  const std::string& primary_id() const { return keys_.front().id; }

  // Seals values of the service's own for one purpose, under keys derived from the master keys: the
  // primary's seals, all open, so that a rotation breaks nothing while the old key is configured.
  Sealer DeriveSealer(absl::string_view purpose) const;
  // Keys of the service's own for one purpose, derived from each master key, the primary's first.
  // No two purposes, DeriveSealer's among them, share a key.
  std::vector<SecretKey> DeriveKeys(absl::string_view purpose) const;

  // `aad` binds the wrapped key to its place: tenant, key id and purpose.
  WrappedKey Wrap(const SecretKey& key, absl::string_view aad) const;
  // kFailedPrecondition: the master key is not configured. kDataLoss: changed or moved.
  absl::StatusOr<SecretKey> Unwrap(const WrappedKey& wrapped, absl::string_view aad) const;

 private:
  struct Key {
    std::string id;
    SecretKey key;
  };
  MasterKeys() = default;
  std::vector<Key> keys_;
};

}  // namespace herald::storage

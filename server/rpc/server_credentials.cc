#include "server/rpc/server_credentials.h"

#include "absl/strings/str_cat.h"
#include "server/config/read_file.h"

namespace herald::rpc {
namespace {

absl::StatusOr<std::string> ReadPem(const std::string& path) {
  absl::StatusOr<std::string> text = config::ReadFile(path);
  if (!text.ok()) return absl::InvalidArgumentError(text.status().message());
  if (text->empty()) return absl::InvalidArgumentError(absl::StrCat(path, " is empty"));
  return text;
}

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeCredentials(
    const absl::optional<TlsFiles>& tls) {
  if (!tls.has_value()) return grpc::InsecureServerCredentials();
  absl::StatusOr<std::string> chain = ReadPem(tls->certificate_chain);
  if (!chain.ok()) return chain.status();
  absl::StatusOr<std::string> key = ReadPem(tls->private_key);
  if (!key.ok()) return key.status();
  grpc::SslServerCredentialsOptions options(GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE);
  options.pem_key_cert_pairs.push_back({*std::move(key), *std::move(chain)});
  if (!tls->client_authorities.empty()) {
    absl::StatusOr<std::string> authorities = ReadPem(tls->client_authorities);
    if (!authorities.ok()) return authorities.status();
    options.pem_root_certs = *std::move(authorities);
    options.client_certificate_request = GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY;
  }
  return grpc::SslServerCredentials(options);
}

}  // namespace herald::rpc

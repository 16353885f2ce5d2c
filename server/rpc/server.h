#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/acceptance/acceptor.h"
#include "server/catalog/template_catalog.h"
#include "server/identity/authenticator.h"
#include "server/rpc/call_observer.h"
#include "server/rpc/preference_parts.h"
#include "server/rpc/server_options.h"
#include "server/templates/render_limits.h"
#include "storage/account_health_store.h"
#include "storage/contact_store.h"
#include "storage/crypto/secret_key.h"
#include "storage/delivery_event_store.h"
#include "storage/email_store.h"
#include "storage/segment_store.h"
#include "storage/template_store.h"
#include "storage/tenant_route_store.h"
#include "storage/tenant_store.h"

namespace herald::rpc {

// What the API stands on. Everything outlives the server and is thread-safe.
struct ServerParts {
  storage::EmailStore& emails;
  storage::TemplateStore& templates;
  storage::TenantStore& tenants;
  storage::DeliveryEventStore& delivery_events;
  storage::AccountHealthStore& accounts;
  storage::TenantRouteStore& routes;
  storage::ContactStore& contacts;
  storage::SegmentStore& segments;
  // The same, on connections of their own, for what may look at very many rows.
  storage::EmailStore& searched_emails;
  storage::ContactStore& searched_contacts;
  ContactIdGenerator& contact_ids;
  catalog::TemplateCatalog& catalog;
  acceptance::Acceptor& acceptor;
  identity::Authenticator& authenticator;
  CallObserver& observer;
  // Whether the database answers; blocks, within a second or so. Asked by a thread of its own.
  std::function<absl::Status()> ping;
  std::function<absl::Time()> clock;
  // Authenticate page tokens and cursors, see PageTokens; the same after restarts.
  std::vector<storage::SecretKey> page_token_keys;
  templates::RenderLimits render_limits = {};
  PreferenceParts preferences = {};
};

// The gRPC server: herald.v1, health and reflection.
class Server {
 public:
  // Listens and serves on return; health says NOT_SERVING until the first ping succeeded.
  // kInvalidArgument: TLS files; kUnavailable: the address cannot be listened on.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const ServerOptions& options,
                                                       const ServerParts& parts);
  // Drains at once when that has not been done.
  ~Server();

  int port() const;

  // Health NOT_SERVING, streams ended, no further calls, GOAWAY; returns when every accepted call
  // was answered, the last one of each connection a moment after the others (last_answers.h). Calls
  // that last beyond `deadline` are cancelled for their callers, but their work is still waited
  // for. Safe to repeat.
  void Drain(absl::Time deadline);

 private:
  class Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  const std::unique_ptr<Impl> impl_;
};

}  // namespace herald::rpc

#pragma once

#include "absl/status/statusor.h"
#include "providers/provider.h"
#include "server/catalog/template_catalog.h"
#include "storage/queue_store.h"

namespace herald::delivery {

// Makes the message to hand over from an email's stored content and its pinned template. Equal
// emails give equal messages, at any time and on any replica. Thread-safe.
class Renderer {
 public:
  // `catalog` must outlive the renderer.
  Renderer(catalog::TemplateCatalog* catalog, templates::RenderLimits limits);

  // kUnavailable: the template could not be read now. Any other error is the email's own, for good.
  absl::StatusOr<providers::OutboundMessage> Render(const storage::LeasedEmail& email) const;

 private:
  catalog::TemplateCatalog* const catalog_;
  const templates::RenderLimits limits_;
};

}  // namespace herald::delivery

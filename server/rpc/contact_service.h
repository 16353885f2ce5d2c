#pragma once

#include <memory>

#include "server/rpc/audience_parts.h"
#include "server/rpc/category_methods.h"
#include "server/rpc/contact_methods.h"
#include "server/rpc/segment_methods.h"
#include "server/rpc/served.h"
#include "server/rpc/suppression_methods.h"

namespace herald::rpc {

// herald.v1.ContactService. The tenant is always the caller's.
class ContactService final : public Served {
 public:
  explicit ContactService(const AudienceParts& parts);
  ~ContactService() override;

  const char* name() const override;
  grpc::Service& grpc_service() override;
  const MethodSet& methods() const override { return methods_; }

 private:
  class Async;

  void AddContacts();
  void AddSegments();
  void AddCategories();
  void AddSuppressions();

  ContactMethods contacts_;
  SegmentMethods segments_;
  CategoryMethods categories_;
  SuppressionMethods suppressions_;
  const std::unique_ptr<Async> async_;
  MethodSet methods_;
};

}  // namespace herald::rpc

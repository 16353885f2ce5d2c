#pragma once

#include <functional>
#include <memory>
#include <string>

#include "model/ids.h"
#include "server/acceptance/acceptor.h"
#include "server/acceptance/group_committer.h"
#include "server/acceptance/request_validation.h"
#include "server/catalog/template_catalog.h"
#include "server/preferences/category_catalog.h"
#include "server/preferences/unsubscribe_tokens.h"

namespace herald::acceptance {

// The Acceptor of production: validation, template pinning and a GroupCommitter.
class DurableAcceptor final : public Acceptor {
 public:
  using Clock = std::function<absl::Time()>;
  // Runs a task that may block on another thread; false when too many wait.
  using Defer = std::function<bool(std::function<void()>)>;

  // All pointers must outlive the acceptor.
  DurableAcceptor(catalog::TemplateCatalog* catalog, preferences::CategoryCatalog* categories,
                  const preferences::UnsubscribeLinks* links, GroupCommitter* committer,
                  EmailIdGenerator* ids, LaneLifetimes lifetimes, Defer defer, Clock clock);

  void Accept(std::shared_ptr<const identity::Caller> caller, const v1::SendEmailRequest& request,
              absl::string_view traceparent, absl::Time deadline, Done done) override;
  void AcceptMany(std::shared_ptr<const identity::Caller> caller,
                  const google::protobuf::RepeatedPtrField<v1::SendEmailRequest>& requests,
                  absl::string_view traceparent, absl::Time deadline, ManyDone done) override;
  void AcceptTest(std::shared_ptr<const identity::Caller> caller,
                  const v1::SendEmailRequest& request, absl::string_view traceparent,
                  absl::Time deadline, Done done) override;

 private:
  struct Job;

  void StartMany(std::shared_ptr<const identity::Caller> caller,
                 const google::protobuf::RepeatedPtrField<v1::SendEmailRequest>& requests,
                 const std::string& traceparent, absl::Time deadline, ManyDone done);
  // What is cached, having it refreshed in time; nullptr: it has to be loaded.
  preferences::CategoryMapPtr FindCategories(TenantId tenant);
  catalog::PinnedTemplatePtr FindTemplate(TenantId tenant, const v1::TemplateReference& wanted);
  void Start(std::shared_ptr<Job> job);
  void Classify(std::shared_ptr<Job> job);
  void ClassifyAs(std::shared_ptr<Job> job, const preferences::CategoryMap& categories);
  void Pin(std::shared_ptr<Job> job);
  void Submit(const std::shared_ptr<Job>& job, const catalog::PinnedTemplatePtr& pinned);

  catalog::TemplateCatalog* const catalog_;
  preferences::CategoryCatalog* const categories_;
  const preferences::UnsubscribeLinks* const links_;
  GroupCommitter* const committer_;
  EmailIdGenerator* const ids_;
  const LaneLifetimes lifetimes_;
  const Defer defer_;
  const Clock clock_;
};

}  // namespace herald::acceptance

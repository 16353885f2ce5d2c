#include "server/rpc/contact_service.h"

#include "herald/v1/contact_service.grpc.pb.h"
#include "server/rpc/contact_export.h"
#include "server/rpc/export_stream.h"
#include "server/rpc/import_stream.h"
#include "server/rpc/suppression_export.h"

namespace herald::rpc {
namespace {

using Base = v1::ContactService;

// Unary methods on the completion queue, a group at a time; the streams as reactors.
template <class Service>
using WithContacts = Base::WithAsyncMethod_CreateContact<
    Base::WithAsyncMethod_GetContact<Base::WithAsyncMethod_UpdateContact<
        Base::WithAsyncMethod_DeleteContact<Base::WithAsyncMethod_ListContacts<Service>>>>>;
template <class Service>
using WithSegments = Base::WithAsyncMethod_CreateSegment<Base::WithAsyncMethod_GetSegment<
    Base::WithAsyncMethod_UpdateSegment<Base::WithAsyncMethod_DeleteSegment<
        Base::WithAsyncMethod_ListSegments<Base::WithAsyncMethod_PreviewSegment<Service>>>>>>;
template <class Service>
using WithCategories = Base::WithAsyncMethod_CreateCategory<Base::WithAsyncMethod_GetCategory<
    Base::WithAsyncMethod_ListCategories<Base::WithAsyncMethod_UpdateCategory<
        Base::WithAsyncMethod_DeleteCategory<Base::WithAsyncMethod_GetPreferences<
            Base::WithAsyncMethod_SetPreferences<Service>>>>>>>;
template <class Service>
using WithSuppressions =
    Base::WithAsyncMethod_CreateSuppression<Base::WithAsyncMethod_DeleteSuppression<
        Base::WithAsyncMethod_ListSuppressions<Base::WithAsyncMethod_CheckSuppression<Service>>>>;
template <class Service>
using WithStreams = Base::WithCallbackMethod_ImportContacts<
    Base::WithCallbackMethod_ExportContacts<Base::WithCallbackMethod_ImportSuppressions<
        Base::WithCallbackMethod_ExportSuppressions<Service>>>>;

}  // namespace

class ContactService::Async final
    : public WithStreams<
          WithContacts<WithSegments<WithCategories<WithSuppressions<Base::Service>>>>> {
 public:
  explicit Async(const AudienceParts& parts) : parts_(parts) {}

 private:
  grpc::ServerReadReactor<v1::ImportContactsRequest>* ImportContacts(
      grpc::CallbackServerContext* context, v1::ImportContactsResponse* response) override {
    return ImportStream<ContactImporting>::Open(*context, *response, parts_);
  }
  grpc::ServerWriteReactor<v1::ExportContactsResponse>* ExportContacts(
      grpc::CallbackServerContext* context, const v1::ExportContactsRequest* request) override {
    return ExportStream<ContactExport>::Open(*context, *request, parts_);
  }
  grpc::ServerReadReactor<v1::ImportSuppressionsRequest>* ImportSuppressions(
      grpc::CallbackServerContext* context, v1::ImportSuppressionsResponse* response) override {
    return ImportStream<SuppressionImporting>::Open(*context, *response, parts_);
  }
  grpc::ServerWriteReactor<v1::ExportSuppressionsResponse>* ExportSuppressions(
      grpc::CallbackServerContext* context, const v1::ExportSuppressionsRequest* request) override {
    return ExportStream<SuppressionExport>::Open(*context, *request, parts_);
  }

  const AudienceParts parts_;
};

ContactService::ContactService(const AudienceParts& parts)
    : contacts_(parts),
      segments_(parts),
      categories_(parts.preferences),
      suppressions_(parts.preferences, parts.tenants, parts.tokens, parts.shell.clock),
      async_(std::make_unique<Async>(parts)) {
  AddContacts();
  AddSegments();
  AddCategories();
  AddSuppressions();
}

ContactService::~ContactService() = default;

const char* ContactService::name() const { return Base::service_full_name(); }

grpc::Service& ContactService::grpc_service() { return *async_; }

void ContactService::AddContacts() {
  methods_.Add("herald.v1.ContactService/CreateContact", *async_, &Async::RequestCreateContact,
               std::bind_front(&ContactMethods::Create, &contacts_));
  methods_.Add("herald.v1.ContactService/GetContact", *async_, &Async::RequestGetContact,
               std::bind_front(&ContactMethods::Get, &contacts_));
  methods_.Add("herald.v1.ContactService/UpdateContact", *async_, &Async::RequestUpdateContact,
               std::bind_front(&ContactMethods::Update, &contacts_));
  methods_.Add("herald.v1.ContactService/DeleteContact", *async_, &Async::RequestDeleteContact,
               std::bind_front(&ContactMethods::Delete, &contacts_));
  methods_.Add("herald.v1.ContactService/ListContacts", *async_, &Async::RequestListContacts,
               std::bind_front(&ContactMethods::List, &contacts_));
}

void ContactService::AddSegments() {
  methods_.Add("herald.v1.ContactService/CreateSegment", *async_, &Async::RequestCreateSegment,
               std::bind_front(&SegmentMethods::Create, &segments_));
  methods_.Add("herald.v1.ContactService/GetSegment", *async_, &Async::RequestGetSegment,
               std::bind_front(&SegmentMethods::Get, &segments_));
  methods_.Add("herald.v1.ContactService/UpdateSegment", *async_, &Async::RequestUpdateSegment,
               std::bind_front(&SegmentMethods::Update, &segments_));
  methods_.Add("herald.v1.ContactService/DeleteSegment", *async_, &Async::RequestDeleteSegment,
               std::bind_front(&SegmentMethods::Delete, &segments_));
  methods_.Add("herald.v1.ContactService/ListSegments", *async_, &Async::RequestListSegments,
               std::bind_front(&SegmentMethods::List, &segments_));
  methods_.Add("herald.v1.ContactService/PreviewSegment", *async_, &Async::RequestPreviewSegment,
               std::bind_front(&SegmentMethods::Preview, &segments_));
}

void ContactService::AddCategories() {
  methods_.Add("herald.v1.ContactService/CreateCategory", *async_, &Async::RequestCreateCategory,
               std::bind_front(&CategoryMethods::Create, &categories_));
  methods_.Add("herald.v1.ContactService/GetCategory", *async_, &Async::RequestGetCategory,
               std::bind_front(&CategoryMethods::Get, &categories_));
  methods_.Add("herald.v1.ContactService/ListCategories", *async_, &Async::RequestListCategories,
               std::bind_front(&CategoryMethods::List, &categories_));
  methods_.Add("herald.v1.ContactService/UpdateCategory", *async_, &Async::RequestUpdateCategory,
               std::bind_front(&CategoryMethods::Update, &categories_));
  methods_.Add("herald.v1.ContactService/DeleteCategory", *async_, &Async::RequestDeleteCategory,
               std::bind_front(&CategoryMethods::Delete, &categories_));
  methods_.Add("herald.v1.ContactService/GetPreferences", *async_, &Async::RequestGetPreferences,
               std::bind_front(&CategoryMethods::GetPreferences, &categories_));
  methods_.Add("herald.v1.ContactService/SetPreferences", *async_, &Async::RequestSetPreferences,
               std::bind_front(&CategoryMethods::SetPreferences, &categories_));
}

void ContactService::AddSuppressions() {
  methods_.Add("herald.v1.ContactService/CreateSuppression", *async_,
               &Async::RequestCreateSuppression,
               std::bind_front(&SuppressionMethods::Create, &suppressions_));
  methods_.Add("herald.v1.ContactService/DeleteSuppression", *async_,
               &Async::RequestDeleteSuppression,
               std::bind_front(&SuppressionMethods::Delete, &suppressions_));
  methods_.Add("herald.v1.ContactService/ListSuppressions", *async_,
               &Async::RequestListSuppressions,
               std::bind_front(&SuppressionMethods::List, &suppressions_));
  methods_.Add("herald.v1.ContactService/CheckSuppression", *async_,
               &Async::RequestCheckSuppression,
               std::bind_front(&SuppressionMethods::Check, &suppressions_));
}

}  // namespace herald::rpc

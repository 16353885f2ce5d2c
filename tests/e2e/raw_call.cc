#include "tests/e2e/raw_call.h"

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include "absl/strings/str_cat.h"
#include "client/connection.h"
#include "tests/e2e/stack.h"

namespace herald::e2e {

RawAnswer Send(const RawCall& call) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetMaxSendMessageSize(-1);
  const auto channel = grpc::CreateCustomChannel(Stack::Shared().address(),
                                                 grpc::InsecureChannelCredentials(), arguments);
  grpc::GenericStub stub(channel);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
  if (!call.token.empty())
    context.AddMetadata("authorization", absl::StrCat("Bearer ", call.token));
  for (const auto& [key, value] : call.metadata) context.AddMetadata(key, value);

  grpc::Slice slice(call.request);
  grpc::ByteBuffer request(&slice, 1);
  grpc::ByteBuffer response;
  grpc::Status status;
  grpc::CompletionQueue queue;
  const auto reader =
      stub.PrepareUnaryCall(&context, absl::StrCat("/", call.method), request, &queue);
  reader->StartCall();
  reader->Finish(&response, &status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  queue.Next(&tag, &ok);

  RawAnswer answer;
  answer.status = client::FromGrpcStatus(status);
  if (grpc::Slice bytes; status.ok() && response.DumpToSingleSlice(&bytes).ok()) {
    answer.response.assign(reinterpret_cast<const char*>(bytes.begin()), bytes.size());
  }
  return answer;
}

}  // namespace herald::e2e

// What surrounds the API: health, reflection, TLS.
#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "grpc/health/v1/health.grpc.pb.h"
#include "herald/v1/email_service.grpc.pb.h"
#include "tests/unit/rpc/server_fixture.h"

namespace herald::rpc {
namespace {

using Health = grpc::health::v1::HealthCheckResponse;

class EdgesTest : public ServerFixture {
 protected:
  // Waits until health answers `wanted`, by the standard's own stream.
  void AwaitHealth(const std::string& service, Health::ServingStatus wanted) {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(30)));
    grpc::health::v1::HealthCheckRequest request;
    request.set_service(service);
    auto reader = grpc::health::v1::Health::NewStub(channel_)->Watch(&context, request);
    Health response;
    while (reader->Read(&response) && response.status() != wanted) {
    }
    EXPECT_EQ(response.status(), wanted) << service;
    context.TryCancel();
    reader->Finish();
  }

  // One question to server reflection; the answer as bytes.
  std::string Reflect(absl::string_view question) {
    grpc::ClientContext context;
    grpc::CompletionQueue queue;
    grpc::GenericStub stub(channel_);
    auto call = stub.PrepareCall(
        &context, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", &queue);
    const grpc::Slice slice(question.data(), question.size());
    grpc::ByteBuffer answer;
    grpc::Status status;
    call->StartCall(&queue);
    Step(queue);
    call->Write(grpc::ByteBuffer(&slice, 1), &queue);
    Step(queue);
    call->Read(&answer, &queue);
    Step(queue);
    call->WritesDone(&queue);
    Step(queue);
    call->Finish(&status, &queue);
    Step(queue);
    std::vector<grpc::Slice> slices;
    std::string bytes;
    if (!answer.Dump(&slices).ok()) return bytes;
    for (const grpc::Slice& part : slices) {
      bytes.append(reinterpret_cast<const char*>(part.begin()), part.size());
    }
    return bytes;
  }

  static void Step(grpc::CompletionQueue& queue) {
    void* tag = nullptr;
    bool ok = false;
    ASSERT_TRUE(queue.Next(&tag, &ok));
  }
};

TEST_F(EdgesTest, HealthFollowsTheDatabase) {
  options_.readiness_interval = absl::Milliseconds(10);
  ready_ = false;
  Start();
  AwaitHealth("", Health::NOT_SERVING);
  ready_ = true;
  for (const char* service : {"", "herald.v1.EmailService", "herald.v1.TemplateService",
                              "herald.v1.TenantService", "herald.v1.DeliveryEventService"}) {
    AwaitHealth(service, Health::SERVING);
  }
  ready_ = false;
  AwaitHealth("herald.v1.EmailService", Health::NOT_SERVING);
}

TEST_F(EdgesTest, HealthSaysNotServingBeforeADrainWaits) {
  acceptor_.Hold();
  Start();
  AwaitHealth("", Health::SERVING);
  grpc::ClientContext watch;
  auto reader = grpc::health::v1::Health::NewStub(channel_)->Watch(&watch, {});
  Health response;
  ASSERT_TRUE(reader->Read(&response));
  ASSERT_EQ(response.status(), Health::SERVING);
  std::thread caller([&] {
    auto context = As(token_);
    v1::Email email;
    EXPECT_TRUE(v1::EmailService::NewStub(channel_)->SendEmail(context.get(), {}, &email).ok());
  });
  acceptor_.AwaitHeld(1);
  std::thread drain([&] { server_->Drain(absl::Now() + absl::Seconds(20)); });
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_EQ(response.status(), Health::NOT_SERVING);
  watch.TryCancel();
  reader->Finish();
  acceptor_.Release();
  caller.join();
  drain.join();
}

TEST_F(EdgesTest, ReflectionListsEveryServiceAndDescribesHealth) {
  Start();
  const std::string services = Reflect("\x3a\x01*");  // list_services: "*"
  for (const char* service :
       {"herald.v1.EmailService", "herald.v1.TemplateService", "herald.v1.TenantService",
        "herald.v1.DeliveryEventService", "grpc.health.v1.Health"}) {
    EXPECT_THAT(services, ::testing::HasSubstr(service));
  }
  // file_containing_symbol: "grpc.health.v1.Health"
  EXPECT_THAT(Reflect("\x22\x15"
                      "grpc.health.v1.Health"),
              ::testing::HasSubstr("grpc/health/v1/health.proto"));
}

// Certificates of one authority for server and client, made by openssl for each test.
class TlsTest : public ServerFixture {
 protected:
  void SetUp() override {
    char path[] = "/tmp/herald_tls_XXXXXX";
    ASSERT_NE(mkdtemp(path), nullptr);
    directory_ = path;
    Run("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=authority "
        "-keyout ca.key -out ca.pem");
    Issue("server");
    Issue("client");
    options_.tls = TlsFiles{directory_ + "/server.pem", directory_ + "/server.key", ""};
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  void Run(const std::string& arguments) {
    const std::string command =
        absl::StrCat("cd ", directory_, " && openssl ", arguments, " 2>/dev/null");
    ASSERT_EQ(std::system(command.c_str()), 0) << command;
  }
  void Issue(const std::string& name) {
    std::ofstream(directory_ + "/san") << "subjectAltName=DNS:localhost,IP:127.0.0.1";
    Run(absl::StrCat("req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=", name,
                     " -keyout ", name, ".key -out ", name, ".csr"));
    Run(absl::StrCat("x509 -req -days 2 -CA ca.pem -CAkey ca.key -CAcreateserial -extfile san -in ",
                     name, ".csr -out ", name, ".pem"));
  }
  std::string Read(const std::string& name) {
    std::ifstream file(directory_ + "/" + name);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }
  grpc::Status Send(bool with_certificate) {
    grpc::SslCredentialsOptions tls;
    tls.pem_root_certs = Read("ca.pem");
    if (with_certificate) {
      tls.pem_cert_chain = Read("client.pem");
      tls.pem_private_key = Read("client.key");
    }
    const auto channel = grpc::CreateChannel(Target(), grpc::SslCredentials(tls));
    auto context = As(token_);
    v1::Email email;
    return v1::EmailService::NewStub(channel)->SendEmail(context.get(), {}, &email);
  }

  std::string directory_;
};

TEST_F(TlsTest, ServesOverTlsAndRefusesPlainText) {
  Start();
  EXPECT_TRUE(Send(/*with_certificate=*/false).ok());
  auto context = As(token_);
  v1::Email email;
  EXPECT_EQ(v1::EmailService::NewStub(channel_)->SendEmail(context.get(), {}, &email).error_code(),
            grpc::StatusCode::UNAVAILABLE);
}

TEST_F(TlsTest, MutualTlsTakesAKnownClientAndRefusesOneWithoutCertificate) {
  options_.tls->client_authorities = directory_ + "/ca.pem";
  Start();
  EXPECT_TRUE(Send(/*with_certificate=*/true).ok());
  EXPECT_EQ(Send(/*with_certificate=*/false).error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(TlsTest, NamesTheFileThatCannotBeRead) {
  options_.tls->private_key = directory_ + "/absent.key";
  const auto server = Server::Start(options_, Parts());
  EXPECT_EQ(server.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(server.status().message()), ::testing::HasSubstr("absent.key"));
  options_.tls->private_key = directory_;
  EXPECT_EQ(Server::Start(options_, Parts()).status().message(),
            absl::StrCat("cannot read ", directory_, ": Is a directory"));
}

}  // namespace
}  // namespace herald::rpc

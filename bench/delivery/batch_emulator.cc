// bench-batch-emulator FILE: takes emails over HTTP as Resend does, alone and in batches, as fast
// as one thread can. Writes what it accepted to FILE, a line per request, before it answers. Prints
// its port and serves until its standard input's parent kills it.
#include <fcntl.h>
#include <unistd.h>

#include <iostream>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/support/http_emulator.h"

namespace herald::bench {
namespace {

constexpr absl::string_view kTag = R"("herald_email_id","value":")";

// The ids of the emails of a request, which are not parsed: that would measure the emulator.
std::string Answer(absl::string_view body, bool batch, std::string& record) {
  std::string answer = batch ? R"({"data":[)" : "";
  const size_t begin = answer.size();
  for (size_t at = body.find(kTag); at != absl::string_view::npos; at = body.find(kTag, at)) {
    at += kTag.size();
    const absl::string_view id = body.substr(at, body.find('"', at) - at);
    if (answer.size() > begin) answer += ',';
    absl::StrAppend(&answer, R"({"id":"49a3999c-0ce1-4ea6-ab68-)", id, R"("})");
    absl::StrAppend(&record, id, "\t");
  }
  if (batch) answer += "]}";
  record += '\n';
  return answer;
}

int Serve(const char* path) {
  const int file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (file < 0) return 1;
  testing::HttpEmulator emulator([file](const testing::EmulatedRequest& request) {
    std::string record;
    testing::EmulatedReply reply;
    reply.headers = {{"Content-Type", "application/json"}};
    reply.body = Answer(request.body, request.target == "/emails/batch", record);
    if (write(file, record.data(), record.size()) != static_cast<ssize_t>(record.size())) {
      reply.status = 500;
    }
    return reply;
  });
  std::cout << "port " << emulator.port() << std::endl;
  while (true) pause();
}

}  // namespace
}  // namespace herald::bench

int main(int argc, char** argv) { return argc == 2 ? herald::bench::Serve(argv[1]) : 2; }

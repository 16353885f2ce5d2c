#include "tests/unit/ops/scrape.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmath>
#include <map>
#include <set>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace herald::ops {
namespace {

// The label names of `name{a="x",b="y"} value`, but those that belong to the type.
std::set<std::string> LabelNames(absl::string_view sample) {
  std::set<std::string> names;
  const size_t open = sample.find('{');
  if (open == absl::string_view::npos) return names;
  const absl::string_view labels = sample.substr(open + 1, sample.rfind('}') - open - 1);
  for (absl::string_view label : absl::StrSplit(labels, ',', absl::SkipEmpty())) {
    const std::string name(label.substr(0, label.find('=')));
    if (name != "le" && name != "quantile") names.insert(name);
  }
  return names;
}

}  // namespace

std::string ScrapeMetrics(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  const std::string request = "GET /metrics HTTP/1.0\r\n\r\n";
  std::string answer;
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 &&
      send(fd, request.data(), request.size(), 0) == static_cast<ssize_t>(request.size())) {
    char buffer[4096];
    for (ssize_t n = recv(fd, buffer, sizeof(buffer), 0); n > 0;
         n = recv(fd, buffer, sizeof(buffer), 0)) {
      answer.append(buffer, static_cast<size_t>(n));
    }
  }
  close(fd);
  const size_t body = answer.find("\r\n\r\n");
  if (body == std::string::npos) return absl::StrCat("no answer: ", answer);
  return answer.substr(body + 4);
}

double ValueOf(absl::string_view scraped, absl::string_view series) {
  for (absl::string_view line : absl::StrSplit(scraped, '\n')) {
    if (!absl::ConsumePrefix(&line, series) || !absl::ConsumePrefix(&line, " ")) continue;
    double value = 0;
    if (absl::SimpleAtod(line, &value)) return value;
  }
  return std::nan("");
}

std::string DescribeMetrics(absl::string_view scraped) {
  std::map<std::string, std::string> types;
  std::map<std::string, std::set<std::string>> labels;
  std::string family;
  for (absl::string_view line : absl::StrSplit(scraped, '\n', absl::SkipEmpty())) {
    if (absl::ConsumePrefix(&line, "# TYPE ")) {
      const std::vector<std::string> words = absl::StrSplit(line, ' ');
      family = words[0];
      types[family] = words[1];
    } else if (!absl::StartsWith(line, "#")) {
      labels[family].merge(LabelNames(line));
    }
  }
  std::string description;
  for (const auto& [name, type] : types) {
    absl::StrAppend(&description, name, " ", type, labels[name].empty() ? "" : " ",
                    absl::StrJoin(labels[name], " "), "\n");
  }
  return description;
}

}  // namespace herald::ops

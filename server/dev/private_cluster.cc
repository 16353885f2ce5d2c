#include "server/dev/private_cluster.h"

#include <pwd.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace herald::dev {
namespace {

namespace fs = std::filesystem;

constexpr absl::Duration kStartPatience = absl::Seconds(30);
constexpr absl::Duration kPoll = absl::Milliseconds(20);
constexpr char kSocketName[] = ".s.PGSQL.5432";

struct User {
  uid_t uid = 0;  // 0: ourselves
  gid_t gid = 0;
};

// The newest installed server's programs.
absl::StatusOr<fs::path> FindPrograms() {
  int newest = 0;
  fs::path found;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/usr/lib/postgresql", ignored)) {
    int version = 0;
    if (!absl::SimpleAtoi(entry.path().filename().string(), &version)) continue;
    if (version <= newest || !fs::exists(entry.path() / "bin" / "postgres")) continue;
    newest = version;
    found = entry.path() / "bin";
  }
  if (newest < 15) {
    return absl::FailedPreconditionError(
        "PostgreSQL 15 or later is not installed; run scripts/install-packages");
  }
  return found;
}

absl::StatusOr<User> ServerUser() {
  if (geteuid() != 0) return User{};
  const passwd* entry = getpwnam("postgres");
  if (entry == nullptr) {
    return absl::FailedPreconditionError("PostgreSQL cannot run as root and there is no user "
                                         "postgres; run scripts/install-packages");
  }
  return User{entry->pw_uid, entry->pw_gid};
}

// A short path: a socket's is limited to 107 bytes.
absl::StatusOr<std::string> MakeSocketDirectory(const User& user) {
  char path[] = "/tmp/herald-dev-XXXXXX";
  if (mkdtemp(path) == nullptr) return absl::InternalError("cannot make a directory in /tmp");
  if (user.uid != 0 && chown(path, user.uid, user.gid) != 0) {
    return absl::InternalError("cannot give away the socket's directory");
  }
  return std::string(path);
}

absl::Status Initialise(const fs::path& programs, const fs::path& data, const User& user,
                        const std::string& log) {
  std::error_code error;
  fs::create_directories(data, error);
  if (error) return absl::InternalError(absl::StrCat("cannot create ", data.string()));
  if (user.uid != 0 && chown(data.c_str(), user.uid, user.gid) != 0) {
    return absl::InternalError(absl::StrCat("cannot give away ", data.string()));
  }
  if (chmod(data.c_str(), 0700) != 0) {
    return absl::InternalError(absl::StrCat("cannot protect ", data.string()));
  }
  return RunToEnd({{(programs / "initdb").string(), "-D", data.string(), "-U", "herald", "-A",
                    "trust", "-E", "UTF8", "--locale=C.UTF-8"},
                   log,
                   SIGTERM,
                   user.uid,
                   user.gid});
}

bool Answers(const std::string& socket_path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, socket_path.c_str(), sizeof(address.sun_path) - 1);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const bool connected =
      connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  close(fd);
  return connected;
}

}  // namespace

PrivateCluster::PrivateCluster(Child server, std::string socket_directory)
    : server_(std::move(server)), socket_directory_(std::move(socket_directory)) {}

absl::StatusOr<std::unique_ptr<PrivateCluster>> PrivateCluster::Start(
    const std::string& directory) {
  const absl::StatusOr<fs::path> programs = FindPrograms();
  if (!programs.ok()) return programs.status();
  const absl::StatusOr<User> user = ServerUser();
  if (!user.ok()) return user.status();
  const fs::path data = fs::path(directory) / "data";
  const std::string log = directory + "/postgres.log";
  // Its user must be able to append to the log.
  std::error_code error;
  fs::create_directories(directory, error);
  if (user->uid != 0 && chown(directory.c_str(), user->uid, user->gid) != 0) {
    return absl::InternalError(absl::StrCat("cannot give away ", directory));
  }
  if (!fs::exists(data / "PG_VERSION")) {
    if (absl::Status status = Initialise(*programs, data, *user, log); !status.ok()) return status;
  }
  const absl::StatusOr<std::string> socket_directory = MakeSocketDirectory(*user);
  if (!socket_directory.ok()) return socket_directory.status();

  absl::StatusOr<Child> server = Child::Start(
      {{(*programs / "postgres").string(), "-D", data.string(), "-c", "listen_addresses=", "-c",
        absl::StrCat("unix_socket_directories=", *socket_directory), "-c", "shared_buffers=256MB",
        "-c", "max_wal_size=4GB", "-c", "autovacuum_naptime=5s"},
       log,
       SIGINT,  // fast shutdown
       user->uid,
       user->gid});
  if (!server.ok()) return server.status();
  auto cluster = std::unique_ptr<PrivateCluster>(
      new PrivateCluster(*std::move(server), *socket_directory));
  const std::string socket_path = absl::StrCat(*socket_directory, "/", kSocketName);
  for (const absl::Time deadline = absl::Now() + kStartPatience; !Answers(socket_path);) {
    if (absl::Now() > deadline || !cluster->server_.Running()) {
      return absl::UnavailableError(absl::StrCat("PostgreSQL did not start; see ", log));
    }
    absl::SleepFor(kPoll);
  }
  return cluster;
}

PrivateCluster::~PrivateCluster() {
  server_.Stop(SIGINT, absl::Seconds(20));
  std::error_code ignored;
  fs::remove_all(socket_directory_, ignored);
}

std::string PrivateCluster::Dsn() const {
  return absl::StrCat("host=", socket_directory_, " user=herald dbname=postgres");
}

}  // namespace herald::dev

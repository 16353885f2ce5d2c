#include "tests/support/postgres_cluster.h"

#include <dirent.h>
#include <fcntl.h>
#include <glob.h>
#include <pwd.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "server/dev/port_choice.h"

namespace herald::support {
namespace {

constexpr absl::Duration kCommandTimeout = absl::Seconds(60);
// Recovery of a large log on a busy machine takes its time.
constexpr absl::Duration kStartTimeout = absl::Seconds(60);

// Waits in a session of its own for the end of the test process, which closes its standard input;
// then kills whoever works in the directory, and removes it.
constexpr char kCleanerScript[] = R"sh(
exec 3<&0
setsid sh -c '
  cat >/dev/null
  for process in /proc/[0-9]*; do
    case "$(readlink "$process/cwd")" in "$1"|"$1"/*) kill -9 "${process#/proc/}" ;; esac
  done
  rm -rf -- "$1" || { sleep 1; rm -rf -- "$1"; }
' cleaner "$1" <&3 3<&- &
)sh";

std::string Errno(absl::string_view what) { return absl::StrCat(what, ": ", std::strerror(errno)); }

// The newest installed server, as Debian lays them out.
absl::StatusOr<std::string> FindBinaries() {
  glob_t found{};
  std::string best;
  int best_version = 0;
  if (glob("/usr/lib/postgresql/*/bin/initdb", 0, nullptr, &found) == 0) {
    for (size_t i = 0; i < found.gl_pathc; ++i) {
      const std::string path = found.gl_pathv[i];
      const std::string binaries = path.substr(0, path.rfind('/'));
      const int version = std::atoi(path.c_str() + std::strlen("/usr/lib/postgresql/"));
      if (version <= best_version) continue;
      best_version = version;
      best = binaries;
    }
  }
  globfree(&found);
  if (best.empty()) return absl::NotFoundError("no PostgreSQL server under /usr/lib/postgresql");
  return best;
}

absl::StatusOr<std::string> MakeDirectory(const std::string& parent) {
  std::string path = absl::StrCat(parent, "/herald-pg-XXXXXX");
  if (mkdtemp(path.data()) == nullptr) return absl::InternalError(Errno("mkdtemp"));
  if (getuid() != 0) return path;
  const passwd* user = getpwnam("postgres");
  if (user == nullptr || chown(path.c_str(), user->pw_uid, user->pw_gid) != 0) {
    rmdir(path.c_str());
    return absl::NotFoundError("no user postgres to run the server as");
  }
  return path;
}

// The write end of a pipe that the cleaner waits on.
absl::StatusOr<int> StartCleaner(const std::string& directory) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return absl::InternalError(Errno("pipe"));
  const pid_t pid = fork();
  if (pid == 0) {
    const int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    dup2(ends[0], 0);
    dup2(null, 1);
    dup2(null, 2);
    execl("/bin/sh", "sh", "-c", kCleanerScript, "cleaner", directory.c_str(), nullptr);
    _exit(127);
  }
  close(ends[0]);
  int status = 0;
  if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0) {
    close(ends[1]);
    return absl::InternalError("the cleaner did not start");
  }
  return ends[1];
}

std::vector<pid_t> ChildrenOf(pid_t parent) {
  std::vector<pid_t> children;
  DIR* proc = opendir("/proc");
  if (proc == nullptr) return children;
  while (const dirent* entry = readdir(proc)) {
    int pid = 0;
    if (!absl::SimpleAtoi(entry->d_name, &pid)) continue;
    std::ifstream file(absl::StrCat("/proc/", pid, "/stat"));
    std::string line;
    std::getline(file, line);
    // pid (name) state ppid …; the name may hold anything.
    const size_t name_end = line.rfind(')');
    if (name_end == std::string::npos) continue;
    int ppid = 0;
    char state = 0;
    if (std::sscanf(line.c_str() + name_end + 1, " %c %d", &state, &ppid) == 2 && ppid == parent) {
      children.push_back(pid);
    }
  }
  closedir(proc);
  return children;
}

}  // namespace

absl::StatusOr<std::unique_ptr<PostgresCluster>> PostgresCluster::Create(
    const PostgresOptions& options) {
  const absl::StatusOr<std::string> binaries = FindBinaries();
  if (!binaries.ok()) return binaries.status();
  absl::StatusOr<std::string> directory = MakeDirectory(options.parent);
  if (!directory.ok()) return directory.status();
  const absl::StatusOr<int> cleaner = StartCleaner(*directory);
  if (!cleaner.ok()) return cleaner.status();

  std::unique_ptr<PostgresCluster> cluster(
      new PostgresCluster(*std::move(directory), *binaries, options));
  cluster->cleaner_fd_ = *cleaner;
  absl::Status status = cluster->Initialise();
  if (!status.ok()) return status;
  cluster->port_ = dev::ChoosePort("127.0.0.1", 0);
  status = cluster->Configure();
  if (status.ok()) status = cluster->Start();
  if (!status.ok()) return status;
  return cluster;
}

PostgresCluster& PostgresCluster::Shared() {
  static const std::unique_ptr<PostgresCluster> cluster = [] {
    absl::StatusOr<std::unique_ptr<PostgresCluster>> created = Create();
    if (!created.ok()) {
      std::fprintf(stderr, "no PostgreSQL: %s\n", created.status().ToString().c_str());
      std::abort();
    }
    return *std::move(created);
  }();
  return *cluster;
}

PostgresCluster::PostgresCluster(std::string directory, std::string binaries,
                                 PostgresOptions options)
    : directory_(std::move(directory)),
      binaries_(std::move(binaries)),
      options_(std::move(options)),
      user_(getuid() == 0 ? "postgres" : "") {}

PostgresCluster::~PostgresCluster() {
  if (running()) Stop(/*immediate=*/true).IgnoreError();
  postmaster_.reset();
  if (cleaner_fd_ >= 0) close(cleaner_fd_);
}

absl::StatusOr<std::string> PostgresCluster::Run(std::vector<std::string> argv) const {
  ChildOptions child;
  child.argv = std::move(argv);
  child.directory = directory_;
  child.user = user_;
  child.env = {{"LC_ALL", "C.UTF-8"}};
  return RunToEnd(child, kCommandTimeout);
}

// initdb takes most of a second, so its result is kept in the build directory, when a test run
// names one, and copied from there.
absl::Status PostgresCluster::Initialise() {
  const std::string data = absl::StrCat(directory_, "/data");
  const char* build = std::getenv("HERALD_BUILD_DIR");
  std::string kept;
  if (build != nullptr) {
    std::string name = binaries_;
    std::replace(name.begin(), name.end(), '/', '-');
    kept = absl::StrCat(build, "/initdb", name, user_.empty() ? "" : "-", user_);
  }
  const auto copy = [](const std::string& from, const std::string& to) {
    ChildOptions child;
    child.argv = {"cp", "-a", "--reflink=auto", from, to};
    return RunToEnd(child, kCommandTimeout).status();
  };
  if (!kept.empty() && access(kept.c_str(), F_OK) == 0) return copy(kept, data);

  const absl::Status status = Run({absl::StrCat(binaries_, "/initdb"), "-D", data, "-U", "postgres",
                                   "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"})
                                  .status();
  if (!status.ok() || kept.empty()) return status;
  // Test processes run side by side: whoever renames first wins, and the others' copies go.
  const std::string own = absl::StrCat(kept, ".", getpid());
  if (!copy(data, own).ok() || rename(own.c_str(), kept.c_str()) != 0) {
    ChildOptions child;
    child.argv = {"rm", "-rf", own};
    return RunToEnd(child, kCommandTimeout).status();
  }
  return absl::OkStatus();
}

absl::Status PostgresCluster::Configure() const {
  std::ofstream file(absl::StrCat(directory_, "/data/postgresql.auto.conf"));
  file << "listen_addresses = '127.0.0.1'\n"
       << "port = " << port_ << "\n"
       << "unix_socket_directories = '" << directory_ << "'\n"
       << "max_connections = " << options_.max_connections << "\n"
       << "shared_buffers = '32MB'\n"
       << "timezone = 'UTC'\n"
       << "jit = off\n";
  // Without fsync a commit still survives a crash of the server, only not one of the machine.
  if (!options_.durable) file << "fsync = off\nfull_page_writes = off\n";
  for (const std::string& line : options_.settings) file << line << "\n";
  file.close();
  return file.good() ? absl::OkStatus() : absl::InternalError("cannot write postgresql.auto.conf");
}

absl::Status PostgresCluster::Start() {
  if (running()) return absl::OkStatus();
  ChildOptions child;
  child.argv = {absl::StrCat(binaries_, "/postgres"), "-D", absl::StrCat(directory_, "/data")};
  child.directory = directory_;
  child.user = user_;
  child.env = {{"LC_ALL", "C.UTF-8"}};
  absl::StatusOr<std::unique_ptr<ChildProcess>> started = ChildProcess::Start(child);
  if (!started.ok()) return started.status();
  const absl::StatusOr<std::string> ready =
      (*started)->WaitForLine("database system is ready to accept connections", kStartTimeout);
  if (!ready.ok()) return ready.status();
  postmaster_ = *std::move(started);
  return absl::OkStatus();
}

absl::Status PostgresCluster::Stop(bool immediate) {
  if (!running()) return absl::OkStatus();
  postmaster_->Signal(immediate ? SIGQUIT : SIGINT);
  Thaw();
  const bool ended = postmaster_->Wait(kCommandTimeout).has_value();
  postmaster_.reset();
  return ended ? absl::OkStatus() : absl::DeadlineExceededError("PostgreSQL had to be killed");
}

absl::Status PostgresCluster::Restart(bool immediate) {
  const absl::Status status = Stop(immediate);
  if (!status.ok()) return status;
  return Start();
}

void PostgresCluster::SignalAll(int signal) const {
  if (!running()) return;
  // The postmaster first, so that it starts no further process.
  postmaster_->Signal(signal);
  for (pid_t child : ChildrenOf(postmaster_->pid())) kill(child, signal);
}

void PostgresCluster::Freeze() { SignalAll(SIGSTOP); }
void PostgresCluster::Thaw() { SignalAll(SIGCONT); }

std::string PostgresCluster::Dsn(absl::string_view database) const {
  return absl::StrCat("host=", directory_, " port=", port_, " user=postgres dbname=", database);
}

std::string PostgresCluster::TcpDsn(absl::string_view database, int port) const {
  return absl::StrCat("host=127.0.0.1 port=", port, " user=postgres dbname=", database);
}

absl::StatusOr<std::string> PostgresCluster::CreateDatabase(absl::string_view template_database) {
  const std::string name = absl::StrCat("herald_test_", ++databases_);
  const absl::StatusOr<std::string> created =
      Psql("postgres", absl::StrCat("CREATE DATABASE ", name, " TEMPLATE ", template_database));
  if (!created.ok()) return created.status();
  return name;
}

absl::StatusOr<std::string> PostgresCluster::Psql(absl::string_view database,
                                                  absl::string_view sql) const {
  absl::StatusOr<std::string> output =
      Run({absl::StrCat(binaries_, "/psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d",
           Dsn(database), "-c", std::string(sql)});
  if (!output.ok()) return output.status();
  return std::string(absl::StripTrailingAsciiWhitespace(*output));
}

}  // namespace herald::support

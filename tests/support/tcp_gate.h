#pragma once

#include <list>
#include <memory>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"

namespace herald::support {

// A TCP proxy on the loopback interface that stands between two parties and misbehaves on command.
// It forwards when created. Safe for concurrent use.
class TcpGate {
 public:
  enum class Direction { kFromClient, kFromServer };

  // Where a connection is cut, relative to the bytes that were waited for.
  enum class CutPoint {
    kBeforeForwarding,  // the other side never gets them
    kAfterForwarding,   // the other side gets them; the sender learns nothing more
    // As kAfterForwarding, but only once the other side has begun to answer, and without that
    // answer: the effect is certain and its confirmation lost, as with a COMMIT in doubt.
    kAtReply,
  };

  // Listens on a free port of 127.0.0.1 and connects to 127.0.0.1:`target_port` for each client.
  static absl::StatusOr<std::unique_ptr<TcpGate>> Start(int target_port);
  ~TcpGate();
  TcpGate(const TcpGate&) = delete;
  TcpGate& operator=(const TcpGate&) = delete;

  int port() const { return port_; }

  // Forwards again, also on connections that were black-holed.
  void Pass();
  // Resets every connection, and each new one at once, until Pass().
  void Cut();
  // Keeps and accepts connections but moves no byte until Pass(): an unplugged cable.
  void Blackhole();

  // Resets every connection now; new ones pass.
  void ResetAll();

  // Moves no further byte on the connections that are open now, and neither end learns of it; new
  // ones pass. They stay so.
  void SilenceAll();

  // Cuts, once, the first connection on which `bytes` pass in `direction`; they may arrive in
  // pieces. Others, and the next ones, pass. Replaces an earlier call that has not fired. With
  // `after`, only a connection counts on which those bytes have passed before, since this call.
  void CutWhenSeen(Direction direction, absl::string_view bytes, CutPoint point,
                   absl::string_view after = "");

  // Waits until CutWhenSeen has fired. False: not in time.
  bool WaitForCut(absl::Duration timeout);

  // Connections accepted since the start.
  int accepted() const;

 private:
  enum class Mode { kPass, kCut, kBlackhole };

  // Both ends of a connection; index 0 is the client, 1 the server. The flow from `i` goes to 1 -
  // i.
  struct Connection {
    int fd[2] = {-1, -1};                    // -1: cut off; what the other end sends is dropped
    std::string pending[2];                  // bytes still to be written to this end
    std::string tail[2];                     // last bytes seen from this end, for split patterns
    bool read_end[2] = {false, false};       // this end has finished sending
    bool silent = false;                     // see SilenceAll
    bool told_end[2] = {false, false};       // this end knows that the other has finished
    bool seen_after[2] = {false, false};     // what `after` of CutWhenSeen asks for
    absl::optional<int> awaited_reply_from;  // CutPoint::kAtReply waits for a byte from here
    bool Over() const { return read_end[0] && read_end[1] && told_end[0] && told_end[1]; }
  };

  TcpGate(int listener, int wakeup, int port, int target_port);
  void Loop();
  void AcceptOne() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Read(Connection& connection, int end) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  static void KeepTail(std::string& tail, size_t found, absl::string_view wanted);
  // True when the connection was cut and `bytes` were dealt with.
  bool CutIfSeen(Connection& connection, int end, absl::string_view bytes)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void FireCut(Connection& connection, int end) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  static void Write(Connection& connection, int end);
  static void Reset(Connection& connection);
  void SetMode(Mode mode);
  void Wake();

  // Constant after construction.
  const int listener_;
  const int wakeup_;
  const int port_;
  const int target_port_;

  mutable absl::Mutex mu_;
  Mode mode_ ABSL_GUARDED_BY(mu_) = Mode::kPass;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  int accepted_ ABSL_GUARDED_BY(mu_) = 0;
  std::list<Connection> connections_ ABSL_GUARDED_BY(mu_);
  std::string pattern_ ABSL_GUARDED_BY(mu_);  // empty: none is awaited
  std::string after_ ABSL_GUARDED_BY(mu_);
  int pattern_from_ ABSL_GUARDED_BY(mu_) = 0;
  CutPoint cut_point_ ABSL_GUARDED_BY(mu_) = CutPoint::kAfterForwarding;
  bool cut_fired_ ABSL_GUARDED_BY(mu_) = false;

  std::thread thread_;
};

}  // namespace herald::support

#pragma once

#include <cstdint>
#include <pqxx/pqxx>
#include <string>

#include "model/lane.h"

namespace herald::bench {

// Rows for the queue's benchmark, written past the service. Throws libpqxx's exceptions.
class QueueRows {
 public:
  QueueRows(const std::string& dsn, int tenants);

  // Accepts and queues `count` more emails in `lane`. Ids are never used twice, as in the service:
  // the entries of one id that are dead but cannot be removed would be read again and again.
  void Queue(Lane lane, int64_t count);
  // Accepts `count` more BULK emails, each a chunk of its own, and queues those.
  void QueueChunks(int64_t count);
  // As if all chunks had been claimed and sent.
  void FinishChunks();
  // Makes the queue longer by `count` rows behind all others, which are never reached.
  void Lengthen(Lane lane, int64_t count);
  // Removes all emails.
  void Empty();

  // Begins or ends a transaction whose snapshot keeps dead rows from being removed.
  void HoldSnapshot();
  void ReleaseSnapshot();

 private:
  pqxx::connection connection_;
  pqxx::connection reader_;
  const int tenants_;
  int64_t next_ = 0;
};

}  // namespace herald::bench

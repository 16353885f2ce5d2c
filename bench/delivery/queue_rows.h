#pragma once

#include <cstdint>
#include <pqxx/pqxx>
#include <string>

#include "model/lane.h"

namespace herald::bench {

// Rows for the queue's benchmark, written past the service. Throws libpqxx's exceptions.
class QueueRows {
 public:
  // Makes `emails` of them, spread over `tenants`; the queue can then hold each of them, again and
  // again.
  QueueRows(const std::string& dsn, int tenants, int64_t emails);

  // Queues the next `count` emails in `lane`, those that are not queued already.
  void Queue(Lane lane, int64_t count);
  // Makes the queue `count` long with rows behind all others, which are never reached.
  void Lengthen(Lane lane, int64_t count);
  int64_t Queued();
  void Empty();

  // Begins or ends a transaction whose snapshot keeps dead rows from being removed.
  void HoldSnapshot();
  void ReleaseSnapshot();

 private:
  pqxx::connection connection_;
  pqxx::connection reader_;
  const int tenants_;
  const int64_t emails_;
  int64_t next_ = 0;
};

}  // namespace herald::bench

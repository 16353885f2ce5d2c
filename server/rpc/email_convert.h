#pragma once

#include "herald/v1/email_service.pb.h"
#include "storage/email.h"

namespace herald::rpc {

enum class Reveal { kRedacted, kInFull };

void ToProto(const storage::EmailRecord& record, Reveal recipient, v1::Email& email);
void ToProto(const storage::EmailEventRow& row, v1::EmailEvent& event);

}  // namespace herald::rpc

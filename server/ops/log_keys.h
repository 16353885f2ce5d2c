#pragma once

namespace herald::ops {

// Every field a log line may have. The list is closed, and has no place for an address, a subject,
// a body, a variable or a secret: whoever adds a key decides in review that its values may be read
// by everybody who may read logs.
inline constexpr const char* kLogKeys[] = {
    "account",
    "accounts",
    "address_family",
    "attempt",
    "batch",
    "bytes",
    "campaign_id",
    "category",
    "cause",
    "claimed",
    "code",
    "connections",
    "count",
    "database",
    "deadline_ms",
    "delay_ms",
    "depth",
    "directory",
    "domain_id",
    "dropped",
    "duplicates",
    "duration_ms",
    "duty",
    "email_id",
    "endpoint",
    "error_code",
    "event_type",
    "expired",
    "failed",
    "file",
    "from_version",
    "grace_ms",
    "handed_over",
    "host",
    "http_status",
    "in_flight",
    "interval_ms",
    "key_id",
    "lane",
    "lease_id",
    "limit",
    "method",
    "migration",
    "mode",
    "node",
    "outcome",
    "path",
    "peer",
    "pid",
    "port",
    "provider",
    "provider_message_id",
    "queued",
    "reason",
    "request_id",
    "rescued",
    "retry_at",
    "retry_in_ms",
    "returned",
    "roles",
    "rows",
    "scheduled",
    "scope",
    "sent",
    "service",
    "signal",
    "stale",
    "state",
    "status",
    "step",
    "suppressed",
    "template_id",
    "template_key",
    "template_version",
    "tenant_id",
    "threads",
    "to_version",
    "token_id",
    "trace_id",
    "unmatched",
    "version",
    "worker",
};

constexpr bool SameText(const char* a, const char* b) {
  while (*a != '\0' && *a == *b) {
    ++a;
    ++b;
  }
  return *a == *b;
}

constexpr bool IsLogKey(const char* key) {
  for (const char* known : kLogKeys) {
    if (SameText(known, key)) return true;
  }
  return false;
}

// A key from the list above. Any other, and any that is not a literal, does not compile.
class LogKey {
 public:
  // NOLINTNEXTLINE(google-explicit-constructor)
  consteval LogKey(const char* key) : text_(key) {
    if (!IsLogKey(key)) throw "not a key of server/ops/log_keys.h";
  }
  const char* text() const { return text_; }

 private:
  const char* text_;
};

}  // namespace herald::ops

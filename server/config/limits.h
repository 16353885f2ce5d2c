#pragma once

#include <cstddef>

#include "absl/time/time.h"

// Every bound on a request, in one place. Beyond one, the caller is told which field and why; the
// protos state the same numbers.
namespace herald::limits {

inline constexpr size_t kIdempotencyKeyBytesMax = 256;
inline constexpr size_t kDisplayNameBytesMax = 128 * 4;  // 128 characters of UTF-8
inline constexpr size_t kUserIdBytesMax = 128;
inline constexpr size_t kCategoryBytesMax = 64;
inline constexpr size_t kTemplateKeyBytesMax = 128;
inline constexpr size_t kSubjectBytesMax = 998;
inline constexpr size_t kInlinePartBytesMax = 1 << 20;
inline constexpr size_t kVariablesBytesMax = 256 << 10;
inline constexpr int kVariablesDepthMax = 16;
inline constexpr int kReplyToMax = 5;
inline constexpr int kHeadersMax = 20;
inline constexpr size_t kHeaderValueBytesMax = 995;
inline constexpr int kAttachmentsMax = 20;
inline constexpr size_t kFilenameBytesMax = 255;
inline constexpr size_t kContentIdBytesMax = 127;
// Postmark takes 10 MB after base64, the least of the providers; base64 adds a third.
inline constexpr size_t kContentBytesMax = 7 << 20;
inline constexpr int kMetadataMax = 20;
inline constexpr size_t kMetadataKeyBytesMax = 64;
inline constexpr size_t kMetadataValueBytesMax = 512;
inline constexpr int kBatchMax = 1000;
inline constexpr absl::Duration kSendAheadMax = absl::Hours(24 * 366);

inline constexpr size_t kLocaleBytesMax = 35;
inline constexpr size_t kTimeZoneBytesMax = 64;
inline constexpr int kTagsMax = 100;
inline constexpr size_t kTagBytesMax = 64;
inline constexpr int kAttributesMax = 64;
inline constexpr size_t kAttributeNameBytesMax = 64;
inline constexpr size_t kAttributesBytesMax = 16 << 10;
inline constexpr int kAttributesDepthMax = 8;
inline constexpr int kImportRowsMax = 5000;
inline constexpr int kImportErrorsMax = 1000;

// The idempotency key outlives the email's acceptance and its send_time by these.
inline constexpr absl::Duration kKeyRetention = absl::Hours(72);
inline constexpr absl::Duration kKeyRetentionAfterSend = absl::Hours(24);

// Rows of one accepting transaction, and rows that may wait for one.
inline constexpr size_t kAcceptanceGroupMax = 500;
inline constexpr size_t kAcceptanceQueueMax = 20000;
// Refused requests that may wait to be told from repetitions; further ones are refused as overload.
inline constexpr size_t kReplayLookupsMax = 1024;
static_assert(kAcceptanceGroupMax <= kAcceptanceQueueMax);
static_assert(static_cast<size_t>(kBatchMax) <= kAcceptanceQueueMax);

}  // namespace herald::limits

#include "providers/sandbox/sandbox_provider.h"

#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <thread>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "providers/digest.h"
#include "providers/sandbox/mail_directory.h"
#include "providers/sandbox/mime_message.h"
#include "providers/sandbox/simulated_events.h"
#include "providers/sandbox/simulated_recipient.h"
#include "providers/sandbox/webhook_courier.h"
#include "providers/svix/signature.h"

namespace herald::providers {
namespace {

constexpr size_t kMessageBytesMax = 40'000'000;
constexpr size_t kSyncMax = 1024;        // messages per sync of the record
constexpr size_t kBatchMax = 100;        // messages of a batch call
constexpr int kRefusalsOfRetry = 2;      // how often retry@ is refused
constexpr size_t kRefusedMax = 100'000;  // emails whose refusals are counted

SendResult Result(Outcome outcome, absl::string_view code, absl::string_view detail) {
  SendResult result;
  result.outcome = outcome;
  result.error_code = std::string(code);
  result.detail = std::string(detail);
  return result;
}

bool IsFileName(absl::string_view id) {
  return !id.empty() && std::all_of(id.begin(), id.end(), [](unsigned char c) {
    return absl::ascii_isalnum(c) || c == '_' || c == '-';
  });
}

size_t ContentBytes(const OutboundMessage& message) {
  size_t bytes = message.html.size() + message.text.size();
  for (const Attachment& attachment : message.attachments) bytes += attachment.content.size();
  return bytes;
}

std::string DigestOf(const OutboundMessage& message) {
  return Digest({message.idempotency_key, "\n", BuildMimeMessage(message, absl::UnixEpoch())});
}

// Makes a key that no other hand-over has.
void MakeUnique(std::string& key) {
  std::array<unsigned char, 8> bytes;
  if (RAND_bytes(bytes.data(), bytes.size()) != 1) std::abort();
  absl::StrAppend(&key, "#",
                  absl::BytesToHexString(absl::string_view(
                      reinterpret_cast<const char*>(bytes.data()), bytes.size())));
}

class SandboxMessage : public PreparedMessage {
 public:
  SandboxMessage(std::string digest, OutboundMessage copy)
      : PreparedMessage(std::move(digest)), message(std::move(copy)) {}
  OutboundMessage message;
};

class SandboxBatch : public PreparedBatch {
 public:
  SandboxBatch(std::string key, std::string digest, std::vector<OutboundMessage> messages)
      : PreparedBatch(std::move(key), std::move(digest), messages.size()),
        messages(std::move(messages)) {}
  std::vector<OutboundMessage> messages;
};

// Gathers the answers to the messages of one batch call.
class Gathering {
 public:
  Gathering(size_t messages, Provider::BatchDone done)
      : results_(messages), missing_(messages), done_(std::move(done)) {}

  void Put(size_t index, SendResult result) {
    absl::ReleasableMutexLock lock(&mu_);
    results_[index] = std::move(result);
    if (--missing_ > 0) return;
    std::vector<SendResult> results = std::move(results_);
    lock.Release();
    done_(std::move(results));
  }

 private:
  absl::Mutex mu_;
  std::vector<SendResult> results_ ABSL_GUARDED_BY(mu_);
  size_t missing_ ABSL_GUARDED_BY(mu_);
  const Provider::BatchDone done_;
};

class SandboxProvider : public Provider {
 public:
  SandboxProvider(SandboxOptions options, std::unique_ptr<MailDirectory> mail,
                  std::unique_ptr<WebhookCourier> webhooks)
      : options_(std::move(options)),
        mail_(std::move(mail)),
        webhooks_(std::move(webhooks)),
        thread_([this] { Work(); }) {}
  ~SandboxProvider() override;

  absl::string_view account() const override { return options_.account; }
  const Capabilities& capabilities() const override { return capabilities_; }
  std::unique_ptr<PreparedMessage> Prepare(const OutboundMessage& message) const override;
  void Send(std::unique_ptr<PreparedMessage> message, absl::Duration timeout, Done done) override;
  std::unique_ptr<PreparedBatch> PrepareBatch(absl::Span<const OutboundMessage> messages,
                                              absl::string_view name) const override;
  void SendBatch(std::unique_ptr<PreparedBatch> batch, absl::Duration timeout,
                 BatchDone done) override;

 private:
  struct Handover {
    OutboundMessage message;
    Simulation simulation;
    Done done;
  };

  void Queue(OutboundMessage message, Done done) ABSL_LOCKS_EXCLUDED(mu_);
  void Work() ABSL_LOCKS_EXCLUDED(mu_);
  std::vector<Handover> NextBatch() ABSL_LOCKS_EXCLUDED(mu_);
  void Process(std::vector<Handover> batch);
  absl::optional<SendResult> Refuse(const Handover& handover);
  void Answer(const Handover& handover, const absl::StatusOr<MailDirectory::Taken>& taken,
              absl::Time now);

  // Constant after construction.
  const SandboxOptions options_;
  const Capabilities capabilities_{
      .idempotency_window = options_.idempotent ? absl::InfiniteDuration() : absl::ZeroDuration(),
      .message_bytes_max = kMessageBytesMax,
      .attachments = true,
      .international_addresses = true,
      .batch_max = options_.batch ? kBatchMax : 1};

  // Only on the worker's thread.
  const std::unique_ptr<MailDirectory> mail_;
  const std::unique_ptr<WebhookCourier> webhooks_;  // null: none are sent
  absl::flat_hash_map<std::string, int> refused_;   // of retry@, by email

  absl::Mutex mu_;
  std::vector<Handover> queue_ ABSL_GUARDED_BY(mu_);
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;

  std::thread thread_;  // last: uses all of the above
};

// What is queued was not taken yet, and is not any more.
SandboxProvider::~SandboxProvider() {
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
  }
  thread_.join();
  absl::MutexLock lock(&mu_);
  for (const Handover& handover : queue_) {
    handover.done(Result(Outcome::kRetryable, "shutdown", "the sandbox is stopping"));
  }
}

std::unique_ptr<PreparedMessage> SandboxProvider::Prepare(const OutboundMessage& message) const {
  return std::make_unique<SandboxMessage>(DigestOf(message), message);
}

void SandboxProvider::Send(std::unique_ptr<PreparedMessage> message, absl::Duration /*timeout*/,
                           Done done) {
  Queue(std::move(static_cast<SandboxMessage&>(*message).message), std::move(done));
}

void SandboxProvider::Queue(OutboundMessage message, Done done) {
  if (!IsFileName(message.email_id) || !IsFileName(message.tenant_id)) {
    return done(Result(Outcome::kRejected, "invalid_id", "an id is not valid"));
  }
  if (ContentBytes(message) > kMessageBytesMax) {
    return done(Result(Outcome::kRejected, "message_too_large",
                       absl::StrCat("larger than ", kMessageBytesMax, " bytes")));
  }
  const Simulation simulation = SimulationFor(message.to.address);
  Handover handover{std::move(message), simulation, nullptr};
  if (!options_.idempotent) MakeUnique(handover.message.idempotency_key);
  {
    absl::MutexLock lock(&mu_);
    if (queue_.size() < options_.queue_max) {
      handover.done = std::move(done);
      queue_.push_back(std::move(handover));
      return;
    }
  }
  done(Result(Outcome::kRetryable, "queue_full", "the sandbox has too much to write"));
}

std::unique_ptr<PreparedBatch> SandboxProvider::PrepareBatch(
    absl::Span<const OutboundMessage> messages, absl::string_view name) const {
  if (messages.size() > capabilities_.batch_max) return nullptr;
  std::string digests;
  for (const OutboundMessage& message : messages) digests += DigestOf(message);
  std::string digest = Digest({digests});
  std::string key = absl::StrCat(name, "-", absl::BytesToHexString(digest));
  return std::make_unique<SandboxBatch>(
      std::move(key), std::move(digest),
      std::vector<OutboundMessage>(messages.begin(), messages.end()));
}

// Every message keeps the key that it has alone, so that the record knows it again either way.
void SandboxProvider::SendBatch(std::unique_ptr<PreparedBatch> batch, absl::Duration /*timeout*/,
                                BatchDone done) {
  std::vector<OutboundMessage>& messages = static_cast<SandboxBatch&>(*batch).messages;
  const auto gathering = std::make_shared<Gathering>(messages.size(), std::move(done));
  for (size_t i = 0; i < messages.size(); ++i) {
    Queue(std::move(messages[i]),
          [gathering, i](SendResult result) { gathering->Put(i, std::move(result)); });
  }
}

void SandboxProvider::Work() {
  while (true) {
    std::vector<Handover> batch = NextBatch();
    if (batch.empty()) return;
    Process(std::move(batch));
  }
}

// Waits for work; empty when the provider is being destroyed.
std::vector<SandboxProvider::Handover> SandboxProvider::NextBatch() {
  absl::MutexLock lock(&mu_);
  const auto ready = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return stopping_ || !queue_.empty();
  };
  mu_.Await(absl::Condition(&ready));
  std::vector<Handover> batch;
  if (stopping_) return batch;
  if (queue_.size() <= kSyncMax) {
    batch.swap(queue_);
  } else {
    const auto end = queue_.begin() + kSyncMax;
    batch.assign(std::make_move_iterator(queue_.begin()), std::make_move_iterator(end));
    queue_.erase(queue_.begin(), end);
  }
  return batch;
}

void SandboxProvider::Process(std::vector<Handover> batch) {
  const absl::Time now = options_.clock();
  std::vector<Handover> taken;
  std::vector<MailDirectory::Mail> mails;
  for (Handover& handover : batch) {
    absl::optional<SendResult> refusal = Refuse(handover);
    if (refusal.has_value()) {
      handover.done(*std::move(refusal));
      continue;
    }
    const OutboundMessage& message = handover.message;
    mails.push_back({message.tenant_id, message.email_id, message.idempotency_key,
                     options_.keep_mail ? BuildMimeMessage(message, now) : ""});
    taken.push_back(std::move(handover));
  }
  const auto results = mail_->Take(mails);
  for (size_t i = 0; i < taken.size(); ++i) {
    if (results.ok()) {
      Answer(taken[i], (*results)[i], now);
    } else {
      Answer(taken[i], results.status(), now);
    }
  }
}

// What the simulated recipient says instead of taking the message, if anything.
absl::optional<SendResult> SandboxProvider::Refuse(const Handover& handover) {
  switch (handover.simulation) {
    case Simulation::kRejected:
      return Result(Outcome::kRejected, "validation_error", "simulated: message is not valid");
    case Simulation::kDown:
      return Result(Outcome::kProviderDown, "daily_quota_exceeded", "simulated: quota is used up");
    case Simulation::kRetry:
      if (refused_.size() >= kRefusedMax) refused_.clear();
      if (++refused_[handover.message.email_id] <= kRefusalsOfRetry) {
        return Result(Outcome::kRetryable, "service_unavailable", "simulated: try again");
      }
      return absl::nullopt;
    default:
      return absl::nullopt;
  }
}

void SandboxProvider::Answer(const Handover& handover,
                             const absl::StatusOr<MailDirectory::Taken>& taken, absl::Time now) {
  if (!taken.ok()) {
    const bool refused = absl::IsUnavailable(taken.status());
    return handover.done(Result(refused ? Outcome::kRetryable : Outcome::kUnconfirmed,
                                "sandbox_storage", taken.status().message()));
  }
  SendResult result = Result(Outcome::kAccepted, "", "");
  result.provider_message_id = SandboxMessageId(handover.message.idempotency_key);
  // The events of what an earlier process took may be lost with it: they are sent again, under the
  // same ids.
  if (webhooks_ != nullptr && *taken != MailDirectory::Taken::kRepeated) {
    for (SimulatedEvent& event :
         SimulateEvents(handover.simulation, handover.message, result.provider_message_id, now,
                        options_.event_interval)) {
      webhooks_->Send(std::move(event.id), std::move(event.body), event.after);
    }
  }
  if (handover.simulation == Simulation::kUnconfirmed && *taken == MailDirectory::Taken::kNew) {
    result = Result(Outcome::kUnconfirmed, "no_answer", "simulated: the answer got lost");
  }
  handover.done(std::move(result));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Provider>> MakeSandboxProvider(SandboxOptions options,
                                                              HttpClient& http) {
  auto mail = MailDirectory::Open(options.directory, options.keep_mail);
  if (!mail.ok()) return mail.status();
  std::unique_ptr<WebhookCourier> webhooks;
  if (!options.webhook_url.empty()) {
    const absl::Status usable = CheckSvixSecret(options.webhook_secret);
    if (!usable.ok()) return usable;
    WebhookCourierOptions courier;
    courier.url = options.webhook_url;
    courier.secret = options.webhook_secret;
    courier.backoff_initial = options.webhook_backoff;
    webhooks = std::make_unique<WebhookCourier>(std::move(courier), http, options.clock);
  }
  return std::make_unique<SandboxProvider>(std::move(options), *std::move(mail),
                                           std::move(webhooks));
}

}  // namespace herald::providers

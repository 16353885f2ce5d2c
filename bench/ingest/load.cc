#include "bench/ingest/load.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace herald::bench {
namespace {

constexpr int kConnections = 4;
constexpr absl::Duration kCallDeadline = absl::Seconds(20);

std::string CodeName(int code) {
  return absl::StatusCodeToString(static_cast<absl::StatusCode>(code));
}

// Collects what the calls of one measurement come to.
struct Tally {
  absl::Time begin;  // of what is measured
  absl::Time end;
  int64_t calls = 0;  // these two within [begin, end)
  int64_t emails = 0;
  std::vector<float> latencies_ms;
  int64_t acknowledged = 0;
  std::map<std::string, int64_t> failures;

  void Answered(absl::Time sent, absl::Time now, int64_t answered_emails) {
    acknowledged += answered_emails;
    if (now < begin || now >= end) return;
    ++calls;
    emails += answered_emails;
    latencies_ms.push_back(static_cast<float>(absl::ToDoubleMilliseconds(now - sent)));
  }

  float Percentile(double share) {
    if (latencies_ms.empty()) return 0;
    const auto rank = static_cast<size_t>(share * static_cast<double>(latencies_ms.size() - 1));
    const auto at = latencies_ms.begin() + static_cast<std::ptrdiff_t>(rank);
    std::nth_element(latencies_ms.begin(), at, latencies_ms.end());
    return *at;
  }
};

// One of the calls in flight; when it is answered, the next takes its place.
class Slot {
 public:
  virtual ~Slot() = default;
  virtual void Start() = 0;
  virtual void Finish(Tally& tally) = 0;
};

struct SlotSetup {
  v1::EmailService::Stub* stub;
  grpc::CompletionQueue* queue;
  const std::string* authorization;
  const OrderConfirmations* requests;
  int64_t* next_order;
  int batch;
};

template <class Response>
class SlotOf : public Slot {
 public:
  explicit SlotOf(const SlotSetup& setup) : setup_(setup) {}

  void Start() final {
    context_.emplace();
    context_->AddMetadata("authorization", *setup_.authorization);
    sent_ = absl::Now();
    context_->set_deadline(absl::ToChronoTime(sent_ + kCallDeadline));
    reader_ = Begin(*context_);
    reader_->Finish(&response_, &status_, static_cast<Slot*>(this));
  }

  void Finish(Tally& tally) final {
    if (!status_.ok()) {
      ++tally.failures[CodeName(status_.error_code())];
      return;
    }
    tally.Answered(sent_, absl::Now(), CountAccepted(response_, tally.failures));
  }

 protected:
  using Reader = std::unique_ptr<grpc::ClientAsyncResponseReader<Response>>;
  virtual Reader Begin(grpc::ClientContext& context) = 0;
  virtual int64_t CountAccepted(const Response& response,
                                std::map<std::string, int64_t>& failures) = 0;

  const SlotSetup setup_;

 private:
  absl::Time sent_;
  std::optional<grpc::ClientContext> context_;
  Response response_;
  grpc::Status status_;
  Reader reader_;
};

class SendEmailSlot final : public SlotOf<v1::Email> {
 public:
  explicit SendEmailSlot(const SlotSetup& setup)
      : SlotOf(setup), request_(setup.requests->First()) {}

 private:
  Reader Begin(grpc::ClientContext& context) override {
    setup_.requests->Renumber(request_, (*setup_.next_order)++);
    return setup_.stub->AsyncSendEmail(&context, request_, setup_.queue);
  }
  int64_t CountAccepted(const v1::Email&, std::map<std::string, int64_t>&) override { return 1; }

  v1::SendEmailRequest request_;
};

class SendEmailsSlot final : public SlotOf<v1::SendEmailsResponse> {
 public:
  explicit SendEmailsSlot(const SlotSetup& setup) : SlotOf(setup) {
    for (int i = 0; i < setup.batch; ++i) *request_.add_emails() = setup.requests->First();
  }

 private:
  Reader Begin(grpc::ClientContext& context) override {
    for (v1::SendEmailRequest& email : *request_.mutable_emails()) {
      setup_.requests->Renumber(email, (*setup_.next_order)++);
    }
    return setup_.stub->AsyncSendEmails(&context, request_, setup_.queue);
  }
  int64_t CountAccepted(const v1::SendEmailsResponse& response,
                        std::map<std::string, int64_t>& failures) override {
    int64_t accepted = 0;
    for (const v1::SendEmailsResult& result : response.results()) {
      if (result.has_email() && !result.replayed()) {
        ++accepted;
      } else {
        ++failures[CodeName(result.error().code())];
      }
    }
    return accepted;
  }

  v1::SendEmailsRequest request_;
};

std::unique_ptr<Slot> MakeSlot(const SlotSetup& setup) {
  if (setup.batch > 0) return std::make_unique<SendEmailsSlot>(setup);
  return std::make_unique<SendEmailSlot>(setup);
}

LoadResult ResultOf(Tally& tally) {
  const double seconds = absl::ToDoubleSeconds(tally.end - tally.begin);
  LoadResult result;
  result.calls_per_second = static_cast<double>(tally.calls) / seconds;
  result.emails_per_second = static_cast<double>(tally.emails) / seconds;
  result.p50_ms = tally.Percentile(0.50);
  result.p99_ms = tally.Percentile(0.99);
  result.acknowledged = tally.acknowledged;
  result.failures = std::move(tally.failures);
  return result;
}

}  // namespace

LoadGenerator::LoadGenerator(const std::string& target, absl::string_view token, std::string run)
    : authorization_(absl::StrCat("Bearer ", token)), requests_(std::move(run)) {
  for (int i = 0; i < kConnections; ++i) {
    grpc::ChannelArguments arguments;
    // Otherwise equal channels share one connection.
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetMaxReceiveMessageSize(-1);
    stubs_.push_back(v1::EmailService::NewStub(
        grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), arguments)));
  }
}

LoadResult LoadGenerator::Run(const LoadShape& shape) {
  grpc::CompletionQueue queue;
  std::vector<std::unique_ptr<Slot>> slots;
  for (int i = 0; i < shape.in_flight; ++i) {
    v1::EmailService::Stub* stub = stubs_[static_cast<size_t>(i) % stubs_.size()].get();
    slots.push_back(
        MakeSlot({stub, &queue, &authorization_, &requests_, &next_order_, shape.batch}));
  }
  Tally tally;
  tally.begin = absl::Now() + shape.warm_up;
  tally.end = tally.begin + shape.duration;
  for (const auto& slot : slots) slot->Start();
  void* tag = nullptr;
  bool ok = false;
  for (size_t open = slots.size(); open > 0 && queue.Next(&tag, &ok);) {
    Slot* slot = static_cast<Slot*>(tag);
    slot->Finish(tally);
    if (absl::Now() < tally.end) {
      slot->Start();
    } else {
      --open;
    }
  }
  queue.Shutdown();
  while (queue.Next(&tag, &ok)) {
  }
  return ResultOf(tally);
}

}  // namespace herald::bench

#pragma once

#include "absl/strings/str_cat.h"
#include "storage/postgres/chunk_assignment.h"
#include "storage/postgres/chunk_store.h"
#include "tests/postgres/email_fixture.h"

namespace herald::storage {

// Emails accepted as chunks, and the short way through a chunk's life.
class ChunkFixture : public EmailFixture {
 protected:
  NewEmail Bulk(const std::string& key, TenantId tenant) {
    NewEmail email = Make(key, tenant);
    email.lane = Lane::kBulk;
    email.recipient_normalised = absl::StrCat(key, "@example.com");
    return email;
  }
  NewEmail Bulk(const std::string& key) { return Bulk(key, a_); }
  // Accepts so many in one group; their ids in order.
  std::vector<EmailId> AcceptTogether(int count) { return AcceptTogether(count, a_); }
  std::vector<EmailId> AcceptTogether(int count, TenantId tenant) {
    std::vector<NewEmail> group;
    std::vector<EmailId> ids;
    for (int i = 0; i < count; ++i) {
      group.push_back(Bulk(absl::StrCat("k", next_key_++), tenant));
      ids.push_back(group.back().id);
    }
    EXPECT_OK(emails_.AcceptEmails(group));
    return ids;
  }
  std::vector<LeasedChunk> Claim(int limit = 10, const std::vector<TenantId>& except = {}) {
    absl::StatusOr<std::vector<LeasedChunk>> claimed =
        chunks_.Claim(Lane::kBulk, limit, absl::Seconds(60), except);
    EXPECT_OK(claimed);
    return claimed.ok() ? *std::move(claimed) : std::vector<LeasedChunk>();
  }
  LeasedChunk ClaimOne() {
    std::vector<LeasedChunk> claimed = Claim();
    EXPECT_THAT(claimed, ::testing::SizeIs(1));
    return claimed.empty() ? LeasedChunk() : claimed[0];
  }
  ChunkBegin TryBegin(const LeasedChunk& chunk, absl::Duration time_needed = absl::Seconds(1)) {
    ChunkStart start;
    start.lease = chunk.lease;
    for (const LeasedEmail& member : chunk.members) start.members.push_back(member.lease);
    start.account = kAccount;
    start.request_key = "key";
    start.request_digest = std::string(32, 'd');
    absl::StatusOr<std::vector<ChunkBegin>> begun = chunks_.Begin({start}, time_needed);
    EXPECT_OK(begun);
    return begun.ok() ? begun->at(0) : ChunkBegin();
  }
  // Begins an attempt that must begin; everybody is accepted unless the end is changed.
  ChunkEnd Begin(const LeasedChunk& chunk) {
    const ChunkBegin begun = TryBegin(chunk);
    EXPECT_EQ(begun.verdict, ChunkBegin::Verdict::kBegun);
    ChunkEnd end;
    end.lease = chunk.lease;
    end.attempt = begun.attempt;
    end.outcome = Outcome::kAccepted;
    end.account = kAccount;
    end.request_digest = std::string(32, 'd');
    end.kind = ChunkEnd::Kind::kDone;
    for (size_t i = 0; i < chunk.members.size(); ++i) {
      end.message_ids.push_back(absl::StrCat("message-", chunk.members[i].lease.email.value));
    }
    return end;
  }
  bool Record(const ChunkEnd& end) {
    absl::StatusOr<std::vector<bool>> recorded = chunks_.RecordEnds({end});
    EXPECT_OK(recorded);
    return recorded.ok() && recorded->at(0);
  }
  // Ends an attempt of all that wait, as unconfirmed.
  void LeaveUnconfirmed() {
    ChunkEnd end = Begin(ClaimOne());
    end.kind = ChunkEnd::Kind::kUnconfirmed;
    end.outcome = Outcome::kUnconfirmed;
    end.message_ids.clear();
    end.reason = "no_answer";
    EXPECT_TRUE(Record(end));
  }
  void ExpireChunkLeases() {
    Sql("UPDATE herald.chunks SET lease_until = now() - interval '1 second' "
        "WHERE lease_until IS NOT NULL");
  }
  int Rescue(int claims_max = 3) {
    absl::StatusOr<int> rescued = chunks_.RescueExpired(100, claims_max);
    EXPECT_OK(rescued);
    return rescued.value_or(-1);
  }
  int ExpireOverdue() {
    absl::StatusOr<int> expired = chunks_.ExpireOverdue(100);
    EXPECT_OK(expired);
    return expired.value_or(-1);
  }
  std::string ChunkCount() { return Sql("SELECT count(*) FROM herald.chunks"); }
  std::vector<EmailId> Members() { return IdsOf(ClaimOne()); }
  static std::vector<EmailId> IdsOf(const LeasedChunk& chunk) {
    std::vector<EmailId> ids;
    for (const LeasedEmail& member : chunk.members) ids.push_back(member.lease.email);
    return ids;
  }
  // Types in the order of the feed, as "number of the email: type".
  std::vector<std::pair<EmailId, EventType>> Feed(int page) {
    std::vector<std::pair<EmailId, EventType>> lines;
    FeedCursor cursor;
    while (true) {
      absl::StatusOr<FeedPage> read = emails_.ReadFeed(a_, cursor, page);
      EXPECT_OK(read);
      if (!read.ok() || read->events.empty()) return lines;
      for (const EmailEventRow& event : read->events) lines.emplace_back(event.email, event.type);
      cursor = read->next;
    }
  }

  PostgresChunkStore chunks_{database_.pool(), keys_};
  int next_key_ = 0;
};

}  // namespace herald::storage

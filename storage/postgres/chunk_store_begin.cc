// How attempts of chunks begin: every member is judged again.

#include <map>
#include <set>
#include <string>
#include <utility>

#include "storage/postgres/array_param.h"
#include "storage/postgres/chunk_rows.h"
#include "storage/postgres/chunk_store.h"
#include "storage/postgres/chunk_store_sql.h"
#include "storage/postgres/email_rows.h"

namespace herald::storage {
namespace {

using Starts = absl::Span<const ChunkStart>;
using Verdict = ChunkBegin::Verdict;

ChunkName NameOf(const ChunkStart& start) { return {start.lease.tenant, start.lease.chunk}; }

// The marks of the members' recipients, which no row holds.
struct MemberMarks {
  std::string before;  // of each chunk: how many members of earlier ones come before its own
  std::string emails;
  std::string marks;
};

MemberMarks MarksOf(Starts starts, const std::vector<HeldChunk>& held) {
  ArrayParam before, emails, marks;
  int64_t count = 0;
  for (const HeldChunk& chunk : held) {
    before.AddInt(count);
    for (const Lease& member : starts[chunk.index].members) {
      emails.AddInt(member.email.value);
      marks.AddInt(member.recipient_mark);
      ++count;
    }
  }
  return {before.Take(), emails.Take(), marks.Take()};
}

// Stops the members that may not go, in the chunks held. Returns the chunks whose membership has
// thereby changed, as indices of `starts`.
std::set<size_t> StopUnfit(Transaction& transaction, Starts starts,
                           const std::vector<HeldChunk>& held, std::vector<ChunkBegin>& answers) {
  std::vector<ChunkName> names;
  for (const HeldChunk& chunk : held) names.push_back(NameOf(starts[chunk.index]));
  ChunkArrays arrays = ArraysOf(names);
  MemberMarks marks = MarksOf(starts, held);
  std::set<size_t> changed, broken;
  std::vector<FinishedEmail> stopped;
  std::vector<ChunkMember> leaving;
  for (const pqxx::row& row :
       transaction.Call(chunk_sql::kUnfit, std::move(arrays.tenants), std::move(arrays.chunks),
                        std::move(marks.before), std::move(marks.emails), std::move(marks.marks))) {
    const size_t index = held[static_cast<size_t>(Int64Of(row[0])) - 1].index;
    changed.insert(index);
    if (BoolOf(row[1])) {
      // Without this member the batch would be another one, and its fate is not known.
      broken.insert(index);
      continue;
    }
    const ChunkName chunk = NameOf(starts[index]);
    const EmailId email{Int64Of(row[3])};
    leaving.push_back({chunk, email});
    const auto state = static_cast<EmailState>(IntOf(row[4]));
    if (!IsUndecided(state)) continue;
    stopped.push_back(
        StopEmail(chunk.tenant, email, state, IntOf(row[2]), BoolOf(row[5]) ? "" : TextOf(row[6])));
    answers[index].stopped.push_back({email, stopped.back().state});
  }
  FinishEmails(transaction, stopped);
  DropMembers(transaction, leaving);
  std::vector<ChunkName> dissolved;
  for (size_t index : broken) dissolved.push_back(NameOf(starts[index]));
  BreakUpChunks(transaction, dissolved);
  return changed;
}

void BeginAll(Transaction& transaction, Starts starts, const std::vector<size_t>& fit,
              std::vector<ChunkBegin>& answers) {
  ArrayParam tenants, chunks, tokens, accounts, keys, digests;
  std::map<std::pair<int64_t, int64_t>, size_t> index;
  for (size_t i : fit) {
    const ChunkStart& start = starts[i];
    index[{start.lease.tenant.value, start.lease.chunk.value}] = i;
    tenants.AddInt(start.lease.tenant.value);
    chunks.AddInt(start.lease.chunk.value);
    tokens.AddInt(start.lease.token);
    accounts.AddText(start.account);
    keys.AddText(start.request_key);
    digests.AddBytes(start.request_digest);
  }
  for (const pqxx::row& row :
       transaction.Call(chunk_sql::kBegin, tenants.Take(), chunks.Take(), tokens.Take(),
                        accounts.Take(), keys.Take(), digests.Take())) {
    ChunkBegin& answer = answers[index.at({Int64Of(row[0]), Int64Of(row[1])})];
    answer.verdict = Verdict::kBegun;
    answer.attempt = IntOf(row[2]);
  }
}

void ReadMembers(Transaction& transaction, Starts starts, const std::set<size_t>& changed,
                 std::vector<ChunkBegin>& answers) {
  std::vector<ChunkName> names;
  std::vector<size_t> indices(changed.begin(), changed.end());
  for (size_t i : indices) {
    answers[i].verdict = Verdict::kChanged;
    names.push_back(NameOf(starts[i]));
  }
  ChunkArrays arrays = ArraysOf(names);
  for (const pqxx::row& row :
       transaction.Exec(chunk_sql::kMembers, std::move(arrays.tenants), std::move(arrays.chunks))) {
    answers[indices[static_cast<size_t>(Int64Of(row[0])) - 1]].members.push_back(
        EmailId{Int64Of(row[1])});
  }
}

std::vector<ChunkBegin> BeginIn(Transaction& transaction, Starts starts,
                                absl::Duration time_needed) {
  std::vector<ChunkBegin> answers(starts.size());
  std::vector<ChunkLease> leases;
  for (const ChunkStart& start : starts) leases.push_back(start.lease);
  const std::vector<HeldChunk> held = LockChunks(transaction, leases, time_needed);
  if (held.empty()) return answers;
  std::set<size_t> changed = StopUnfit(transaction, starts, held, answers);
  std::vector<size_t> fit;
  for (const HeldChunk& chunk : held) {
    if (chunk.members != starts[chunk.index].members.size()) changed.insert(chunk.index);
    if (changed.count(chunk.index) == 0) fit.push_back(chunk.index);
  }
  if (!fit.empty()) BeginAll(transaction, starts, fit, answers);
  if (!changed.empty()) ReadMembers(transaction, starts, changed, answers);
  return answers;
}

}  // namespace

absl::StatusOr<std::vector<ChunkBegin>> PostgresChunkStore::Begin(Starts starts,
                                                                  absl::Duration time_needed) {
  const TransactionOptions options = {
      .role = DatabaseRole::kEngine, .tenants = {}, .read_only = false, .name = "begin_chunks"};
  absl::StatusOr<std::vector<ChunkBegin>> answers = RunTransaction(
      pool_, options, [&](Transaction& transaction) -> absl::StatusOr<std::vector<ChunkBegin>> {
        return BeginIn(transaction, starts, time_needed);
      });
  if (!answers.ok()) return StoreError(answers.status());
  return answers;
}

}  // namespace herald::storage

#include "storage/postgres/delivery_event_store.h"

#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "model/email_state.h"
#include "storage/postgres/array_param.h"
#include "storage/postgres/chunk_store_sql.h"
#include "storage/postgres/delivery_event_store_sql.h"
#include "storage/postgres/email_rows.h"
#include "storage/postgres/transaction.h"

namespace herald::storage {
namespace {

using EmailKey = std::pair<TenantId, EmailId>;
using EventKey = std::tuple<TenantId, EmailId, std::string>;

// An event and the email it is about.
struct Matched {
  const ProviderEvent* event = nullptr;
  int attempt = 0;
};
// By key, so that each is there once and all are in the order of locks.
using MatchedEvents = std::map<EventKey, Matched>;

struct Summary {
  EmailState state = EmailState::kQueued;
  bool handed_over = false;  // to an account that did not reject it
};

struct Move {
  EmailState state = EmailState::kSent;
  std::string reason;
};

constexpr char kProviderRejected[] = "provider_rejected";

// An event's id is its provider's own: two accounts may give the same one. No account's name has a
// slash, and no key of Herald's own events.
std::string KeyOf(const ProviderEvent& event) {
  return absl::StrCat(event.account, "/", event.provider_event_id);
}

EmailKey EmailOf(const EventKey& key) { return {std::get<0>(key), std::get<1>(key)}; }

// What an event is evidence of; nullopt: of nothing about the state.
absl::optional<Move> Evidence(const ProviderEvent& event) {
  switch (event.type) {
    case EventType::kProviderAccepted:
    case EventType::kDeferred:
    case EventType::kOpened:
    case EventType::kClicked:
      return Move{EmailState::kSent, ""};  // nothing of the kind happens to what was not taken
    case EventType::kDelivered:
      return Move{EmailState::kDelivered, ""};
    case EventType::kBounced:
      return Move{EmailState::kBounced,
                  event.bounce_class == BounceClass::kHard ? "hard_bounce" : "soft_bounce"};
    case EventType::kRejected:
      return Move{EmailState::kBounced, kProviderRejected};
    case EventType::kComplained:
      return Move{EmailState::kComplained, "complaint"};
    default:
      return absl::nullopt;
  }
}

// Why the recipient gets no more mail after this event; empty: no reason.
std::string SuppressionReason(const ProviderEvent& event) {
  if (event.type == EventType::kComplained) return "complaint";
  const bool hard = event.type == EventType::kBounced && event.bounce_class == BounceClass::kHard;
  return hard ? "hard_bounce" : "";
}

// Whether evidence moves an email on: up the rank only, and never one that no provider can have.
// It outweighs what became of the email without it: another account may have rejected it since, or
// the retries ended, and a redrive of what was delivered would be a second copy. What the provider
// threw away may still be redriven.
bool MayMove(const Summary& from, const Move& move) {
  switch (from.state) {
    case EmailState::kUnconfirmed:
      return true;
    case EmailState::kDead:
      return from.handed_over && move.reason != kProviderRejected;
    case EmailState::kScheduled:
    case EmailState::kQueued:
    case EmailState::kFailed:
    case EmailState::kExpired:
      return from.handed_over;
    default:
      return CanTransition(from.state, move.state);
  }
}

MatchedEvents Match(Transaction& transaction, absl::Span<const ProviderEvent> events,
                    RecordedEvents& counts) {
  ArrayParam tenants, emails, accounts, message_ids;
  for (const ProviderEvent& event : events) {
    const bool tagged = event.tenant.has_value() && event.email.has_value();
    tenants.AddInt(tagged ? absl::make_optional(event.tenant->value) : absl::nullopt);
    emails.AddInt(tagged ? absl::make_optional(event.email->value) : absl::nullopt);
    accounts.AddText(event.account);
    message_ids.AddText(event.provider_message_id);
  }
  MatchedEvents matched;
  const pqxx::result rows = transaction.Exec(delivery_event_sql::kMatch, tenants.Take(),
                                             emails.Take(), accounts.Take(), message_ids.Take());
  for (const pqxx::row& row : rows) {
    const ProviderEvent& event = events[static_cast<size_t>(Int64Of(row[0])) - 1];
    const EventKey key{TenantId{Int64Of(row[1])}, EmailId{Int64Of(row[2])}, KeyOf(event)};
    const bool first = matched.emplace(key, Matched{&event, IntOf(row[3])}).second;
    if (!first) ++counts.duplicates;
  }
  counts.unmatched = static_cast<int>(events.size()) - static_cast<int>(rows.size());
  return matched;
}

std::map<EmailKey, Summary> LockSummaries(Transaction& transaction, const MatchedEvents& events) {
  std::set<EmailKey> distinct;
  for (const auto& [key, event] : events) distinct.insert(EmailOf(key));
  ArrayParam tenants, emails;
  for (const auto& [tenant, email] : distinct) {
    tenants.AddInt(tenant.value);
    emails.AddInt(email.value);
  }
  const std::string tenant_array = tenants.Take(), email_array = emails.Take();
  transaction.Exec(chunk_sql::kLockOfEmails, tenant_array, email_array);
  transaction.Exec(delivery_event_sql::kLockQueue, tenant_array, email_array);
  std::map<EmailKey, Summary> summaries;
  for (const pqxx::row& row :
       transaction.Exec(delivery_event_sql::kLockEmails, tenant_array, email_array)) {
    summaries[{TenantId{Int64Of(row[0])}, EmailId{Int64Of(row[1])}}] = {
        static_cast<EmailState>(IntOf(row[2])), BoolOf(row[3])};
  }
  return summaries;
}

// Those that were not known before.
std::set<EventKey> Insert(Transaction& transaction, const MatchedEvents& events) {
  ArrayParam tenants, emails, keys, types, classes, attempts, times, accounts, message_ids, reasons,
      details, ids;
  for (const auto& [key, matched] : events) {
    const ProviderEvent& event = *matched.event;
    tenants.AddInt(std::get<0>(key).value);
    emails.AddInt(std::get<1>(key).value);
    keys.AddText(std::get<2>(key));
    types.AddInt(static_cast<int64_t>(event.type));
    classes.AddInt(static_cast<int64_t>(event.bounce_class));
    attempts.AddInt(matched.attempt);
    times.AddTime(event.event_time);
    accounts.AddText(event.account);
    message_ids.AddText(event.provider_message_id);
    reasons.AddText(event.provider_type);
    details.AddText(event.diagnostic);
    ids.AddText(event.provider_event_id);
  }
  std::set<EventKey> fresh;
  for (const pqxx::row& row : transaction.Exec(
           delivery_event_sql::kInsertEvents, tenants.Take(), emails.Take(), keys.Take(),
           types.Take(), classes.Take(), attempts.Take(), times.Take(), accounts.Take(),
           message_ids.Take(), reasons.Take(), details.Take(), ids.Take())) {
    fresh.emplace(TenantId{Int64Of(row[0])}, EmailId{Int64Of(row[1])}, TextOf(row[2]));
  }
  return fresh;
}

void MoveStates(Transaction& transaction, const std::map<EmailKey, Move>& moves) {
  if (moves.empty()) return;
  ArrayParam tenants, emails, states, reasons;
  for (const auto& [key, move] : moves) {
    tenants.AddInt(key.first.value);
    emails.AddInt(key.second.value);
    states.AddInt(static_cast<int64_t>(move.state));
    reasons.AddText(move.reason);
  }
  const std::string tenant_array = tenants.Take(), email_array = emails.Take();
  transaction.Exec(delivery_event_sql::kMove, tenant_array, email_array, states.Take(),
                   reasons.Take());
  transaction.Exec(chunk_sql::kSettle, tenant_array, email_array);
}

// Why an address gets no more mail: which email showed it, and at which account.
struct SuppressionCause {
  EmailKey email;
  std::string reason;
  std::string account;
};

void Suppress(Transaction& transaction, const std::vector<SuppressionCause>& causes) {
  if (causes.empty()) return;
  ArrayParam tenants, emails, reasons, accounts;
  for (const SuppressionCause& cause : causes) {
    tenants.AddInt(cause.email.first.value);
    emails.AddInt(cause.email.second.value);
    reasons.AddText(cause.reason);
    accounts.AddText(cause.account);
  }
  transaction.Exec(delivery_event_sql::kSuppress, tenants.Take(), emails.Take(), reasons.Take(),
                   accounts.Take());
}

using Fresh = std::vector<MatchedEvents::const_iterator>;

// Counts soft bounces by address and day, and starts over after a delivery. Adds those over the
// limit to `causes`.
void CountSoftBounces(Transaction& transaction, const Fresh& events, const SoftBounceLimit& limit,
                      std::vector<SuppressionCause>& causes) {
  std::vector<SuppressionCause> soft;
  ArrayParam tenants, emails, times, delivered_tenants, delivered_emails, delivery_times;
  bool delivered = false;
  for (const auto& it : events) {
    const ProviderEvent& event = *it->second.event;
    const EmailKey email = EmailOf(it->first);
    if (event.type == EventType::kDelivered) {
      delivered = true;
      delivered_tenants.AddInt(email.first.value);
      delivered_emails.AddInt(email.second.value);
      delivery_times.AddTime(event.event_time);
    } else if (event.type == EventType::kBounced && event.bounce_class == BounceClass::kSoft) {
      soft.push_back({email, "soft_bounce_limit", event.account});
      tenants.AddInt(email.first.value);
      emails.AddInt(email.second.value);
      times.AddTime(event.event_time);
    }
  }
  if (delivered) {
    transaction.Exec(delivery_event_sql::kForgetSoftBounces, delivered_tenants.Take(),
                     delivered_emails.Take(), delivery_times.Take());
  }
  if (soft.empty()) return;
  const std::string tenant_array = tenants.Take(), email_array = emails.Take();
  transaction.Exec(delivery_event_sql::kNoteSoftBounces, tenant_array, email_array, times.Take(),
                   limit.window_days);
  for (const pqxx::row& row : transaction.Exec(delivery_event_sql::kOverSoftLimit, tenant_array,
                                               email_array, limit.days, limit.window_days)) {
    causes.push_back(soft[static_cast<size_t>(Int64Of(row[0])) - 1]);
  }
}

RecordedEvents RecordIn(Transaction& transaction, absl::Span<const ProviderEvent> events,
                        const SoftBounceLimit& limit) {
  RecordedEvents counts;
  const MatchedEvents matched = Match(transaction, events, counts);
  if (matched.empty()) return counts;
  const std::map<EmailKey, Summary> summaries = LockSummaries(transaction, matched);
  const std::set<EventKey> fresh = Insert(transaction, matched);
  counts.recorded = static_cast<int>(fresh.size());
  counts.duplicates += static_cast<int>(matched.size() - fresh.size());

  std::map<EmailKey, Move> moves;
  Fresh news;
  std::vector<SuppressionCause> causes;
  for (auto it = matched.begin(); it != matched.end(); ++it) {
    if (fresh.count(it->first) == 0) continue;
    news.push_back(it);
    const EmailKey email = EmailOf(it->first);
    const std::string reason = SuppressionReason(*it->second.event);
    if (!reason.empty()) causes.push_back({email, reason, it->second.event->account});
    const absl::optional<Move> move = Evidence(*it->second.event);
    if (!move.has_value() || !MayMove(summaries.at(email), *move)) continue;
    const auto known = moves.find(email);
    if (known == moves.end() || known->second.state < move->state) moves[email] = *move;
  }
  MoveStates(transaction, moves);
  CountSoftBounces(transaction, news, limit, causes);
  Suppress(transaction, causes);
  return counts;
}

}  // namespace

absl::StatusOr<RecordedEvents> PostgresDeliveryEventStore::RecordEvents(
    absl::Span<const ProviderEvent> events) {
  if (events.empty()) return RecordedEvents();
  const TransactionOptions options = {
      .role = DatabaseRole::kEngine, .tenants = {}, .read_only = false, .name = "record_events"};
  absl::StatusOr<RecordedEvents> counts = RunTransaction(
      pool_, options, [&](Transaction& transaction) -> absl::StatusOr<RecordedEvents> {
        return RecordIn(transaction, events, limit_);
      });
  if (!counts.ok()) return StoreError(counts.status());
  return counts;
}

}  // namespace herald::storage

#include "reliability/ack/tracker.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <set>
#include <unordered_map>
#include <utility>

#include "reliability/ack/open_wait.hpp"
#include "reliability/ack/wanted_names.hpp"
#include "signing/refusal.hpp"

namespace weft::reliability {
namespace {

using fabric::Instant;
using std::chrono::microseconds;

/// As late as it can be, where the sum would not fit.
Instant later(Instant from, microseconds by) {
    if (by.count() <= 0) return from;
    const Instant room = Instant::max() - std::max(from, Instant{0});
    return by > std::chrono::duration_cast<microseconds>(room) ? Instant::max() : from + by;
}

/// splitmix64: a step on a circle through all numbers, then a stir.
std::uint64_t next_random(std::uint64_t& state) {
    std::uint64_t value = state += 0x9E3779B97F4A7C15;
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
    value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
    return value ^ (value >> 31);
}

bool may_say(AckLevel level, const AckSigner& signer) {
    switch (level) {
        case AckLevel::rejected:
            return signer.may_acknowledge || signer.may_store;
        case AckLevel::stored:
            return signer.may_store;
        case AckLevel::received:
        case AckLevel::processed:
            return signer.may_acknowledge;
    }
    return false;
}

/// Decoders let no other level pass; but a state machine does not rely on its callers for that.
std::string said(AckLevel level) {
    return level > AckLevel::processed ? "something unknown" : std::string(name_of(level));
}

}  // namespace

struct AckTracker::State {
    struct Open;
    struct Due {
        Instant at{};
        std::uint64_t number = 0;  // in order of open(), so that a run can be repeated exactly
        Open* open = nullptr;
        friend bool operator<(const Due& one, const Due& other) {
            return std::pair(one.at, one.number) < std::pair(other.at, other.number);
        }
    };
    /// A wait, and when something is to be done about it.
    struct Open {
        Open(const Nonce& nonce_, Wait asked, WantedNames& names, NotesBudget& notes)
            : nonce(nonce_), wait(std::move(asked), names, notes) {}

        Nonce nonce;
        OpenWait wait;
        Instant deadline{}, last_sent{}, next_resend{};
        std::set<Due>::iterator due{};
        std::size_t content_bytes = 0;
        std::uint32_t resent = 0;
        bool decided = false;  // to be settled as soon as possible
    };

    State(TrackerLimits limits_, RetrySettings retries_, std::uint64_t seed)
        : limits(limits_), retries(retries_), random(seed) {}

    void settle(Open& open, Outcome::Verdict otherwise, Instant now, std::vector<Settled>& settled);
    void drop(Open& open) noexcept;
    [[nodiscard]] const char* wrong_about(const OpenWait& wait, const AckSubject& subject) const;
    [[nodiscard]] microseconds next_pause(const Open& open);
    void reschedule(Open& open) noexcept;
    void send_again(Open& open, Instant now,
                    std::vector<std::shared_ptr<const SentMessage>>& messages);

    TrackerLimits limits;
    RetrySettings retries;
    std::uint64_t random;
    NotesBudget budget{limits.notes_bytes_max};
    WantedNames names{budget};
    std::unordered_map<Nonce, Open, NonceHash> waits;
    std::set<Due> due;
    std::size_t bytes = 0;
    std::array<signing::Digest, publishers_max> publishers{};
    std::size_t publishers_count = 0;
    Stats stats;
};

void AckTracker::State::settle(Open& open, Outcome::Verdict otherwise, Instant now,
                               std::vector<Settled>& settled) {
    // All that can fail comes first; then the wait is gone.
    settled.push_back({open.wait.asked().waiter, open.wait.outcome(otherwise, now, open.resent)});
    switch (settled.back().outcome.verdict()) {
        case Outcome::Verdict::acknowledged:
            ++stats.acknowledged;
            break;
        case Outcome::Verdict::rejected:
            ++stats.rejected;
            break;
        case Outcome::Verdict::unknown:
            ++stats.unknown;
            break;
        case Outcome::Verdict::aborted:
            ++stats.aborted;
            break;
    }
    drop(open);
}

void AckTracker::State::drop(Open& open) noexcept {
    due.erase(open.due);
    bytes -= open.content_bytes;
    waits.erase(waits.find(open.nonce));
}

/// In what this ACK is not about the bytes of this wait (A2); nothing: it is about them.
const char* AckTracker::State::wrong_about(const OpenWait& wait, const AckSubject& subject) const {
    if (!wait.message()) return "it came before the message was sent";
    const AckSubject& ours = wait.message()->subject;
    if (subject.id != ours.id) return "it is about another message id";
    if (subject.digest != ours.digest) return "it is about other bytes";
    if (subject.epoch != ours.epoch) return "it is about another epoch of this publisher";
    const auto end = publishers.begin() + static_cast<std::ptrdiff_t>(publishers_count);
    const bool known = std::find(publishers.begin(), end, subject.publisher) != end;
    return known ? nullptr : "it is about a message of another publisher";
}

microseconds AckTracker::State::next_pause(const Open& open) {
    RetrySettings settings = retries;
    const bool seldom = open.wait.all_missing_spoke();
    if (seldom) settings.first = settings.longest;
    return pause_before(settings, seldom ? 0 : open.resent, next_random(random));
}

void AckTracker::State::reschedule(Open& open) noexcept {
    auto node = due.extract(open.due);
    node.value().at = open.decided ? Instant::min() : std::min(open.deadline, open.next_resend);
    open.due = due.insert(std::move(node)).position;
}

void AckTracker::State::send_again(Open& open, Instant now,
                                   std::vector<std::shared_ptr<const SentMessage>>& messages) {
    if (open.wait.message()) {
        messages.push_back(open.wait.message());
        ++open.resent;
        ++stats.sent_again;
        open.last_sent = now;
    }
    open.next_resend = later(now, next_pause(open));
    reschedule(open);
}

AckTracker::AckTracker(TrackerLimits limits, RetrySettings retries, std::uint64_t seed)
    : state_(std::make_unique<State>(limits, retries, seed)) {}

AckTracker::~AckTracker() = default;

// `wait` is moved from, which the checker does not see through try_emplace().
// NOLINTNEXTLINE(performance-unnecessary-value-param)
bool AckTracker::open(const Nonce& nonce, Wait wait, std::size_t content_bytes) {
    assert(wait.recipients && !wait.recipients->empty() && wait.level != AckLevel::rejected);
    State& state = *state_;
    if (state.waits.size() >= state.limits.waits_max || state.bytes > state.limits.bytes_max ||
        content_bytes > state.limits.bytes_max - state.bytes) {
        ++state.stats.refused_full;
        return false;
    }
    const auto [place, fresh] =
        state.waits.try_emplace(nonce, nonce, std::move(wait), state.names, state.budget);
    assert(fresh);
    State::Open& open = place->second;
    open.last_sent = open.wait.asked().start;
    open.deadline = later(open.last_sent, open.wait.asked().timeout);
    open.next_resend = later(open.last_sent, state.next_pause(open));
    try {
        const Instant first = std::min(open.deadline, open.next_resend);
        open.due = state.due.insert({first, state.stats.opened, &open}).first;
    } catch (...) {
        state.waits.erase(place);
        throw;
    }
    open.content_bytes = content_bytes;
    state.bytes += content_bytes;
    ++state.stats.opened;
    return true;
}

void AckTracker::bind(const Nonce& nonce, std::shared_ptr<const SentMessage> message) noexcept {
    assert(message && message->subject.nonce == nonce);
    const auto place = state_->waits.find(nonce);
    if (place != state_->waits.end()) place->second.wait.bind(std::move(message));
}

void AckTracker::cancel(const Nonce& nonce) noexcept {
    const auto place = state_->waits.find(nonce);
    if (place == state_->waits.end()) return;
    state_->drop(place->second);
    ++state_->stats.cancelled;
}

void AckTracker::add_publisher(const signing::Digest& fingerprint) {
    State& state = *state_;
    const auto begin = state.publishers.begin();
    const auto end = begin + static_cast<std::ptrdiff_t>(state.publishers_count);
    auto place = std::find(begin, end, fingerprint);
    if (place == end && state.publishers_count < publishers_max) {
        *end = fingerprint;
        ++state.publishers_count;
        return;
    }
    // The one that was named last stays longest.
    if (place == end) place = begin;
    *place = fingerprint;
    std::rotate(place, place + 1, end);
}

void AckTracker::on_ack(const AckStatement& ack, const AckSigner& signer, Instant now,
                        std::vector<Settled>& settled) {
    State& state = *state_;
    ++state.stats.acks;
    const auto place = state.waits.find(ack.subject.nonce);
    if (place == state.waits.end()) {
        ++state.stats.acks_unmatched;
        return;
    }
    State::Open& open = place->second;
    const int found = open.wait.asked().recipients->position(ack.recipient);
    if (found < 0) {
        ++state.stats.acks_not_required;
        return;
    }
    const auto position = static_cast<std::size_t>(found);
    if (signer.name != ack.recipient) {
        ++state.stats.acks_wrong_signer;
        open.wait.note(position, OpenWait::Wrong::signer,
                       "it is signed by " + signing::escape(signer.name));
        return;
    }
    if (const char* wrong = state.wrong_about(open.wait, ack.subject)) {
        ++state.stats.acks_wrong_bytes;
        open.wait.note(position, OpenWait::Wrong::bytes, wrong);
        return;
    }
    if (!may_say(ack.level, signer)) {
        ++state.stats.acks_wrong_role;
        open.wait.note(position, OpenWait::Wrong::role,
                       "its certificate may not say \"" + said(ack.level) + "\"");
        return;
    }
    if (open.wait.answered(position)) {
        ++state.stats.acks_repeated;
        return;
    }
    // Also where nobody has looked at the clock since: "in time" must not depend on that.
    if (now >= open.deadline) {
        ++state.stats.acks_late;
        return;
    }
    if (!open.wait.record(position, ack.level, ack.reason, now)) ++state.stats.acks_too_weak;
    open.decided = open.wait.standing() != Recipients::Standing::open;
    if (!open.decided && open.wait.all_missing_spoke()) {
        const Instant seldom = later(open.last_sent, state.retries.longest);
        open.next_resend = std::max(open.next_resend, seldom);
    }
    state.reschedule(open);
    if (open.decided) state.settle(open, Outcome::Verdict::unknown, now, settled);
}

void AckTracker::on_refused_ack(std::string_view name, std::string_view why) {
    state_->names.refused(name, why);
}

void AckTracker::tick(Instant now, std::vector<std::shared_ptr<const SentMessage>>& send_again,
                      std::vector<Settled>& settled) {
    State& state = *state_;
    while (!state.due.empty() && state.due.begin()->at <= now) {
        State::Open& open = *state.due.begin()->open;
        if (open.decided || now >= open.deadline) {
            state.settle(open, Outcome::Verdict::unknown, now, settled);
        } else {
            state.send_again(open, now, send_again);
        }
    }
}

std::optional<Instant> AckTracker::next_due() const {
    if (state_->due.empty()) return std::nullopt;
    return state_->due.begin()->at;
}

void AckTracker::abort(const Nonce& nonce, Instant now, std::vector<Settled>& settled) {
    const auto place = state_->waits.find(nonce);
    if (place == state_->waits.end()) return;
    state_->settle(place->second, Outcome::Verdict::aborted, now, settled);
}

void AckTracker::abort_all(Instant now, std::vector<Settled>& settled) {
    while (!state_->due.empty()) {
        state_->settle(*state_->due.begin()->open, Outcome::Verdict::aborted, now, settled);
    }
}

const AckTracker::Stats& AckTracker::stats() const noexcept {
    return state_->stats;
}

std::size_t AckTracker::waits() const noexcept {
    return state_->waits.size();
}

std::size_t AckTracker::bytes() const noexcept {
    return state_->bytes;
}

std::size_t AckTracker::names() const noexcept {
    return state_->names.size();
}

std::size_t AckTracker::notes_bytes() const noexcept {
    return state_->budget.used();
}

}  // namespace weft::reliability

#include "reliability/ack/responder.hpp"

#include <algorithm>
#include <cassert>
#include <limits>
#include <list>
#include <set>
#include <unordered_map>
#include <utility>

namespace weft::reliability {
namespace {

using fabric::Instant;
using std::chrono::microseconds;

std::uint64_t saturating_sum(std::uint64_t a, microseconds b) {
    const auto more = static_cast<std::uint64_t>(std::max(b, microseconds::zero()).count());
    const std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
    return a > most - more ? most : a + more;
}

/// "4.8 s", "120 ms"; never nothing.
std::string span_text(std::uint64_t us) {
    if (us < 1'000'000) return std::to_string(std::max<std::uint64_t>(us / 1000, 1)) + " ms";
    const std::uint64_t tenths = us / 100'000;
    return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " s";
}

/// Until when, as the publisher counts.
std::uint64_t deadline_utc_us(const AckCall& call) {
    return saturating_sum(call.time_us, call.timeout);
}

/// The same bytes from the same publisher. Its certificate may have been renewed between two
/// sendings, so the fingerprint may be another.
bool same_message(const AckSubject& a, const AckSubject& b) {
    return a.digest == b.digest && a.id == b.id && a.nonce == b.nonce && a.epoch == b.epoch;
}

}  // namespace

struct AckResponder::State {
    enum class Stage {
        offered,      ///< Delivered; whether it found room is not known yet.
        turned_away,  ///< Found no room: the next repetition is delivered again.
        queued,
        out,  ///< Of the queue: at work, done, or never to be started.
    };
    struct Said {
        AckLevel level = AckLevel::received;
        std::string reason;
    };
    struct Entry {
        AckSubject subject;
        std::string publisher;
        AckLevel asked = AckLevel::received;
        Stage stage = Stage::offered;
        std::optional<Said> final_word;
        Instant deadline{}, forget_at{};
        bool remembered = false;
        bool in_order = true;                                    ///< Stands in `order`.
        std::optional<std::list<Nonce>::iterator> among_done{};  ///< Of its publisher's.

        /// Its turn will come, and then it matters what we remember. Who only asked for
        /// `received` is started in any case.
        [[nodiscard]] bool waits_for_turn() const {
            return asked != AckLevel::received &&
                   (stage == Stage::offered || stage == Stage::queued);
        }
    };

    explicit State(ResponderSettings given) : settings(std::move(given)) {}

    Entry* find(const Nonce& nonce) {
        const auto found = entries.find(nonce);
        return found == entries.end() ? nullptr : &found->second;
    }

    // ---- What is said ----

    Ack answer(const Entry& entry, AckLevel level, std::string reason = {}) {
        ++(level == AckLevel::rejected ? stats.rejections : stats.acks);
        return {entry.publisher, level, std::move(reason), entry.subject};
    }
    Ack repeat_final_word(const Entry& entry) {
        return answer(entry, entry.final_word->level, entry.final_word->reason);
    }
    /// Answered for good, and its turn will not come any more: it may be forgotten.
    void note_if_done(Entry& entry) {
        if (!entry.remembered || entry.among_done || !entry.final_word || entry.waits_for_turn()) {
            return;
        }
        auto& done = publishers.find(entry.publisher)->second.done;
        entry.among_done = done.insert(done.end(), entry.subject.nonce);
    }
    Ack say_final_word(Entry& entry, AckLevel level, std::string_view reason = {}) {
        entry.final_word = Said{level, fitting_reason(reason)};
        note_if_done(entry);
        return repeat_final_word(entry);
    }
    Ack reject_late(Entry& entry, Instant now) {
        ++stats.late;
        const auto past = std::chrono::duration_cast<microseconds>(now - entry.deadline).count();
        return say_final_word(entry, AckLevel::rejected,
                              "late: its deadline passed " +
                                  span_text(static_cast<std::uint64_t>(past)) +
                                  " ago while it waited here");
    }

    // ---- What is remembered ----

    Entry entry_of(const AckCall& call, Now now) const {
        Entry entry;
        entry.subject = call.subject;
        entry.publisher = call.publisher;
        entry.asked = call.level;
        const std::uint64_t last_us = saturating_sum(deadline_utc_us(call), settings.clock_skew);
        const std::uint64_t left_us = last_us > now.utc_us ? last_us - now.utc_us : 0;
        const auto timeout_us = static_cast<std::uint64_t>(call.timeout.count());
        entry.deadline = now.steady + microseconds{std::min(timeout_us, left_us)};
        // A publisher whose clock is behind still waits when we think that it does not.
        entry.forget_at = now.steady + call.timeout + settings.grace;
        return entry;
    }
    [[nodiscard]] bool has_room(std::string_view publisher) const {
        return entries.size() < settings.entries_max &&
               count_of(publisher) < settings.entries_per_publisher_max;
    }
    [[nodiscard]] std::size_t count_of(std::string_view publisher) const {
        const auto found = publishers.find(std::string{publisher});
        return found == publishers.end() ? 0 : found->second.count;
    }
    /// What has been answered for good is remembered to answer it again; without it the publisher
    /// hears nothing more, which is no lie. So it makes room: the oldest of the same publisher, or
    /// of the one with the most.
    void make_room(std::string_view publisher) {
        if (has_room(publisher)) return;
        auto from = publishers.find(std::string{publisher});
        const bool own_limit = count_of(publisher) >= settings.entries_per_publisher_max;
        if (!own_limit && (from == publishers.end() || from->second.done.empty())) {
            from = std::max_element(publishers.begin(), publishers.end(),
                                    [](const auto& a, const auto& b) {
                                        return a.second.done.size() < b.second.done.size();
                                    });
        }
        if (from == publishers.end() || from->second.done.empty()) return;
        ++stats.forgotten_early;
        const Nonce nonce = from->second.done.front();
        if (const Entry& entry = *find(nonce); entry.in_order) {
            order.erase({entry.forget_at, nonce});
        }
        forget(nonce);
    }
    Entry& remember(Entry entry) {
        ++publishers[entry.publisher].count;
        entry.remembered = true;
        order.emplace(entry.forget_at, entry.subject.nonce);
        const Nonce nonce = entry.subject.nonce;
        return entries.emplace(nonce, std::move(entry)).first->second;
    }
    void forget(const Nonce& nonce) {
        const auto entry = entries.find(nonce);
        const auto publisher = publishers.find(entry->second.publisher);
        if (entry->second.among_done) publisher->second.done.erase(*entry->second.among_done);
        if (--publisher->second.count == 0) publishers.erase(publisher);
        entries.erase(entry);
    }
    /// One that outlived its time because it waited may be forgotten now.
    void move_to(Stage stage, Entry& entry) {
        entry.stage = stage;
        note_if_done(entry);
        if (entry.in_order) return;
        entry.in_order = true;
        entry.forget_at = latest + settings.grace;
        order.emplace(entry.forget_at, entry.subject.nonce);
    }
    void expire(Instant now) {
        latest = std::max(latest, now);
        while (!order.empty() && order.begin()->first <= latest) {
            const Nonce nonce = order.begin()->second;
            order.erase(order.begin());
            Entry& entry = *find(nonce);
            entry.in_order = !entry.waits_for_turn();
            if (entry.in_order) forget(nonce);
        }
    }

    // ---- What arrives ----

    Arrived on_first(const AckCall& call, Now now) {
        Entry entry = entry_of(call, now);
        if (call.level == AckLevel::stored && !settings.stores) {
            ++stats.not_a_journal;
            return reject_unseen(std::move(entry),
                                 "this recipient is no journal: it cannot say `stored`");
        }
        if (entry.deadline <= now.steady) {
            ++stats.late;
            const std::uint64_t past_us = now.utc_us - deadline_utc_us(call);
            return reject_unseen(std::move(entry),
                                 "late: its deadline passed " + span_text(past_us) +
                                     " ago by this host's clock, which may differ from the "
                                     "publisher's");
        }
        make_room(call.publisher);
        if (!has_room(call.publisher)) return reject_full(std::move(entry));
        ++stats.delivered;
        remember(std::move(entry));
        return {true, {}};
    }
    /// It is remembered where there is room, so that a repetition gets the same answer.
    Arrived reject_unseen(Entry entry, std::string_view reason) {
        entry.stage = Stage::out;
        make_room(entry.publisher);
        if (!has_room(entry.publisher)) return {false, say_final_word(entry, rejected, reason)};
        return {false, say_final_word(remember(std::move(entry)), rejected, reason)};
    }
    Arrived reject_full(Entry entry) {
        ++stats.full;
        const std::string reason =
            entries.size() >= settings.entries_max
                ? "full: " + std::to_string(entries.size()) +
                      " messages that asked this recipient wait for it, which is its limit"
                : "full: " + std::to_string(count_of(entry.publisher)) +
                      " messages of yours wait for this recipient, which is its limit for one "
                      "publisher";
        return {false, say_final_word(entry, rejected, reason)};
    }

    Arrived on_known(Entry& entry, Now now) {
        if (entry.final_word) {
            ++stats.repeated;
            return {false, repeat_final_word(entry)};
        }
        const bool waits = entry.stage == Stage::turned_away || entry.stage == Stage::queued;
        if (waits && now.steady >= entry.deadline) return {false, reject_late(entry, now.steady)};
        if (entry.stage == Stage::turned_away) {
            ++stats.delivered;
            entry.stage = Stage::offered;
            return {true, {}};
        }
        ++stats.repeated;
        if (entry.asked != AckLevel::processed || entry.stage == Stage::offered) return {};
        return {false, answer(entry, AckLevel::received)};
    }

    /// What was asked for has happened, if it is this.
    std::optional<Ack> on_done(const Nonce& nonce, AckLevel level, Now now) {
        latest = std::max(latest, now.steady);
        Entry* entry = find(nonce);
        if (entry == nullptr || entry->final_word) return std::nullopt;
        move_to(Stage::out, *entry);
        if (entry->asked != level) return std::nullopt;
        return say_final_word(*entry, level);
    }

    static constexpr AckLevel rejected = AckLevel::rejected;

    ResponderSettings settings;
    Stats stats;
    std::unordered_map<Nonce, Entry, NonceHash> entries;
    std::set<std::pair<Instant, Nonce>> order;  ///< By when they are forgotten.
    struct Publisher {
        std::size_t count = 0;  ///< Entries.
        std::list<Nonce> done;  ///< Those with a final word, the oldest first.
    };
    std::unordered_map<std::string, Publisher> publishers;
    Instant latest{};
};

AckResponder::AckResponder(ResponderSettings settings)
    : state_(std::make_unique<State>(std::move(settings))) {}
AckResponder::~AckResponder() = default;

AckResponder::Arrived AckResponder::on_arrival(const AckCall& call, Now now) {
    assert(call.level != AckLevel::rejected);
    assert(call.timeout > microseconds::zero() && call.timeout <= ack_timeout_max);
    State& state = *state_;
    ++state.stats.calls;
    state.expire(now.steady);
    if (State::Entry* entry = state.find(call.subject.nonce)) {
        if (entry->publisher != call.publisher || !same_message(entry->subject, call.subject)) {
            ++state.stats.other_subject;
            return {};
        }
        entry->subject.publisher = call.subject.publisher;
        return state.on_known(*entry, now);
    }
    if (call.repeated) {
        ++state.stats.unknown_repeated;
        return {};
    }
    return state.on_first(call, now);
}

std::optional<Ack> AckResponder::on_queued(const Nonce& nonce, Now now) {
    state_->latest = std::max(state_->latest, now.steady);
    State::Entry* entry = state_->find(nonce);
    if (entry == nullptr || entry->final_word || entry->stage == State::Stage::turned_away) {
        return std::nullopt;
    }
    if (entry->stage == State::Stage::offered) entry->stage = State::Stage::queued;
    if (entry->asked != AckLevel::received) return std::nullopt;
    return state_->say_final_word(*entry, AckLevel::received);
}

void AckResponder::on_not_queued(const Nonce& nonce) {
    State::Entry* entry = state_->find(nonce);
    if (entry == nullptr || entry->stage != State::Stage::offered) return;
    state_->move_to(State::Stage::turned_away, *entry);
}

AckResponder::Start AckResponder::may_start(const Nonce& nonce, Now now) {
    state_->latest = std::max(state_->latest, now.steady);
    State::Entry* entry = state_->find(nonce);
    if (entry == nullptr) return {};
    // Its next repetition will be delivered, so this must not be another one.
    if (entry->stage == State::Stage::turned_away) return {false, {}};
    state_->move_to(State::Stage::out, *entry);
    if (entry->final_word) return {entry->final_word->level == AckLevel::received, {}};
    if (entry->asked == AckLevel::received || now.steady < entry->deadline) return {};
    return {false, state_->reject_late(*entry, now.steady)};
}

std::optional<Ack> AckResponder::on_processed(const Nonce& nonce, Now now) {
    return state_->on_done(nonce, AckLevel::processed, now);
}

std::optional<Ack> AckResponder::on_stored(const Nonce& nonce, Now now) {
    return state_->on_done(nonce, AckLevel::stored, now);
}

std::optional<Ack> AckResponder::on_rejected(const Nonce& nonce, std::string_view reason, Now now) {
    state_->latest = std::max(state_->latest, now.steady);
    State::Entry* entry = state_->find(nonce);
    if (entry == nullptr || entry->final_word) return std::nullopt;
    state_->move_to(State::Stage::out, *entry);
    return state_->say_final_word(*entry, AckLevel::rejected, reason);
}

void AckResponder::expire(Instant now) {
    state_->expire(now);
}

AckStatement AckResponder::statement_of(const Ack& ack) const {
    return {state_->settings.name, ack.level, ack.reason, ack.subject};
}

const AckResponder::Stats& AckResponder::stats() const noexcept {
    return state_->stats;
}

std::size_t AckResponder::entries() const noexcept {
    return state_->entries.size();
}

}  // namespace weft::reliability

#include "reliability/repair/gap_tracker.hpp"

#include <algorithm>
#include <cassert>
#include <functional>
#include <limits>

namespace weft::reliability {
namespace {

using fabric::Instant;
using fabric::Message;

constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
constexpr Instant ask_again_longest = std::chrono::seconds{1};
/// Of what was given up, so much is known for telling late messages from repeated ones.
constexpr std::size_t given_up_known = 8;

}  // namespace

std::string_view name_of(LossReason reason) noexcept {
    switch (reason) {
        case LossReason::waited:
            return "waited";
        case LossReason::not_stored:
            return "not_stored";
        case LossReason::held_full:
            return "held_full";
        case LossReason::no_room:
            return "no_room";
        case LossReason::stopped:
            return "stopped";
    }
    return "";
}

std::size_t GapTracker::KeyHash::operator()(const KeyView& key) const noexcept {
    const std::hash<std::string_view> hash;
    return hash(key.topic) ^ (hash(key.signer) * 31) ^ (key.epoch * 0x9E3779B97F4A7C15U);
}

GapTracker::Stream* GapTracker::find(const KeyView& key) {
    const auto found = streams_.find(key);
    return found == streams_.end() ? nullptr : &found->second;
}

GapTracker::Stream& GapTracker::stream_for(const KeyView& key, Instant now, Events& events) {
    if (Stream* known = find(key)) return *known;
    if (streams_.size() >= limits_.streams_max) make_room(now, events);
    const auto made =
        streams_.try_emplace(Key{std::string{key.signer}, key.epoch, std::string{key.topic}}).first;
    made->second.key = &made->first;
    return made->second;
}

void GapTracker::make_room(Instant now, Events& events) {
    if (remembered_.empty()) {
        Stream& oldest = *by_age_.begin()->second;
        while (!oldest.missing.empty()) {
            give_up(oldest, oldest.missing.first().to, LossReason::no_room, now, events);
        }
    }
    const auto first = remembered_.begin();
    const auto at = streams_.find(first->second->key->view());
    remembered_.erase(first);
    streams_.erase(at);
    ++counted_.streams_forgotten;
}

void GapTracker::on_gap(const fabric::Gap& gap, Instant now, Events& events) {
    if (gap.from == 0 || gap.from > gap.to) return;
    Stream& stream = stream_for({gap.signer, gap.epoch, gap.topic}, now, events);
    if (stream.begins == 0) {
        stream.begins = gap.from;
        stream.settled = stream.top = gap.from - 1;
    }
    if (gap.to <= stream.top) return;  // told already
    const std::uint64_t from = std::max(gap.from, stream.top + 1);
    if (stream.missing.empty()) {
        remembered_.erase({stream.closed, &stream});
        stream.settled = std::max(stream.settled, from - 1);
        stream.age = orders_ + 1;
        by_age_.emplace(stream.age, &stream);
        stream.barren = 0;
        stream.pause = limits_.ask_again;
        stream.progress = {};
        if (!stream.asking) schedule(stream, now + limits_.ask_after);
    }
    stream.missing.open({from, gap.to, ++orders_, now});
    ++holes_;
    stream.top = gap.to;
    keep_limits(now, events);
}

bool GapTracker::on_message(const Message& message, Instant now, Events& events) {
    if (idle()) return true;
    Stream* const known = find({message.signer(), message.epoch(), message.topic()});
    if (known == nullptr) return true;
    Stream& stream = *known;
    const std::uint64_t seq = message.seq();
    // From before the first hole: nobody has repaired that.
    if (seq < stream.begins) return true;
    if (seq <= stream.settled || stream.held.contains(seq)) {
        const bool was_lost = std::any_of(
            stream.given_up.begin(), stream.given_up.end(),
            [&](const auto& range) { return range.first <= seq && seq <= range.second; });
        ++(was_lost ? counted_.late_dropped : counted_.duplicates_dropped);
        return false;
    }
    stream.top = std::max(stream.top, seq);
    if (stream.missing.empty()) {
        stream.settled = seq;
        return true;
    }
    if (take(stream, seq, now)) ++counted_.late;
    place(stream, message, now, events);
    return false;
}

void GapTracker::on_repaired(const Message& message, Instant now, Events& events) {
    Stream* const stream = find({message.signer(), message.epoch(), message.topic()});
    if (stream == nullptr || !take(*stream, message.seq(), now)) {
        ++counted_.unasked_dropped;
        return;
    }
    ++counted_.repaired;
    stream->brought = true;
    place(*stream, message, now, events);
}

bool GapTracker::take(Stream& stream, std::uint64_t seq, Instant now) {
    const std::size_t before = stream.missing.holes();
    if (!stream.missing.take(seq)) return false;
    holes_ = holes_ + stream.missing.holes() - before;
    stream.progress = now;
    return true;
}

/// What is not missing (any more) and not settled.
void GapTracker::place(Stream& stream, const Message& message, Instant now, Events& events) {
    if (stream.missing.empty() || message.seq() < stream.missing.first().from) {
        // Everything held lies behind it, and behind the first hole.
        if (stream.held.empty() || message.seq() < stream.held.begin()->first) {
            release(stream, message, events);
        } else {
            hold(stream, message);
        }
        drain(stream, now, events);
    } else {
        hold(stream, message);
    }
    keep_limits(now, events);
}

void GapTracker::release(Stream& stream, const Message& message, Events& events) {
    tell_lost(stream, events);
    stream.settled = message.seq();
    events.emplace_back(message);
}

void GapTracker::hold(Stream& stream, const Message& message) {
    stream.held.emplace(message.seq(), message);
    ++held_;
    held_bytes_ += message.content().size();
}

/// Of the first hole.
void GapTracker::give_up(Stream& stream, std::uint64_t to, LossReason reason, Instant now,
                         Events& events) {
    const MissingNumbers::Hole hole = stream.missing.first();
    const std::size_t before = stream.missing.holes();
    stream.missing.take_first_through(to);
    holes_ = holes_ + stream.missing.holes() - before;
    if (stream.lost && stream.lost->reason != reason) tell_lost(stream, events);
    if (!stream.lost) {
        stream.lost.emplace();
        stream.lost->signer = stream.key->signer;
        stream.lost->epoch = stream.key->epoch;
        stream.lost->topic = stream.key->topic;
        stream.lost->from = hole.from;
    }
    const std::uint64_t count = to - hole.from + 1;  // from is not 0, so this is no overflow
    stream.lost->to = to;
    stream.lost->count += count;
    stream.lost->reason = reason;
    counted_.given_up_messages =
        counted_.given_up_messages > most - count ? most : counted_.given_up_messages + count;
    stream.settled = to;
    drain(stream, now, events);
}

void GapTracker::tell_lost(Stream& stream, Events& events) {
    if (!stream.lost) return;
    if (stream.given_up.size() >= given_up_known) stream.given_up.erase(stream.given_up.begin());
    stream.given_up.emplace_back(stream.lost->from, stream.lost->to);
    ++counted_.given_up_holes[static_cast<std::size_t>(stream.lost->reason)];
    events.emplace_back(std::move(*stream.lost));
    stream.lost.reset();
}

/// Hands over what is no longer behind a hole.
void GapTracker::drain(Stream& stream, Instant now, Events& events) {
    const bool whole = stream.missing.empty();
    const std::uint64_t until = whole ? 0 : stream.missing.first().from;
    while (!stream.held.empty() && (whole || stream.held.begin()->first < until)) {
        const auto next = stream.held.begin();
        release(stream, next->second, events);
        --held_;
        held_bytes_ -= next->second.content().size();
        stream.held.erase(next);
    }
    if (stream.lost && (whole || until != stream.lost->to + 1)) tell_lost(stream, events);
    if (whole) return close(stream, now);
    const std::uint64_t age = stream.missing.first().order;
    if (age == stream.age) return;
    by_age_.erase({stream.age, &stream});
    stream.age = age;
    by_age_.emplace(age, &stream);
}

void GapTracker::close(Stream& stream, Instant now) {
    by_age_.erase({stream.age, &stream});
    to_ask_.erase({stream.ask_at, &stream});
    stream.age = 0;
    stream.closed = now;
    remembered_.emplace(now, &stream);
}

void GapTracker::keep_limits(Instant now, Events& events) {
    while (waiting()) {
        const bool held_full = held_ > limits_.held_max || held_bytes_ > limits_.held_bytes_max;
        if (!held_full && holes_ <= limits_.holes_max) return;
        Stream& oldest = *by_age_.begin()->second;
        give_up(oldest, oldest.missing.first().to,
                held_full ? LossReason::held_full : LossReason::no_room, now, events);
    }
}

void GapTracker::schedule(Stream& stream, Instant at) {
    to_ask_.erase({stream.ask_at, &stream});
    stream.ask_at = at;
    to_ask_.emplace(at, &stream);
}

std::optional<StreamRange> GapTracker::next_question(Instant now) {
    if (to_ask_.empty() || to_ask_.begin()->first > now) return std::nullopt;
    Stream& stream = *to_ask_.begin()->second;
    to_ask_.erase(to_ask_.begin());
    stream.asking = true;
    stream.brought = false;
    ++counted_.questions;
    return StreamRange{stream.key->signer, stream.key->epoch, stream.key->topic,
                       stream.missing.first().from, stream.missing.question_end(ask_numbers_max)};
}

bool GapTracker::is_missing(const StreamRange& range) const {
    const auto found = streams_.find(KeyView{range.signer, range.epoch, range.topic});
    return found != streams_.end() && found->second.missing.any_in(range.from, range.to);
}

void GapTracker::on_answered(const StreamRange& question, Answer answer, Instant now,
                             Events& events) {
    Stream* const stream = find({question.signer, question.epoch, question.topic});
    if (stream == nullptr || !stream->asking) return;
    stream->asking = false;
    if (stream->missing.empty()) return;
    if (stream->brought) {
        stream->barren = 0;
        stream->pause = limits_.ask_again;
    }
    if (stream->missing.first().from > question.to) return schedule(*stream, now);
    if (answer == Answer::unsure) {
        return stream->brought ? schedule(*stream, now) : ask_later(*stream, now);
    }
    if (now - stream->missing.first().opened < limits_.sure_after) return ask_later(*stream, now);
    give_up_absent(*stream, question, now, events);
}

void GapTracker::ask_later(Stream& stream, Instant now) {
    schedule(stream, now + stream.pause);
    stream.pause = std::min(stream.pause * 2, ask_again_longest);
}

/// Of what was asked for, and long enough ago.
void GapTracker::give_up_absent(Stream& stream, const StreamRange& question, Instant now,
                                Events& events) {
    const MissingNumbers::Hole begun = stream.missing.first();
    if (!stream.brought) ++stream.barren;
    const bool hopeless = stream.barren >= limits_.barren_max;
    while (!stream.missing.empty()) {
        const MissingNumbers::Hole hole = stream.missing.first();
        if (hole.from > question.to || now - hole.opened < limits_.sure_after) break;
        give_up(stream, std::min(hole.to, question.to), LossReason::not_stored, now, events);
    }
    if (stream.missing.empty()) return;
    if (hopeless && stream.missing.first().order == begun.order) {
        stream.barren = 0;
        give_up(stream, stream.missing.first().to, LossReason::not_stored, now, events);
        if (stream.missing.empty()) return;
    }
    schedule(stream, now);
}

void GapTracker::tick(Instant now, Events& events) {
    std::vector<Stream*> due;
    for (const auto& [age, stream] : by_age_) {
        const Instant opened = stream->missing.first().opened;
        if (now - opened < limits_.wait) break;  // so are all that follow
        if (now - std::max(opened, stream->progress) >= limits_.wait) due.push_back(stream);
    }
    for (Stream* stream : due) {
        while (!stream->missing.empty()) {
            const MissingNumbers::Hole hole = stream->missing.first();
            if (now - std::max(hole.opened, stream->progress) < limits_.wait) break;
            give_up(*stream, hole.to, LossReason::waited, now, events);
        }
    }
    while (!remembered_.empty() && now - remembered_.begin()->first >= limits_.remember) {
        const auto at = streams_.find(remembered_.begin()->second->key->view());
        remembered_.erase(remembered_.begin());
        streams_.erase(at);
    }
}

void GapTracker::finish(Instant now, Events& events) {
    while (waiting()) {
        Stream& oldest = *by_age_.begin()->second;
        give_up(oldest, oldest.missing.first().to, LossReason::stopped, now, events);
    }
}

RepairStats GapTracker::stats() const noexcept {
    RepairStats stats = counted_;
    stats.holes_open = holes_;
    stats.held = held_;
    stats.held_bytes = held_bytes_;
    stats.streams_waiting = by_age_.size();
    stats.streams_remembered = remembered_.size();
    return stats;
}

}  // namespace weft::reliability

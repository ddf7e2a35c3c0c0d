#include "reliability/cursor/consumer_group.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "reliability/ack/statement.hpp"
#include "signing/certificate.hpp"

namespace weft::reliability {

using fabric::Instant;

ConsumerGroup::ConsumerGroup(std::string name, const GroupSettings& settings, Position position)
    : name_(std::move(name)),
      settings_(settings),
      epoch_(position.epoch),
      through_(position.id),
      head_changed_(true) {}

// Messages come in.

std::size_t ConsumerGroup::room() const noexcept {
    return in_flight_max - std::min(in_flight_max, entries_.size());
}

void ConsumerGroup::offer(const std::vector<Candidate>& candidates, JournalId through) {
    assert(candidates.size() <= room());
    if (through <= through_) return;
    for (const Candidate& candidate : candidates) {
        assert(candidate.id > through_ && candidate.id <= through);
        add(candidate.id, keyed() ? candidate.key : 0, 0);
    }
    through_ = through;
    head_changed_ = true;
}

void ConsumerGroup::gone(JournalId id) {
    if (!entries_.contains(id)) return;
    ++counted_.lost;
    erase(id);
}

void ConsumerGroup::change(const GroupSettings& settings) {
    assert((settings.mode == GroupSettings::Mode::keyed) == keyed());
    settings_ = settings;
    active_.clear();
}

void ConsumerGroup::touch(JournalId id) {
    chunks_changed_.insert(id / group_chunk_ids);
}

void ConsumerGroup::add(JournalId id, std::uint64_t key, std::uint8_t attempts) {
    Entry entry;
    entry.attempts = attempts;
    entry.key = key;
    const auto [at, added] = entries_.emplace(id, entry);
    assert(added);
    if (keyed()) keys_[key].ids.insert(id);
    place_waiting(id, at->second);
}

void ConsumerGroup::erase(JournalId id) {
    const auto found = entries_.find(id);
    unplace(id, found->second);
    if (keyed()) {
        const auto key = keys_.find(found->second.key);
        key->second.ids.erase(id);
        if (key->second.ids.empty()) keys_.erase(key);
    }
    entries_.erase(found);
    touch(id);
}

void ConsumerGroup::unplace(JournalId id, Entry& entry) {
    switch (entry.is) {
        case Entry::Is::waiting:
            waiting_.erase(id);
            break;
        case Entry::Is::delayed:
            delayed_.erase({entry.until, id});
            break;
        case Entry::Is::leased:
            leases_.erase({entry.until, id});
            --entry.member->second.leases;
            entry.member = nullptr;
            if (keyed()) {
                Key& key = keys_.at(entry.key);
                if (--key.leased == 0) key.owner = nullptr;
            }
            break;
    }
}

void ConsumerGroup::lease_to(Members::value_type& member, JournalId id, Entry& entry,
                             Instant until) {
    entry.is = Entry::Is::leased;
    entry.until = until;
    entry.member = &member;
    // After a restart its last attempt may be out already: then that one is repeated.
    entry.attempts =
        static_cast<std::uint8_t>(std::min<unsigned>(entry.attempts + 1U, settings_.max_attempts));
    leases_.emplace(until, id);
    ++member.second.leases;
    if (keyed()) {
        Key& key = keys_.at(entry.key);
        key.owner = &member;
        ++key.leased;
    }
    touch(id);
}

void ConsumerGroup::place_waiting(JournalId id, Entry& entry) {
    entry.is = Entry::Is::waiting;
    waiting_.insert(id);
    touch(id);
}

// Members.

ConsumerGroup::Members::value_type* ConsumerGroup::seen(const std::string& name, Now now) {
    assert(signing::name_error(name).empty());
    if (!members_.contains(name) && members_.size() >= members_max) {
        auto oldest = members_.end();
        for (auto member = members_.begin(); member != members_.end(); ++member) {
            if (member->second.leases > 0 || member->first == active_) continue;
            if (oldest == members_.end() || member->second.seen < oldest->second.seen) {
                oldest = member;
            }
        }
        if (oldest == members_.end()) return nullptr;
        members_.erase(oldest);
    }
    auto& member = *members_.try_emplace(name).first;
    member.second.seen = now.steady;
    return &member;
}

bool ConsumerGroup::may_act(const Members::value_type& member, std::chrono::milliseconds lease,
                            Now now) {
    if (settings_.mode != GroupSettings::Mode::exclusive) return true;
    if (!active_.empty() && active_ != member.first) return false;
    active_ = member.first;
    active_until_ = std::max(active_until_, now.steady + lease);
    return true;
}

bool ConsumerGroup::key_is_free(JournalId id, const Entry& entry,
                                const Members::value_type& member) const {
    const Key& key = keys_.at(entry.key);
    if (key.owner != nullptr && key.owner != &member) return false;
    const auto at = key.ids.find(id);
    return at == key.ids.begin() || entries_.at(*std::prev(at)).member != nullptr;
}

ConsumerGroup::Next ConsumerGroup::none(Next::Why why, std::string sentence) const {
    Next next;
    next.why = why;
    next.sentence = "group '" + name_ + "': " + std::move(sentence);
    return next;
}

ConsumerGroup::Next ConsumerGroup::nothing_now() const {
    if (room() == 0 && waiting_.empty()) {
        return none(Next::Why::all_in_flight,
                    std::to_string(in_flight_max) +
                        " messages are handed out or wait for another attempt, which is as many as "
                        "there may be; acknowledge some or give them back");
    }
    if (!waiting_.empty()) {
        return none(Next::Why::keys_busy,
                    std::to_string(waiting_.size()) +
                        " messages wait for earlier ones of the same topic and signer, which other "
                        "members have or which wait for another attempt");
    }
    return none(Next::Why::nothing_waits, "there is nothing to do now");
}

ConsumerGroup::Next ConsumerGroup::next(const std::string& name, std::size_t max,
                                        std::chrono::milliseconds lease, Now now) {
    expire(now);
    auto* const member = seen(name, now);
    if (member == nullptr) {
        return none(Next::Why::no_room, "it has 1000 members with messages, and takes no more");
    }
    if (!may_act(*member, lease, now)) {
        return none(Next::Why::standby,
                    "member '" + active_ + "' is the active one; '" + name + "' stands by");
    }
    Next next;
    for (auto at = waiting_.begin(); at != waiting_.end() && next.leases.size() < max;) {
        const JournalId id = *at;
        Entry& entry = entries_.at(id);
        if (keyed() && !key_is_free(id, entry, *member)) {
            ++at;
            continue;
        }
        at = waiting_.erase(at);
        lease_to(*member, id, entry, now.steady + lease);
        if (entry.attempts > 1) ++counted_.redelivered;
        next.leases.push_back({id, entry.attempts, entry.until});
    }
    return next.leases.empty() ? nothing_now() : next;
}

ConsumerGroup::Answer ConsumerGroup::answer_for_missing(JournalId id) const {
    const std::string message = "message " + std::to_string(id);
    if (dead_.contains(id)) {
        return {id, Answer::Is::lost,
                message +
                    " is a dead letter, by its attempts or because it was buried; retry or "
                    "drop it there"};
    }
    if (id == 0 || id > through_) {
        return {id, Answer::Is::unknown,
                message + " was never handed out by group '" + name_ + "'"};
    }
    return {id, Answer::Is::already, ""};
}

ConsumerGroup::Entry* ConsumerGroup::held(const std::string& member, JournalId id, Answer& answer) {
    const auto found = entries_.find(id);
    if (found == entries_.end()) {
        answer = answer_for_missing(id);
        return nullptr;
    }
    Entry& entry = found->second;
    const std::string message = "message " + std::to_string(id);
    if (entry.is == Entry::Is::leased && entry.member->first == member) {
        answer = {id, Answer::Is::done, ""};
        return &entry;
    }
    if (entry.is == Entry::Is::leased) {
        answer = {id, Answer::Is::lost,
                  "the lease on " + message + " had ended, and '" + entry.member->first +
                      "' has it now; ask for longer leases, or extend them"};
    } else if (entry.attempts == 0) {
        answer = {id, Answer::Is::unknown, message + " waits, and is with no member"};
    } else if (keyed()) {
        answer = {
            id, Answer::Is::lost,
            "the lease on " + message + " had ended, and it will be handed out again in its order"};
    } else {
        answer = {id, Answer::Is::late,
                  "the lease on " + message + " had ended; nobody else had it yet"};
    }
    return nullptr;
}

std::vector<ConsumerGroup::Answer> ConsumerGroup::ack(const std::string& member,
                                                      const std::vector<JournalId>& ids, Now now) {
    expire(now);
    if (active_ == member) active_until_ = std::max(active_until_, now.steady + settings_.lease);
    std::vector<Answer> answers;
    for (const JournalId id : ids) {
        Answer answer;
        const bool own = held(member, id, answer) != nullptr;
        if (own || answer.is == Answer::Is::late) {
            erase(id);
            ++counted_.acknowledged;
        }
        answers.push_back(std::move(answer));
    }
    return answers;
}

ConsumerGroup::Answer ConsumerGroup::nack(const std::string& member, JournalId id,
                                          std::string_view reason, std::chrono::milliseconds delay,
                                          Now now) {
    expire(now);
    Answer answer;
    if (held(member, id, answer) != nullptr) {
        const auto wait = std::clamp(delay, std::chrono::milliseconds{0}, delay_max);
        failed(id, reason, now.steady + wait, now);
    } else if (answer.is == Answer::Is::late) {
        answer.is = Answer::Is::lost;
    }
    return answer;
}

ConsumerGroup::Answer ConsumerGroup::bury(const std::string& member, JournalId id,
                                          std::string_view reason, Now now) {
    expire(now);
    Answer answer;
    if (held(member, id, answer) != nullptr) {
        make_dead(id, reason, now.utc_us);
    } else if (answer.is == Answer::Is::late) {
        answer.is = Answer::Is::lost;
    }
    return answer;
}

ConsumerGroup::Answer ConsumerGroup::extend(const std::string& member, JournalId id,
                                            std::chrono::milliseconds lease, Now now) {
    expire(now);
    Answer answer;
    if (Entry* const entry = held(member, id, answer)) {
        leases_.erase({entry->until, id});
        entry->until = now.steady + lease;
        leases_.emplace(entry->until, id);
        entry->member->second.seen = now.steady;
    } else if (answer.is == Answer::Is::late) {
        answer.is = Answer::Is::lost;
    }
    return answer;
}

std::vector<ConsumerGroup::Answer> ConsumerGroup::extend(const std::string& member,
                                                         const std::vector<JournalId>& ids,
                                                         std::chrono::milliseconds lease, Now now) {
    std::vector<Answer> answers;
    for (const JournalId id : ids) answers.push_back(extend(member, id, lease, now));
    return answers;
}

void ConsumerGroup::give_back(const std::string& member, const std::vector<JournalId>& ids) {
    for (const JournalId id : ids) {
        const auto found = entries_.find(id);
        if (found == entries_.end()) continue;
        Entry& entry = found->second;
        if (entry.is != Entry::Is::leased || entry.member->first != member) continue;
        unplace(id, entry);
        --entry.attempts;
        place_waiting(id, entry);
        if (keyed()) take_later_back(id, entry.key);
    }
}

bool ConsumerGroup::leave(const std::string& name, Now now) {
    expire(now);
    const auto member = members_.find(name);
    if (member == members_.end()) return false;
    std::vector<JournalId> had;
    for (const auto& [until, id] : leases_) {
        if (entries_.at(id).member == &*member) had.push_back(id);
    }
    give_back(name, had);
    if (active_ == name) active_.clear();
    members_.erase(member);
    return true;
}

// Failures and time.

void ConsumerGroup::take_later_back(JournalId id, std::uint64_t key) {
    const std::set<JournalId>& of_key = keys_.at(key).ids;
    for (auto later = of_key.upper_bound(id); later != of_key.end(); ++later) {
        Entry& entry = entries_.at(*later);
        if (entry.is != Entry::Is::leased) continue;
        unplace(*later, entry);
        --entry.attempts;
        place_waiting(*later, entry);
    }
}

void ConsumerGroup::failed(JournalId id, std::string_view reason, Instant again, Now now) {
    Entry& entry = entries_.at(id);
    if (entry.attempts >= settings_.max_attempts) {
        make_dead(id, reason, now.utc_us);
        return;
    }
    unplace(id, entry);
    if (again > now.steady) {
        entry.is = Entry::Is::delayed;
        entry.until = again;
        delayed_.emplace(again, id);
        touch(id);
    } else {
        place_waiting(id, entry);
    }
    if (keyed()) take_later_back(id, entry.key);
}

void ConsumerGroup::make_dead(JournalId id, std::string_view reason, std::uint64_t utc_us) {
    const Entry& entry = entries_.at(id);
    DeadLetter letter;
    letter.id = id;
    letter.attempts = entry.attempts;
    letter.member = entry.member->first;
    letter.reason = fitting_reason(reason);
    letter.died_us = utc_us;
    letter.key = entry.key;
    erase(id);
    dead_[id] = std::move(letter);
    dead_changed_.insert(id);
    ++counted_.buried;
    head_changed_ = true;
    if (dead_.size() <= dead_max) return;
    dead_changed_.insert(dead_.begin()->first);
    dead_.erase(dead_.begin());
    ++counted_.dead_dropped;
}

void ConsumerGroup::expire(Now now) {
    while (!leases_.empty() && leases_.begin()->first <= now.steady) {
        failed(leases_.begin()->second, "it was not acknowledged within its lease", now.steady,
               now);
    }
    while (!delayed_.empty() && delayed_.begin()->first <= now.steady) {
        const JournalId id = delayed_.begin()->second;
        Entry& entry = entries_.at(id);
        unplace(id, entry);
        place_waiting(id, entry);
    }
    if (active_.empty() || active_until_ > now.steady) return;
    const auto active = members_.find(active_);
    if (active == members_.end() || active->second.leases == 0) active_.clear();
}

std::optional<Instant> ConsumerGroup::next_due() const {
    std::optional<Instant> due;
    const auto sooner = [&](Instant at) { due = due ? std::min(*due, at) : at; };
    if (!leases_.empty()) sooner(leases_.begin()->first);
    if (!delayed_.empty()) sooner(delayed_.begin()->first);
    // With leases its time as the active one ends no sooner than they do.
    if (!active_.empty() && leases_.empty()) sooner(active_until_);
    return due;
}

// Dead letters.

std::vector<DeadLetter> ConsumerGroup::dead(JournalId after, std::size_t limit) const {
    std::vector<DeadLetter> letters;
    for (auto at = dead_.upper_bound(after); at != dead_.end() && letters.size() < limit; ++at) {
        letters.push_back(at->second);
    }
    return letters;
}

const DeadLetter* ConsumerGroup::dead_letter(JournalId id) const {
    const auto found = dead_.find(id);
    return found == dead_.end() ? nullptr : &found->second;
}

std::string ConsumerGroup::retry(JournalId id) {
    const auto found = dead_.find(id);
    if (found == dead_.end()) return "there is no dead letter " + std::to_string(id);
    if (room() == 0) return nothing_now().sentence;
    if (!entries_.contains(id)) add(id, found->second.key, 0);
    dead_.erase(found);
    dead_changed_.insert(id);
    return "";
}

bool ConsumerGroup::drop(JournalId id) {
    if (dead_.erase(id) == 0) return false;
    dead_changed_.insert(id);
    return true;
}

}  // namespace weft::reliability

#include "tests/fault/journal_world/sim_group.hpp"

#include <algorithm>

namespace weft::fault {

using namespace reliability;
using Answer = ConsumerGroup::Answer;

namespace {

constexpr const char* group = "workers";

}  // namespace

SimGroup::SimGroup(SimJournal& journal, Scene& scene) : journal_(journal), scene_(scene) {
    settings_.mode = scene.random.one_of<GroupSettings::Mode>(
        {GroupSettings::Mode::shared, GroupSettings::Mode::shared, GroupSettings::Mode::keyed,
         GroupSettings::Mode::exclusive});
    settings_.lease = milliseconds{scene.random.between(100, 600)};
    settings_.max_attempts = static_cast<unsigned>(scene.random.between(2, 5));
    for (std::uint64_t i = scene.random.between(2, 4); i > 0; --i) {
        members_.push_back({"member" + std::to_string(i), {}});
    }
}

bool SimGroup::make() {
    if (!made_) {
        made_ = journal_.groups()
                    ->put(group, {}, {.kind = Start::Kind::beginning}, settings_)
                    .has_value();
    }
    // Leases do not outlive a restart of the journal.
    if (life_ != journal_.life()) {
        leases_.clear();
        dead_.clear();  // those that were not written come again
    }
    life_ = journal_.life();
    std::vector<JournalId> ended;
    for (const auto& [id, lease] : leases_) {
        if (lease.until <= scene_.log.now) ended.push_back(id);
    }
    for (const JournalId id : ended) end_lease(id);
    return made_;
}

std::string SimGroup::topic_of(JournalId id) const {
    const auto found = topics_.find(id);
    return found == topics_.end() ? std::string{} : found->second;
}

void SimGroup::crash(std::size_t number) {
    ++scene_.figures.member_crashes;
    members_[number].has.clear();
}

void SimGroup::turn(std::size_t number) {
    if (journal_.groups() == nullptr || !make()) return journal_.after_use();
    Member& member = members_[number];
    if (member.has.empty())
        take(member);
    else
        work(member);
    while (scene_.healed && !member.has.empty()) work(member);
    journal_.after_use();
}

void SimGroup::work(Member& member) {
    const std::size_t at = scene_.random.below(member.has.size());
    const Work work = member.has[at];
    member.has.erase(member.has.begin() + static_cast<std::ptrdiff_t>(at));
    finish(member, work);
}

void SimGroup::take(Member& member) {
    const auto next = journal_.groups()->next(group, member.name, scene_.random.between(1, 4));
    if (!next && settings_.mode == GroupSettings::Mode::keyed) {
        // What could not be read was given back, and with it later ones of its key, if it was a
        // dead letter that is tried again.
        for (auto& [id, lease] : leases_) lease.unsure |= lease.member == member.name;
    }
    if (!next) return;
    for (const LeasedMessage& message : next->messages) leased(member, message);
    // In the order in which they were given.
    if (settings_.mode != GroupSettings::Mode::shared) {
        std::reverse(member.has.begin(), member.has.end());
    }
}

void SimGroup::leased(Member& member, const LeasedMessage& message) {
    const JournalId id = message.message.id();
    ++scene_.figures.leased;
    scene_.figures.redelivered += message.attempt > 1;
    const std::string what = "message " + std::to_string(id);
    scene_.log.trace([&] {
        return member.name + " of " + journal_.name() + " gets " + std::to_string(id) +
               ", attempt " + std::to_string(message.attempt) + ", for " +
               std::to_string(message.lease.count()) + " ms";
    });
    topics_[id] = message.message.run.topic;
    if (acknowledged_.contains(id)) {
        violation(what + " is handed out, and was acknowledged before");
    }
    if (dead_.contains(id) && !retried_.contains(id)) {
        violation(what + " is handed out, and is a dead letter");
    }
    if (message.attempt == 0 || message.attempt > settings_.max_attempts) {
        violation(what + " has attempt " + std::to_string(message.attempt) + " of " +
                  std::to_string(settings_.max_attempts));
    }
    const auto held = leases_.find(id);
    if (held != leases_.end() && held->second.until > scene_.log.now && !held->second.unsure) {
        violation(what + " is handed to " + member.name + ", and " + held->second.member +
                  " has a lease on it");
    }
    if (settings_.mode == GroupSettings::Mode::keyed) check_keyed(member, id);
    if (settings_.mode == GroupSettings::Mode::exclusive) {
        for (const auto& [other, lease] : leases_) {
            if (lease.until > scene_.log.now && lease.member != member.name) {
                violation(what + " is handed to " + member.name + ", and " + lease.member +
                          " is the active one");
            }
        }
    }
    const Instant until = scene_.log.now + message.lease;
    leases_[id] = {member.name, until, message.attempt};
    member.has.push_back({id, until});
}

void SimGroup::check_keyed(const Member& member, JournalId id) {
    for (const auto& [other, lease] : leases_) {
        if (lease.unsure) continue;
        if (other == id || lease.until <= scene_.log.now || lease.member == member.name) continue;
        if (topic_of(other) == topic_of(id)) {
            violation("messages " + std::to_string(other) + " and " + std::to_string(id) +
                      " of one key are with " + lease.member + " and " + member.name);
        }
    }
}

/// The lease on it, and in mode keyed on later ones of its key. But a dead letter is done, and
/// leaves the later ones where they are.
void SimGroup::end_lease(JournalId id) {
    const auto held = leases_.find(id);
    if (held == leases_.end()) return;
    const bool was_last = held->second.attempt >= settings_.max_attempts;
    leases_.erase(held);
    if (settings_.mode != GroupSettings::Mode::keyed || was_last) return;
    std::erase_if(leases_, [&](const auto& one) {
        return one.first > id && topic_of(one.first) == topic_of(id);
    });
}

void SimGroup::finish(Member& member, Work work) {
    Random& random = scene_.random;
    const std::uint64_t dice = scene_.healed ? 999 : random.below(1000);
    const auto tell = [&](const char* what) {
        scene_.log.trace([&] {
            return member.name + " of " + journal_.name() + what + std::to_string(work.id);
        });
    };
    if (dice < 120) {
        tell(" gives back ");
        give_back(member, work.id);
    } else if (dice < 170) {
        // The lease will end.
        tell(" forgets ");
    } else if (dice < 230) {
        tell(" needs longer for ");
        const auto extended = journal_.groups()->extend(group, member.name, work.id);
        if (extended && extended->is == Answer::Is::done) {
            work.until = scene_.log.now + settings_.lease;
            leases_[work.id].until = work.until;
        }
        member.has.push_back(work);
    } else if (dice < 250) {
        tell(" leaves, and has not done ");
        // Whether that could be written, or not.
        static_cast<void>(journal_.groups()->leave(group, member.name));
        std::erase_if(leases_, [&](const auto& one) { return one.second.member == member.name; });
        member.has.clear();
    } else {
        acknowledge(member, work.id);
    }
}

bool SimGroup::has_live(const Member& member, JournalId id) const {
    const auto held = leases_.find(id);
    return held != leases_.end() && held->second.member == member.name &&
           held->second.until > scene_.log.now && !held->second.unsure;
}

void SimGroup::acknowledge(Member& member, JournalId id) {
    const bool live = has_live(member, id);
    const auto answers = journal_.groups()->ack(group, member.name, {id});
    // Not written, or nobody knows: it may be done in memory, and come again.
    if (!answers) {
        unsure_.insert(id);
        if (live) leases_.erase(id);
        return;
    }
    const Answer& answer = answers->front();
    if (live && !answer.counts()) {
        violation("message " + std::to_string(id) + " is acknowledged within its lease by " +
                  member.name + " and not counted: " + answer.sentence);
    }
    if (!answer.counts()) {
        ++scene_.figures.lost_leases;
        return;
    }
    if (answer.is == Answer::Is::late) ++scene_.figures.late_acks;
    if (answer.is == Answer::Is::already && !unsure_.contains(id) && !acknowledged_.contains(id) &&
        !journal_.oracle.may_be_forgotten(id)) {
        violation("message " + std::to_string(id) + " is called done, and nobody did it");
    }
    ++scene_.figures.acknowledged;
    acknowledged_.insert(id);
    leases_.erase(id);
    scene_.log.trace([&] {
        return member.name + " of " + journal_.name() + " has acknowledged " + std::to_string(id);
    });
}

void SimGroup::give_back(Member& member, JournalId id) {
    ++scene_.figures.nacks;
    if (scene_.random.permille(200)) return reject(member, id);
    const milliseconds delay{scene_.random.permille(500) ? scene_.random.below(200) : 0};
    const bool live = has_live(member, id);
    const auto answer = journal_.groups()->nack(group, member.name, id, "does not work", delay);
    // Done in memory, whether it could be written or not.
    if (answer ? answer->is == Answer::Is::done : live) end_lease(id);
}

void SimGroup::reject(Member& member, JournalId id) {
    const bool live = has_live(member, id);
    const auto answer = journal_.groups()->bury(group, member.name, id, "will never work");
    // Unanswered, it may be a dead letter after all.
    if (!answer || answer->is == Answer::Is::done) rejected_.insert(id);
    // A dead letter leaves the later ones of its key where they are.
    if (answer ? answer->is == Answer::Is::done : live) leases_.erase(id);
}

void SimGroup::look_at_dead() {
    const auto dead = journal_.groups()->dead(group);
    if (!dead) return;
    for (const DeadLetter& letter : *dead) {
        if (letter.attempts != settings_.max_attempts && !rejected_.contains(letter.id)) {
            violation("message " + std::to_string(letter.id) + " is a dead letter after " +
                      std::to_string(letter.attempts) + " attempts of " +
                      std::to_string(settings_.max_attempts));
        }
        if (acknowledged_.contains(letter.id)) {
            violation("message " + std::to_string(letter.id) +
                      " is a dead letter, and was acknowledged");
        }
        if (dead_.emplace(letter.id, letter.attempts).second) ++scene_.figures.dead;
    }
}

void SimGroup::operate() {
    if (journal_.groups() == nullptr || !make()) return;
    look_at_dead();
    if (journal_.groups() != nullptr && !dead_.empty() && scene_.random.permille(300)) {
        const JournalId id = dead_.begin()->first;
        if (journal_.groups()->retry(group, id)) ++scene_.figures.retried;
        retried_.insert(id);
    }
    journal_.after_use();
}

void SimGroup::end() {
    if (!made_) return;
    look_at_dead();
    const auto letters = journal_.groups()->dead(group);
    std::set<JournalId> dead;
    if (letters) {
        for (const DeadLetter& letter : *letters) dead.insert(letter.id);
    }
    for (const auto& [id, told] : journal_.oracle.known()) {
        const bool done = acknowledged_.contains(id) || dead.contains(id) || unsure_.contains(id);
        if (!done && journal_.oracle.shows(id)) {
            violation("message " + std::to_string(id) + " (" + told.number.text() +
                      ") is neither acknowledged nor a dead letter");
        }
    }
    const auto view = journal_.groups()->show(group);
    if (view && view->cursor.position.id != journal_.oracle.head()) {
        violation("its cursor stands at " + std::to_string(view->cursor.position.id) +
                  ", and the head is " + std::to_string(journal_.oracle.head()));
    }
}

}  // namespace weft::fault

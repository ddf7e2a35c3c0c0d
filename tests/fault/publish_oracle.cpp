#include "tests/fault/publish_oracle.hpp"

#include <algorithm>

namespace weft::fault {
namespace {

using reliability::AckLevel;
using reliability::Outcome;
using reliability::RecipientAnswer;
using Verdict = Outcome::Verdict;
using Answer = Expression::Answer;

/// A level that answers what was asked (A4), written as a list.
bool enough(AckLevel asked, AckLevel said) {
    switch (asked) {
        case AckLevel::received:
            return said == AckLevel::received || said == AckLevel::stored ||
                   said == AckLevel::processed;
        case AckLevel::stored:
            return said == AckLevel::stored;
        case AckLevel::processed:
            return said == AckLevel::processed;
        case AckLevel::rejected:
            break;
    }
    return false;
}

bool role_allows(AckLevel said, const reliability::AckSigner& signer) {
    if (said == AckLevel::stored) return signer.may_store;
    if (said == AckLevel::rejected) return signer.may_store || signer.may_acknowledge;
    return signer.may_acknowledge && (said == AckLevel::received || said == AckLevel::processed);
}

fabric::Instant deadline_of(const PublishOracle::Publish& publish) {
    return publish.start + publish.timeout;
}

}  // namespace

void PublishOracle::known_as(Life life, const signing::Digest& fingerprint) {
    fingerprints_[life].insert(fingerprint);
}

void PublishOracle::opened(Publish publish) {
    const auto nonce = publish.nonce;
    by_number_[publish.number] = nonce;
    deadlines_.emplace(deadline_of(publish), nonce);
    open_[nonce].publish = std::move(publish);
    ++log_.figures.publishes;
}

void PublishOracle::bound(const reliability::Nonce& nonce, const reliability::AckSubject& subject) {
    const auto wait = open_.find(nonce);
    if (wait != open_.end()) wait->second.subject = subject;
}

void PublishOracle::forget(const reliability::Nonce& nonce) {
    const auto wait = open_.find(nonce);
    if (wait == open_.end()) return;
    deadlines_.erase({deadline_of(wait->second.publish), nonce});
    decided_.erase(nonce);
    open_.erase(wait);
}

void PublishOracle::cancelled(const reliability::Nonce& nonce) {
    if (open_.contains(nonce)) ++log_.figures.cancelled;
    forget(nonce);
}

void PublishOracle::sent_again(const reliability::Nonce& nonce) {
    ++log_.figures.resent;
    const auto wait = open_.find(nonce);
    if (wait == open_.end()) {
        log_.violation("a message is sent again that nobody waits for any more");
        return;
    }
    ++wait->second.resent;
    if (!wait->second.subject) complain(wait->second, "it is sent again before it was bound");
    if (log_.now >= deadline_of(wait->second.publish)) {
        complain(wait->second, "it is sent again after its deadline");
    }
}

void PublishOracle::killed(Life life) {
    std::vector<reliability::Nonce> gone;
    for (const auto& [nonce, wait] : open_) {
        if (wait.publish.life == life) gone.push_back(nonce);
    }
    for (const auto& nonce : gone) forget(nonce);
    log_.figures.died += gone.size();
}

bool PublishOracle::genuine(const Wait& wait, const reliability::AckStatement& ack,
                            const reliability::AckSigner& signer) const {
    const auto names = wait.publish.expression.names();
    const auto fingerprints = fingerprints_.find(wait.publish.life);
    return wait.subject && signer.name == ack.recipient &&
           std::find(names.begin(), names.end(), ack.recipient) != names.end() &&
           ack.subject.id == wait.subject->id && ack.subject.digest == wait.subject->digest &&
           ack.subject.epoch == wait.subject->epoch && fingerprints != fingerprints_.end() &&
           fingerprints->second.contains(ack.subject.publisher) && role_allows(ack.level, signer);
}

void PublishOracle::ack_arrives(Life life, const reliability::AckStatement& ack,
                                const reliability::AckSigner& signer) {
    ++log_.figures.acks_arrived;
    const auto place = open_.find(ack.subject.nonce);
    if (place == open_.end() || place->second.publish.life != life) return;
    Wait& wait = place->second;
    if (wait.decided || !genuine(wait, ack, signer)) return;
    if (log_.now >= deadline_of(wait.publish)) return;  // in time, or not at all

    Heard& heard = wait.heard[std::string(ack.recipient)];
    if (heard.answer != Answer::none) return;  // the first final word stands
    heard.at = log_.now;
    if (ack.level == AckLevel::rejected) {
        heard.answer = Answer::rejected;
        heard.level.reset();
        heard.reason = ack.reason;
    } else if (enough(wait.publish.level, ack.level)) {
        heard.answer = Answer::acknowledged;
        heard.level = ack.level;
    } else {
        heard.level = heard.level ? std::max(*heard.level, ack.level) : ack.level;
        return;
    }
    ++log_.figures.acks_counted;
    const auto answers = answers_of(wait);
    if (wait.publish.expression.satisfied(answers))
        wait.decided = Verdict::acknowledged;
    else if (wait.publish.expression.hopeless(answers))
        wait.decided = Verdict::rejected;
    if (wait.decided) decided_.insert(ack.subject.nonce);
}

Expression::Answers PublishOracle::answers_of(const Wait& wait) {
    Expression::Answers answers;
    for (const auto& [name, heard] : wait.heard) answers[name] = heard.answer;
    return answers;
}

void PublishOracle::settled(Life life, std::uint64_t number, const Outcome& outcome) {
    const auto known = by_number_.find(number);
    const auto place = known == by_number_.end() ? open_.end() : open_.find(known->second);
    if (place == open_.end()) {
        log_.violation("publish " + std::to_string(number) + " ends as " +
                       std::string(name_of(outcome.verdict())) +
                       ", but it is not open: it ended before, or was cancelled");
        return;
    }
    const Wait& wait = place->second;
    if (wait.publish.life != life) complain(wait, "another life of a publisher ended it");
    check_verdict(wait, outcome);
    check_answers(wait, outcome);
    switch (outcome.verdict()) {
        case Verdict::acknowledged:
            ++log_.figures.acknowledged;
            break;
        case Verdict::rejected:
            ++log_.figures.rejected;
            break;
        case Verdict::unknown:
            ++log_.figures.unknown;
            break;
        case Verdict::aborted:
            ++log_.figures.aborted;
            break;
    }
    forget(known->second);
}

void PublishOracle::check_verdict(const Wait& wait, const Outcome& outcome) {
    const fabric::Instant deadline = deadline_of(wait.publish);
    if (outcome.ok() && !wait.publish.expression.satisfied(answers_of(wait))) {
        complain(wait, "FALSE SUCCESS: not enough genuine ACKs have arrived");
        return;
    }
    const bool aborting =
        closing_.contains(wait.publish.life) || aborting_.contains(wait.publish.nonce);
    const Verdict expected = wait.decided.value_or(aborting ? Verdict::aborted : Verdict::unknown);
    if (outcome.verdict() != expected) {
        complain(wait, "it ends as " + std::string(name_of(outcome.verdict())) + " and not as " +
                           std::string(name_of(expected)));
    }
    if (outcome.verdict() == Verdict::unknown && log_.now < deadline) {
        complain(wait, "it ends as unknown before its deadline");
    }
    if (log_.now > deadline + tick_)
        complain(wait, "it ends later than one tick after its deadline");
}

void PublishOracle::check_answers(const Wait& wait, const Outcome& outcome) {
    using State = RecipientAnswer::State;
    const auto names = wait.publish.expression.names();
    const auto& about = outcome.about();
    if (outcome.answers().size() != names.size()) {
        complain(wait, "it has another number of answers than of names");
        return;
    }
    if (about.resent != wait.resent) complain(wait, "it miscounts how often it was sent again");
    if (wait.subject && about.id != wait.subject->id) complain(wait, "it tells of another id");
    if (outcome.sentence().empty() || outcome.table().empty()) complain(wait, "it says nothing");
    for (std::size_t i = 0; i < names.size(); ++i) {
        const RecipientAnswer& answer = outcome.answers()[i];
        const auto said = wait.heard.find(names[i]);
        const Heard heard = said == wait.heard.end() ? Heard{} : said->second;
        const State state = heard.answer == Answer::acknowledged ? State::acknowledged
                            : heard.answer == Answer::rejected   ? State::rejected
                                                                 : State::unknown;
        const bool left_out = wait.publish.notes_are_scarce && answer.reason.empty();
        const bool spoke = said != wait.heard.end();
        const auto after = std::chrono::duration_cast<std::chrono::microseconds>(
            spoke ? heard.at - wait.publish.start : fabric::Instant{0});
        if (answer.name != names[i] || answer.state != state || answer.level != heard.level ||
            answer.after != after || !(answer.reason == heard.reason || left_out)) {
            complain(wait, "it tells something else of " + names[i] + " than what arrived");
        }
    }
}

void PublishOracle::check() {
    for (const auto& nonce : decided_) {
        complain(open_.at(nonce), "it is decided, but has not ended");
    }
    decided_.clear();
    while (!deadlines_.empty() && deadlines_.begin()->first + tick_ < log_.now) {
        complain(open_.at(deadlines_.begin()->second), "it is overdue by more than a tick");
        deadlines_.erase(deadlines_.begin());
    }
}

void PublishOracle::check_nothing_open() {
    for (const auto& [nonce, wait] : open_) complain(wait, "it never ended");
}

void PublishOracle::complain(const Wait& wait, const std::string& what) {
    log_.violation("publish " + std::to_string(wait.publish.number) + " to " +
                   wait.publish.expression.text() + " (" +
                   std::string(name_of(wait.publish.level)) + "): " + what);
}

}  // namespace weft::fault

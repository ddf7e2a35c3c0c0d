#include "tests/fault/ack_storm/verdicts.hpp"

namespace weft::fault::storm {
namespace {

using reliability::AckLevel;
using reliability::Outcome;
using reliability::RecipientAnswer;
using State = RecipientAnswer::State;
using Verdict = Outcome::Verdict;

/// A recipient says this of itself when its turn came too late: true, and nobody's lie.
bool says_late(const RecipientAnswer& answer) {
    return answer.state == State::rejected && answer.reason.starts_with("late: ");
}

/// Asked again for `processed`, an AckConsumer says `received` while the message waits.
bool consumes(const Member& who) {
    return who.part == Part::good || who.part == Part::weak || who.part == Part::refuser;
}

bool is_true_reason(const Member& who, AckLevel asked, const RecipientAnswer& answer,
                    const fabric::MessageId& id) {
    if (asked == AckLevel::stored) {
        return answer.reason.find("is no journal") != std::string::npos;
    }
    return who.part == Part::refuser && answer.reason == reason_of_refusal(id);
}

Ending ending_of(Verdict verdict) {
    if (verdict == Verdict::acknowledged) return Ending::acknowledged;
    return verdict == Verdict::rejected ? Ending::rejected : Ending::unknown;
}

/// Do the answers that are shown bear out the verdict?
bool bears_out(const Demand& demand, const Outcome& outcome) {
    const auto said = [&](const Member& who) {
        for (const RecipientAnswer& answer : outcome.answers()) {
            if (answer.name != who.name) continue;
            if (answer.state == State::rejected) return Truth::rejects;
            const bool enough = answer.level && reliability::satisfies(demand.level, *answer.level);
            if (answer.state == State::acknowledged && enough) return Truth::acknowledges;
        }
        return Truth::says_nothing;
    };
    return demand.ending(said) == ending_of(outcome.verdict());
}

}  // namespace

void Verdicts::returned(Asked& asked, const fabric::MessageId& id) {
    const std::scoped_lock lock(mutex_);
    ++tally_.publishes;
    asked.returned = id;
    if (!asked.settled || *asked.settled == id) return;
    ++tally_.other_violations;
    tally_.first.push_back("publish " + std::to_string(asked.number) + " was " + id.text() +
                           " and its outcome is about " + asked.settled->text());
}

void Verdicts::settled(Asked& asked, const Outcome& outcome) {
    const std::scoped_lock lock(mutex_);
    for (const RecipientAnswer& answer : outcome.answers()) {
        tally_.told_wrong_signer += answer.ignored.wrong_signer;
        tally_.told_wrong_bytes += answer.ignored.wrong_bytes;
        tally_.told_wrong_role += answer.ignored.wrong_role;
        tally_.told_refused += answer.ignored.refused;
    }
    const fabric::MessageId id = outcome.about().id;
    if (asked.settled) note(tally_.other_violations, asked, "it ended twice", outcome);
    if (asked.returned && *asked.returned != id) {
        note(tally_.other_violations, asked, "its outcome is another's", outcome);
    }
    asked.settled = id;
    judge(asked, outcome);
}

void Verdicts::judge(const Asked& asked, const Outcome& outcome) {
    const Demand& demand = asked.demand;
    const Ending truth = demand.ending(Chance::of(outcome.about().id));
    const std::vector<const Member*> members = demand.members();
    if (outcome.about().level != demand.level || outcome.answers().size() != members.size()) {
        note(tally_.other_violations, asked, "its outcome is about something else", outcome);
        return;
    }
    bool lacks = false;
    for (std::size_t i = 0; i < members.size(); ++i) {
        const RecipientAnswer& answer = outcome.answers()[i];
        if (answer.name != members[i]->name) {
            note(tally_.other_violations, asked, "it names others than were asked", outcome);
            return;
        }
        judge_answer(asked, outcome, *members[i], answer, lacks);
    }
    if (!bears_out(demand, outcome)) {
        note(outcome.ok() ? tally_.false_successes : tally_.other_violations, asked,
             "its own answers say otherwise", outcome);
    }
    switch (outcome.verdict()) {
        case Verdict::acknowledged:
            ++tally_.acknowledged;
            if (truth == Ending::acknowledged) return;
            return note(tally_.false_successes, asked, "a false success", outcome);
        case Verdict::rejected:
            ++tally_.rejected;
            if (truth == Ending::rejected) return;
            if (lacks) {
                ++tally_.lost;
                return;
            }
            return note(tally_.wrongly_blamed, asked, "rejected against the truth", outcome);
        case Verdict::unknown:
            ++tally_.unknown;
            if (lacks) ++tally_.lost;
            if (lacks || truth == Ending::unknown) return;
            return note(tally_.other_violations, asked, "unknown, and nobody is missing", outcome);
        case Verdict::aborted:
            return note(tally_.other_violations, asked, "aborted", outcome);
    }
}

void Verdicts::judge_answer(const Asked& asked, const Outcome& outcome, const Member& who,
                            const RecipientAnswer& answer, bool& lacks) {
    const fabric::MessageId& id = outcome.about().id;
    const AckLevel level = asked.demand.level;
    const Truth truth = truth_of(who.part, level, Chance::of(id));
    const bool named = outcome.ok() || outcome.sentence().find(who.name) != std::string::npos;
    if (!named) note(tally_.other_violations, asked, who.name + " is not named", outcome);
    switch (answer.state) {
        case State::acknowledged:
            if (truth == Truth::acknowledges) return;
            return note(tally_.wrongly_blamed, asked, who.name + " did not acknowledge", outcome);
        case State::rejected:
            if (truth == Truth::rejects && is_true_reason(who, level, answer, id)) return;
            if (truth != Truth::says_nothing && says_late(answer)) {
                lacks = true;
                return;
            }
            return note(tally_.wrongly_blamed, asked, who.name + " did not reject", outcome);
        case State::unknown:
            // Where it ended early nobody need have been heard.
            if (outcome.verdict() == Verdict::unknown && truth != Truth::says_nothing) lacks = true;
            if (answer.level && !consumes(who)) {
                note(tally_.wrongly_blamed, asked, who.name + " said nothing too weak", outcome);
            }
            return;
    }
}

void Verdicts::violated(const std::string& what) {
    const std::scoped_lock lock(mutex_);
    ++tally_.other_violations;
    if (tally_.first.size() < shown_max) tally_.first.push_back(what);
}

void Verdicts::note(std::uint64_t& counter, const Asked& asked, const std::string& what,
                    const Outcome& outcome) {
    ++counter;
    if (tally_.first.size() >= shown_max) return;
    tally_.first.push_back("publish " + std::to_string(asked.number) + " to " +
                           asked.demand.text() + ", " +
                           std::string(reliability::name_of(asked.demand.level)) + ": " + what +
                           ": " + outcome.sentence());
}

Tally Verdicts::tally() const {
    const std::scoped_lock lock(mutex_);
    return tally_;
}

}  // namespace weft::fault::storm

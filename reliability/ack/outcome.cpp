#include "reliability/ack/outcome.hpp"

#include <cassert>
#include <utility>

namespace weft::reliability {

std::optional<FullSet> FullSet::of(const Recipients& recipients, AckLevel asked,
                                   std::span<const RecipientAnswer> answers) {
    using State = RecipientAnswer::State;
    const std::vector<std::string>& names = recipients.names();
    if (names.empty() || answers.size() != names.size()) return std::nullopt;

    FullSet full;
    full.asked_ = asked;
    full.acknowledged_.assign(names.size(), false);
    std::vector<Recipients::Answer> judged(names.size(), Recipients::Answer::none);
    for (std::size_t i = 0; i < names.size(); ++i) {
        const RecipientAnswer& answer = answers[i];
        if (answer.name != names[i]) return std::nullopt;
        if (answer.state == State::rejected) judged[i] = Recipients::Answer::rejected;
        if (answer.state != State::acknowledged) continue;
        // Who is said to have acknowledged something else was counted by mistake: then nothing of
        // these answers is to be relied on.
        if (!answer.level || !satisfies(asked, *answer.level)) return std::nullopt;
        judged[i] = Recipients::Answer::acknowledged;
        full.acknowledged_[i] = true;
    }
    if (recipients.judge(judged) != Recipients::Standing::satisfied) return std::nullopt;
    return full;
}

bool FullSet::is_of(AckLevel asked, std::span<const RecipientAnswer> answers) const {
    if (asked != asked_ || answers.size() != acknowledged_.size()) return false;
    for (std::size_t i = 0; i < answers.size(); ++i) {
        const bool has = answers[i].state == RecipientAnswer::State::acknowledged;
        if (has != acknowledged_[i]) return false;
    }
    return true;
}

Outcome::Outcome(const FullSet& proof, About about, std::vector<RecipientAnswer> answers)
    : verdict_(Verdict::acknowledged), about_(std::move(about)), answers_(std::move(answers)) {
    assert(proof.is_of(about_.level, answers_));
}

Outcome::Outcome(Verdict verdict, About about, std::vector<RecipientAnswer> answers)
    : verdict_(verdict), about_(std::move(about)), answers_(std::move(answers)) {
    assert(verdict != Verdict::acknowledged);
}

std::string_view name_of(Outcome::Verdict verdict) noexcept {
    switch (verdict) {
        case Outcome::Verdict::acknowledged:
            return "acknowledged";
        case Outcome::Verdict::rejected:
            return "rejected";
        case Outcome::Verdict::unknown:
            return "unknown";
        case Outcome::Verdict::aborted:
            return "aborted";
    }
    return "unknown";
}

std::string_view name_of(RecipientAnswer::State state) noexcept {
    switch (state) {
        case RecipientAnswer::State::unknown:
            return "unknown";
        case RecipientAnswer::State::acknowledged:
            return "acknowledged";
        case RecipientAnswer::State::rejected:
            return "rejected";
    }
    return "unknown";
}

}  // namespace weft::reliability

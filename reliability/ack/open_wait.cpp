#include "reliability/ack/open_wait.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace weft::reliability {
namespace {

using fabric::Instant;
using std::chrono::microseconds;

microseconds span(Instant from, Instant to) {
    return std::chrono::duration_cast<microseconds>(std::max(to - from, Instant{0}));
}

}  // namespace

OpenWait::OpenWait(AckTracker::Wait asked, WantedNames& names, NotesBudget& budget)
    : asked_(std::move(asked)), budget_(budget) {
    const std::vector<std::string>& required = asked_.recipients->names();
    answers_.assign(required.size(), Recipients::Answer::none);
    said_.reserve(required.size());
    for (const std::string& name : required) {
        Said said{.name = names.want(name)};
        said.refused_before = said.name->second.refused;
        said_.push_back(std::move(said));
    }
}

OpenWait::~OpenWait() {
    budget_.give_back(noted_);
}

void OpenWait::bind(std::shared_ptr<const SentMessage> message) noexcept {
    assert(message && !message_);
    message_ = std::move(message);
}

bool OpenWait::answered(std::size_t position) const noexcept {
    return answers_[position] != Recipients::Answer::none;
}

bool OpenWait::record(std::size_t position, AckLevel level, std::string_view reason, Instant now) {
    assert(!answered(position));
    const bool rejects = level == AckLevel::rejected;
    const bool counts = rejects || satisfies(asked_.level, level);
    if (rejects && !reason.empty()) {
        std::string text{reason.substr(0, reason_bytes_max)};
        if (Note* note = note_at(position)) keep(note->reason, std::move(text));
    }
    // From here on nothing fails: an answer is known whole or not at all.
    Said& said = said_[position];
    said.level = !counts && said.spoke ? std::max(said.level, level) : level;
    said.after = span(asked_.start, now);
    said.spoke = true;
    if (counts) {
        answers_[position] =
            rejects ? Recipients::Answer::rejected : Recipients::Answer::acknowledged;
    }
    return counts;
}

void OpenWait::note(std::size_t position, Wrong wrong, std::string why) {
    Note* note = note_at(position);
    if (note == nullptr) return;
    switch (wrong) {
        case Wrong::signer:
            ++note->wrong_signer;
            break;
        case Wrong::bytes:
            ++note->wrong_bytes;
            break;
        case Wrong::role:
            ++note->wrong_role;
            break;
    }
    keep(note->last, std::move(why));
}

/// Nothing, if notes use up too much already.
OpenWait::Note* OpenWait::note_at(std::size_t position) {
    const auto place = std::find_if(notes_.begin(), notes_.end(),
                                    [&](const Note& note) { return note.position == position; });
    if (place != notes_.end()) return &*place;
    if (!budget_.take(sizeof(Note))) return nullptr;
    noted_ += sizeof(Note);  // given back with the wait, whatever happens next
    notes_.emplace_back().position = position;
    return &notes_.back();
}

/// Puts `text` in the place of what was there; what was there stays if there is no budget.
void OpenWait::keep(std::string& place, std::string text) noexcept {
    if (!budget_.take(text.size())) return;
    budget_.give_back(place.size());
    noted_ = noted_ + text.size() - place.size();
    place = std::move(text);
}

Recipients::Standing OpenWait::standing() const {
    return asked_.recipients->judge(answers_);
}

bool OpenWait::all_missing_spoke() const noexcept {
    for (std::size_t i = 0; i < said_.size(); ++i) {
        if (!answered(i) && !said_[i].spoke) return false;
    }
    return true;
}

Outcome OpenWait::outcome(Outcome::Verdict otherwise, Instant now, std::uint32_t resent) const {
    Outcome::About about;
    if (message_) {
        about.id = message_->subject.id;
        about.topic = message_->topic;
    }
    about.recipients = asked_.recipients->text();
    about.level = asked_.level;
    about.timeout = asked_.timeout;
    about.elapsed = span(asked_.start, now);
    about.resent = resent;

    std::vector<RecipientAnswer> said = answers();
    const auto full = FullSet::of(*asked_.recipients, asked_.level, said);
    if (full) return {*full, std::move(about), std::move(said)};
    const auto now_stands = standing();
    assert(now_stands != Recipients::Standing::satisfied);
    const bool failed = now_stands == Recipients::Standing::failed;
    return {failed ? Outcome::Verdict::rejected : otherwise, std::move(about), std::move(said)};
}

std::vector<RecipientAnswer> OpenWait::answers() const {
    using State = RecipientAnswer::State;
    std::vector<RecipientAnswer> all(said_.size());
    for (std::size_t i = 0; i < all.size(); ++i) {
        const Said& said = said_[i];
        const WantedNames::Standing& standing = said.name->second;
        RecipientAnswer& answer = all[i];
        answer.name = said.name->first;
        if (said.spoke) answer.after = said.after;
        if (said.spoke && said.level != AckLevel::rejected) answer.level = said.level;
        switch (answers_[i]) {
            case Recipients::Answer::acknowledged:
                answer.state = State::acknowledged;
                break;
            case Recipients::Answer::rejected:
                answer.state = State::rejected;
                break;
            case Recipients::Answer::none:
                answer.ignored.refused = standing.refused - said.refused_before;
                if (answer.ignored.refused > 0) answer.ignored.last = standing.why;
                break;
        }
    }
    for (const Note& note : notes_) {
        RecipientAnswer& answer = all[note.position];
        answer.reason = note.reason;
        answer.ignored.wrong_signer = note.wrong_signer;
        answer.ignored.wrong_bytes = note.wrong_bytes;
        answer.ignored.wrong_role = note.wrong_role;
        if (!note.last.empty()) answer.ignored.last = note.last;
    }
    return all;
}

}  // namespace weft::reliability

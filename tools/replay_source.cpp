#include "tools/replay_source.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "reliability/cursor/start.hpp"
#include "reliability/hub/dead_letter.hpp"
#include "signing/refusal.hpp"
#include "tools/context.hpp"

namespace weft::tools {
namespace {

using fabric::MessageId;
using reliability::JournalId;
using reliability::Page;

constexpr std::size_t page_messages = 256;
constexpr std::size_t names_max = 20, sentences_max = 10;

/// The value, or the command ends with the journal's sentence.
template <class T>
T must(reliability::JournalResult<T> result) {
    if (!result) throw failure(result.error().sentence);
    return std::move(*result);
}

std::optional<JournalId> journal_id(const std::string& text) {
    JournalId id = 0;
    const char* const end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data(), end, id);
    if (error != std::errc{} || at != end || id == 0) return std::nullopt;
    return id;
}

[[noreturn]] void no_id(const std::string& what, const std::string& text) {
    throw usage_error(what + "'" + signing::escape(text, 80) +
                      "' is neither an id of the journal, such as 4711, nor of a message, such as "
                      "0190a5c4-5d1e-7cc3-98c4-dc0c0c07398f");
}

}  // namespace

void ReplayTally::missing(const std::string& what, std::uint64_t count) {
    missing_ += count;
    if (names_.size() < names_max) names_.push_back(what);
}

void ReplayTally::failed(const std::string& what, const std::string& why) {
    if (++failed_ <= sentences_max) Context::warn(what + " was not replayed: " + why);
}

std::string ReplayTally::text() const {
    std::string text;
    if (missing_ > 0) {
        text = ", " + std::to_string(missing_) + " not found: ";
        for (std::size_t i = 0; i < names_.size(); ++i) text += (i > 0 ? ", " : "") + names_[i];
        if (names_.size() == names_max) text += " …";
    }
    if (failed_ > 0) text += ", " + std::to_string(failed_) + " failed";
    return text;
}

ReplaySource::ReplaySource(reliability::Journal& journal,
                           std::shared_ptr<signing::TrustStore> trust, bool as_is,
                           ReplayTally& tally)
    : journal_(journal), verifier_(std::move(trust)), as_is_(as_is), tally_(tally) {}

void ReplaySource::check(const std::string& text, const std::string& flag) {
    if (!journal_id(text) && !MessageId::parse(text)) no_id(flag, text);
}

std::optional<ToReplay> ReplaySource::one(const std::string& text) {
    std::optional<JournalId> id = journal_id(text);
    if (!id) id = must(journal_.find(MessageId::parse(text).value()));
    if (id) {
        auto page = journal_.read({0, *id - 1}, {}, {.messages = 1, .through = *id});
        // A place beyond the newest is none; nothing else of this question can be wrong.
        const bool beyond =
            !page && page.error().reason == reliability::JournalError::Reason::invalid;
        const Page found = beyond ? Page{} : must(std::move(page));
        // What is not believed is told as that, and is not missing.
        if (found.messages() > 0) {
            auto messages = verified(found);
            if (messages.empty()) return std::nullopt;
            return unwrapped(std::move(messages.front()));
        }
    }
    tally_.missing(text);
    return std::nullopt;
}

ReplaySource::Range ReplaySource::range(const std::string& from, const std::string& to,
                                        const reliability::TopicFilter& filter,
                                        std::uint64_t now_us) {
    using Start = reliability::Start;
    const auto start = Start::parse(from);
    if (!start) throw usage_error("--from: " + start.error());
    if (start->kind == Start::Kind::last_per_topic || start->kind == Start::Kind::now) {
        throw usage_error("--from " + from +
                          ": a range of stored messages begins at beginning, an id, last:100 or "
                          "since:1h");
    }
    Range range;
    range.filter = filter;
    range.after = must(reliability::resolve(*start, journal_, filter, now_us));
    // What is replayed is stored, too: the end is where it stands now.
    range.through = journal_.info().head;
    if (to.empty()) return range;
    std::optional<JournalId> last = journal_id(to);
    if (!last) {
        check(to, "--to ");
        last = must(journal_.find(MessageId::parse(to).value()));
        if (!last) throw failure("--to: the journal has no message " + to);
    }
    range.through = std::min(range.through, *last);
    return range;
}

std::uint64_t ReplaySource::count(const Range& range, std::uint64_t most) {
    std::uint64_t count = 0;
    reliability::Position at = range.after;
    while (at.id < range.through && count <= most) {
        const Page page = must(
            journal_.read(at, range.filter, {.messages = page_messages, .through = range.through}));
        count += page.messages();
        if (page.next.id <= at.id) break;
        at = page.next;
    }
    return count;
}

std::vector<ToReplay> ReplaySource::next(Range& range) {
    std::vector<ToReplay> messages;
    while (messages.empty() && range.after.id < range.through) {
        const Page page = must(journal_.read(
            range.after, range.filter, {.messages = page_messages, .through = range.through}));
        if (page.gap) {
            tally_.missing(std::to_string(page.gap->from) + " to " + std::to_string(page.gap->to),
                           page.gap->lost.value_or(page.gap->to - page.gap->from + 1));
        }
        for (ToReplay& stored : verified(page)) {
            if (auto message = unwrapped(std::move(stored)))
                messages.push_back(std::move(*message));
        }
        if (page.next.id <= range.after.id) {
            range.after.id = range.through;
        } else {
            range.after = page.next;
        }
    }
    return messages;
}

std::vector<ToReplay> ReplaySource::verified(const Page& page) {
    std::vector<ToReplay> messages;
    verifier_.verify(
        page,
        [&](const reliability::VerifiedMessage& stored) {
            messages.push_back({stored.id, stored.stored_us, stored.message});
        },
        [&](const reliability::StoredRefusal& refused) {
            for (JournalId id = refused.first; id <= refused.last; ++id) {
                tally_.failed(std::to_string(id),
                              "it is not believed: " +
                                  std::string{signing::sentence_for(refused.why.reason)});
            }
        });
    return messages;
}

std::optional<ToReplay> ReplaySource::unwrapped(ToReplay stored) {
    if (as_is_ || !reliability::hub::is_dead_letter(stored.message)) return stored;
    auto letter =
        reliability::hub::decode_dead_letter(stored.message, &verifier_, stored.stored_us);
    if (!letter) {
        tally_.failed(std::to_string(stored.id),
                      letter.error() + "; --as-is replays the dead letter itself");
        return std::nullopt;
    }
    return ToReplay{stored.id, stored.stored_us, std::move(letter->message),
                    std::move(letter->death.consumer)};
}

}  // namespace weft::tools

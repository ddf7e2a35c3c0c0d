#include "reliability/cursor/start.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "config/decimal.hpp"
#include "config/duration.hpp"
#include "signing/refusal.hpp"

namespace weft::reliability {
namespace {

constexpr std::string_view last_prefix = "last:";
constexpr std::string_view since_prefix = "since:";
/// What `last` looks back over at most, in ids.
constexpr std::uint64_t look_back_max = 4'000'000;
constexpr ReadLimits look_back_page{.messages = 10'000, .bytes = std::size_t{8} << 20};

tl::unexpected<std::string> wrong(std::string_view text, const std::string& why) {
    return tl::make_unexpected("'" + signing::escape(text, 80) + "': " + why);
}

tl::expected<Start, std::string> parse_last(std::string_view text) {
    const auto count = config::parse_decimal(text.substr(last_prefix.size()));
    if (!count || *count == 0 || *count > Start::last_max) {
        return wrong(text, "after 'last:' stands how many messages, 1 to 1000000, as in last:100");
    }
    return Start{.kind = Start::Kind::last, .count = *count};
}

tl::expected<Start, std::string> parse_since(std::string_view text) {
    const auto age = config::parse_duration(text.substr(since_prefix.size()));
    if (!age) {
        return wrong(text,
                     "after 'since:' stands how far back, as in since:10m (" + age.error() + ")");
    }
    return Start{.kind = Start::Kind::since, .age = *age};
}

/// Ids, rising, that match after `from`.
JournalResult<std::vector<IdRange>> matching(Journal& journal, Position from, JournalId head,
                                             const TopicFilter& filter) {
    std::vector<IdRange> ranges;
    ReadLimits limits = look_back_page;
    limits.through = head;
    while (from.id < head) {
        const auto page = journal.read(from, filter, limits);
        if (!page) return tl::make_unexpected(page.error());
        for (const StoredRun& run : page->runs) ranges.push_back({run.from, run.to});
        if (page->next.id <= from.id || page->at_head) break;
        from = page->next;
    }
    return ranges;
}

JournalResult<Position> before_last(std::uint64_t count, Journal& journal,
                                    const TopicFilter& filter) {
    const JournalInfo info = journal.info();
    const JournalId oldest = info.low - 1;
    if (filter.everything()) {
        const JournalId id = info.head > count ? info.head - count : 0;
        return Position{info.epoch, std::max(id, oldest)};
    }
    for (std::uint64_t window = count;; window *= 4) {
        const JournalId from = std::max(info.head > window ? info.head - window : 0, oldest);
        const auto ranges = matching(journal, {info.epoch, from}, info.head, filter);
        if (!ranges) return tl::make_unexpected(ranges.error());
        std::uint64_t missing = count;
        for (auto range = ranges->rbegin(); range != ranges->rend(); ++range) {
            const std::uint64_t here = range->last - range->first + 1;
            if (here >= missing) return Position{info.epoch, range->last - missing};
            missing -= here;
        }
        if (from == oldest || window >= look_back_max) return Position{info.epoch, from};
    }
}

JournalResult<Position> after_message(const fabric::MessageId& id, Journal& journal) {
    const auto found = journal.find(id);
    if (!found) return tl::make_unexpected(found.error());
    if (!*found) {
        return tl::make_unexpected(
            JournalError{JournalError::Reason::not_found,
                         "message " + id.text() +
                             " is not in the journal, or not any more; begin with its number in "
                             "the journal, with since:TIME, or at the beginning"});
    }
    return Position{journal.info().epoch, **found};
}

JournalResult<Position> after_position(Position position, Journal& journal) {
    const JournalInfo info = journal.info();
    if (position.epoch == 0) position.epoch = info.epoch;
    if (position.epoch == info.epoch && position.id > info.head) {
        return tl::make_unexpected(JournalError{
            JournalError::Reason::invalid,
            "the journal has no message " + std::to_string(position.id) + " yet: its newest is " +
                std::to_string(info.head) + "; write 'now' for what comes from now on"});
    }
    return position;
}

}  // namespace

tl::expected<Start, std::string> Start::parse(std::string_view text) {
    if (text == "beginning") return Start{.kind = Kind::beginning};
    if (text == "now" || text == "end") return Start{.kind = Kind::now};
    if (text == "last-per-topic") return Start{.kind = Kind::last_per_topic};
    if (text.starts_with(last_prefix)) return parse_last(text);
    if (text.starts_with(since_prefix)) return parse_since(text);
    if (const auto message = fabric::MessageId::parse(text)) {
        return Start{.kind = Kind::after_message, .message = *message};
    }
    if (const auto position = Position::parse(text)) {
        return Start{.kind = Kind::after, .after = *position};
    }
    return wrong(text,
                 "no place to begin; write beginning, now, the id of a message in the journal "
                 "(4711, or with its epoch 9f86d081884c7d65:4711), a message's own id "
                 "(0190a5c4-5d1e-7cc3-98c4-dc0c0c07398f), last:100, since:10m or last-per-topic");
}

std::string Start::text() const {
    switch (kind) {
        case Kind::beginning:
            return "beginning";
        case Kind::after:
            return after.epoch == 0 ? std::to_string(after.id) : after.text();
        case Kind::after_message:
            return message.text();
        case Kind::last:
            return std::string{last_prefix} + std::to_string(count);
        case Kind::since:
            return std::string{since_prefix} + config::duration_text(age);
        case Kind::last_per_topic:
            return "last-per-topic";
        case Kind::now:
            return "now";
    }
    return "?";
}

JournalResult<Position> resolve(const Start& start, Journal& journal, const TopicFilter& filter,
                                std::uint64_t now_us) {
    switch (start.kind) {
        case Start::Kind::beginning: {
            const JournalInfo info = journal.info();
            return Position{info.epoch, info.low - 1};
        }
        case Start::Kind::after:
            return after_position(start.after, journal);
        case Start::Kind::after_message:
            return after_message(start.message, journal);
        case Start::Kind::last:
            return before_last(start.count, journal, filter);
        case Start::Kind::since: {
            const auto age_us = static_cast<std::uint64_t>(start.age.count()) * 1000;
            const auto id = journal.id_at(now_us > age_us ? now_us - age_us : 0);
            if (!id) return tl::make_unexpected(id.error());
            const JournalInfo info = journal.info();
            return Position{info.epoch, std::max(*id, info.low) - 1};
        }
        case Start::Kind::now: {
            const JournalInfo info = journal.info();
            return Position{info.epoch, info.head};
        }
        case Start::Kind::last_per_topic:
            break;
    }
    return tl::make_unexpected(
        JournalError{JournalError::Reason::invalid,
                     "last-per-topic is a way to read, not a place where a cursor can stand; write "
                     "beginning, now, an id, last:N or since:TIME"});
}

}  // namespace weft::reliability

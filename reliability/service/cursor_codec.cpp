#include "reliability/service/cursor_codec.hpp"

#include <array>
#include <utility>

#include "reliability/service/field_codec.hpp"

namespace weft::reliability {
namespace {

using fabric::MsgpackReader;
using std::chrono::milliseconds;
using Answer = ConsumerGroup::Answer;
using Stats = ConsumerGroup::Stats;

constexpr std::uint64_t duration_max = std::uint64_t{1} << 53;
constexpr std::uint64_t attempts_max = UINT32_MAX;

bool read_array(MsgpackReader& in, std::uint64_t wanted) {
    std::uint64_t count = 0;
    return in.array_head(count) && count == wanted;
}

bool read_up_to(MsgpackReader& in, std::uint64_t most, std::uint64_t& number) {
    return in.uint(number) && number <= most;
}

bool read_text(MsgpackReader& in, std::string& text) {
    std::string_view view;
    if (!in.str(view)) return false;
    text = view;
    return true;
}

/// The eleventh is `active`.
constexpr std::size_t stats_fields = 11;

std::array<std::uint64_t, stats_fields - 1> numbers_of(const Stats& stats) {
    return {stats.leased, stats.waiting,      stats.delayed,     stats.members,
            stats.dead,   stats.acknowledged, stats.redelivered, stats.lost,
            stats.buried, stats.dead_dropped};
}

void write_stats(Packer& out, const std::optional<Stats>& stats) {
    if (!stats) {
        out.nil();
        return;
    }
    out.array(stats_fields);
    for (const std::uint64_t number : numbers_of(*stats)) out.uint(number);
    out.str(stats->active);
}

bool read_stats(MsgpackReader& in, std::optional<Stats>& stats) {
    stats.reset();
    if (in.nil()) return true;
    if (!read_array(in, stats_fields)) return false;
    std::array<std::uint64_t, stats_fields - 1> numbers{};
    for (std::uint64_t& number : numbers) {
        if (!in.uint(number)) return false;
    }
    Stats read;
    const auto [leased, waiting, delayed, members, dead, acknowledged, redelivered, lost, buried,
                dropped] = numbers;
    read.leased = leased, read.waiting = waiting, read.delayed = delayed, read.members = members;
    read.dead = dead, read.acknowledged = acknowledged, read.redelivered = redelivered;
    read.lost = lost, read.buried = buried, read.dead_dropped = dropped;
    if (!read_text(in, read.active)) return false;
    stats = std::move(read);
    return true;
}

void write_lag(Packer& out, const CursorLag& lag) {
    out.array(3).uint(lag.messages);
    lag.oldest_age ? out.uint(static_cast<std::uint64_t>(lag.oldest_age->count())) : out.nil();
    write_gap(out, lag.gap);
}

bool read_lag(MsgpackReader& in, CursorLag& lag) {
    lag = {};
    if (!read_array(in, 3) || !in.uint(lag.messages)) return false;
    if (!in.nil()) {
        std::uint64_t age = 0;
        if (!read_up_to(in, INT64_MAX, age)) return false;
        lag.oldest_age = std::chrono::microseconds{static_cast<std::int64_t>(age)};
    }
    return read_gap(in, lag.gap);
}

/// Messages of one run that stand side by side share its frames.
void write_leases(Packer& out, const std::vector<LeasedMessage>& messages) {
    Packer runs;
    std::size_t count = 0;
    for (std::size_t begin = 0, end = 0; begin < messages.size(); begin = end) {
        const StoredRun& run = messages[begin].message.run;
        while (end < messages.size() && messages[end].message.run.first == run.first) ++end;
        runs.array(7).uint(run.first).uint(run.last).uint(run.stored_us);
        runs.str(run.topic).bin(run.contents).bin(run.proof).array(end - begin);
        for (std::size_t i = begin; i < end; ++i) {
            runs.array(3).uint(messages[i].message.id()).uint(messages[i].attempt);
            runs.uint(static_cast<std::uint64_t>(messages[i].lease.count()));
        }
        ++count;
    }
    out.array(count).raw(runs.bytes());
}

/// The messages of one run; `run` has from and to of the first and the last of them.
bool read_leases_of_run(MsgpackReader& in, StoredRun run, const std::shared_ptr<const void>& bytes,
                        std::vector<LeasedMessage>& messages) {
    std::uint64_t count = 0;
    if (!in.array_head(count) || count == 0 || count > GroupService::messages_max) return false;
    const std::size_t begin = messages.size();
    for (std::uint64_t i = 0; i < count; ++i) {
        std::uint64_t id = 0, attempt = 0, lease = 0;
        if (!read_array(in, 3) || !in.uint(id) || !read_up_to(in, attempts_max, attempt) ||
            !read_up_to(in, duration_max, lease)) {
            return false;
        }
        if (id < run.first || id > run.last) return false;
        if (!messages.empty() && id <= messages.back().message.id()) return false;
        StoredMessage message{run, {}, bytes};
        message.run.from = message.run.to = id;
        messages.push_back({std::move(message), static_cast<unsigned>(attempt),
                            milliseconds{static_cast<std::int64_t>(lease)}});
    }
    run.from = messages[begin].message.id();
    run.to = messages.back().message.id();
    std::size_t at = begin, found = 0;
    for_each_message(run, [&](JournalId id, std::string_view content) {
        while (at < messages.size() && messages[at].message.id() < id) ++at;
        if (at == messages.size() || messages[at].message.id() != id) return;
        messages[at].message.content = content;
        ++found;
    });
    return found == messages.size() - begin;
}

}  // namespace

void write_cursor(Packer& out, const Cursor& cursor) {
    out.array(2).str(cursor.name).bin(encode_cursor(cursor));
}

bool read_cursor(MsgpackReader& in, Cursor& cursor) {
    std::string_view name, record;
    if (!read_array(in, 2) || !in.str(name) || !in.bin(record)) return false;
    auto read = decode_cursor(name, record);
    if (read) cursor = std::move(*read);
    return read.has_value();
}

void write_group_settings(Packer& out, const std::optional<GroupSettings>& settings) {
    if (!settings) {
        out.nil();
        return;
    }
    out.array(3).uint(static_cast<std::uint64_t>(settings->mode));
    out.uint(static_cast<std::uint64_t>(settings->lease.count())).uint(settings->max_attempts);
}

bool read_group_settings(MsgpackReader& in, std::optional<GroupSettings>& settings) {
    settings.reset();
    if (in.nil()) return true;
    std::uint64_t mode = 0, lease = 0, attempts = 0;
    if (!read_array(in, 3) || !read_up_to(in, 2, mode) || !read_up_to(in, duration_max, lease) ||
        !read_up_to(in, attempts_max, attempts)) {
        return false;
    }
    settings = GroupSettings{static_cast<GroupSettings::Mode>(mode),
                             milliseconds{static_cast<std::int64_t>(lease)},
                             static_cast<unsigned>(attempts)};
    return true;
}

void write_start(Packer& out, const Start& start) {
    out.str(start.text());
}

bool read_start(MsgpackReader& in, Start& start) {
    std::string_view text;
    if (!in.str(text)) return false;
    const auto read = Start::parse(text);
    if (read) start = *read;
    return read.has_value();
}

void write_view(Packer& out, const CursorView& view) {
    write_cursor(out, view.cursor);
    write_lag(out, view.lag);
    write_stats(out, view.group);
}

bool read_view(MsgpackReader& in, CursorView& view) {
    return read_cursor(in, view.cursor) && read_lag(in, view.lag) && read_stats(in, view.group);
}

void write_duration(Packer& out, std::optional<milliseconds> duration) {
    duration ? out.uint(static_cast<std::uint64_t>(duration->count())) : out.nil();
}

bool read_duration(MsgpackReader& in, std::optional<milliseconds>& duration) {
    duration.reset();
    if (in.nil()) return true;
    std::uint64_t number = 0;
    if (!read_up_to(in, duration_max, number)) return false;
    duration = milliseconds{static_cast<std::int64_t>(number)};
    return true;
}

void write_next(Packer& out, const NextMessages& next) {
    out.uint(static_cast<std::uint64_t>(next.why)).str(next.sentence);
    write_gap(out, next.gap);
    write_leases(out, next.messages);
}

bool read_next(MsgpackReader& in, std::shared_ptr<const void> bytes, NextMessages& next) {
    using Why = ConsumerGroup::Next::Why;
    std::uint64_t why = 0, count = 0;
    next = {};
    if (!read_up_to(in, static_cast<std::uint64_t>(Why::no_room), why) ||
        !read_text(in, next.sentence) || !read_gap(in, next.gap) || !in.array_head(count)) {
        return false;
    }
    next.why = static_cast<Why>(why);
    for (std::uint64_t i = 0; i < count; ++i) {
        StoredRun run;
        const bool read = read_array(in, 7) && in.uint(run.first) && in.uint(run.last) &&
                          in.uint(run.stored_us) && in.str(run.topic) && in.bin(run.contents) &&
                          in.bin(run.proof) && run.first >= 1 && run.first <= run.last &&
                          run.last - run.first < signing::run_messages_max;
        if (!read || !read_leases_of_run(in, run, bytes, next.messages)) return false;
        if (next.messages.size() > GroupService::messages_max) return false;
    }
    return true;
}

void write_answers(Packer& out, const std::vector<Answer>& answers) {
    out.array(answers.size());
    for (const Answer& answer : answers) {
        out.array(3).uint(answer.id).uint(static_cast<std::uint64_t>(answer.is));
        out.str(answer.sentence);
    }
}

bool read_answers(MsgpackReader& in, std::vector<Answer>& answers) {
    std::uint64_t count = 0;
    answers.clear();
    if (!in.array_head(count)) return false;
    for (std::uint64_t i = 0; i < count; ++i) {
        Answer answer;
        std::uint64_t is = 0;
        if (!read_array(in, 3) || !in.uint(answer.id) ||
            !read_up_to(in, static_cast<std::uint64_t>(Answer::Is::unknown), is) ||
            !read_text(in, answer.sentence)) {
            return false;
        }
        answer.is = static_cast<Answer::Is>(is);
        answers.push_back(std::move(answer));
    }
    return true;
}

void write_dead(Packer& out, const std::vector<DeadLetter>& letters) {
    out.array(letters.size());
    for (const DeadLetter& letter : letters) {
        out.array(2).uint(letter.id).bin(encode_dead_letter(letter));
    }
}

bool read_dead(MsgpackReader& in, std::vector<DeadLetter>& letters) {
    std::uint64_t count = 0;
    letters.clear();
    if (!in.array_head(count)) return false;
    for (std::uint64_t i = 0; i < count; ++i) {
        JournalId id = 0;
        std::string_view record;
        if (!read_array(in, 2) || !in.uint(id) || !in.bin(record)) return false;
        auto letter = decode_dead_letter(id, record);
        if (!letter) return false;
        letters.push_back(std::move(*letter));
    }
    return true;
}

}  // namespace weft::reliability

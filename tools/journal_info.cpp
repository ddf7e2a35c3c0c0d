// weft journal info and trim: what is there, and making room by hand.

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <optional>

#include "config/duration.hpp"
#include "config/size.hpp"
#include "fabric/message/json_form.hpp"
#include "fabric/transport/clock.hpp"
#include "tools/journal_command.hpp"
#include "tools/journal_parts.hpp"

namespace weft::tools {
namespace {

using reliability::JournalAccess;
using reliability::JournalId;
using reliability::JournalInfo;

std::string epoch_text(const JournalInfo& info) {
    return reliability::Position{info.epoch, 0}.text().substr(0, 16);
}

std::string time_or_none(std::uint64_t time_us) {
    return time_us == 0 ? "-" : fabric::rfc3339(time_us);
}

int show_info(Context& context, const JournalFlags& flags, bool json) {
    const auto journal = open_own_journal(context, flags, JournalAccess::read_only);
    const JournalInfo info = journal->info();
    const std::uint64_t ids = info.head + 1 - info.low;
    if (json) {
        fmt::print(
            "{{\"backend\":{},\"epoch\":\"{}\",\"low\":{},\"head\":{},\"ids\":{},\"oldest\":{},"
            "\"newest\":{},\"bytes\":{},\"not_ready\":{}}}\n",
            fabric::json_string(info.backend), epoch_text(info), info.low, info.head, ids,
            info.oldest_us == 0 ? "null" : fabric::json_string(fabric::rfc3339(info.oldest_us)),
            info.newest_us == 0 ? "null" : fabric::json_string(fabric::rfc3339(info.newest_us)),
            info.bytes, info.not_ready.empty() ? "null" : fabric::json_string(info.not_ready));
        return exit_done;
    }
    fmt::print("backend   {}\n", info.backend);
    fmt::print("epoch     {}\n", epoch_text(info));
    if (ids == 0) {
        fmt::print("ids       none left; the next is {}\n", info.head + 1);
    } else {
        fmt::print("ids       {} to {} ({})\n", info.low, info.head, ids);
    }
    fmt::print("oldest    {}\n", time_or_none(info.oldest_us));
    fmt::print("newest    {}\n", time_or_none(info.newest_us));
    fmt::print("size      {}\n", size_text(info.bytes));
    return exit_done;
}

struct TrimFlags {
    JournalFlags journal;
    std::optional<JournalId> below;
    std::string older_than, to_size;
};

JournalId low_of(const TrimFlags& flags, reliability::Journal& journal) {
    const auto must = [](auto result) {
        if (!result) throw failure(result.error().sentence);
        return *result;
    };
    if (flags.below) return *flags.below;
    if (!flags.older_than.empty()) {
        const auto age = config::parse_duration(flags.older_than);
        if (!age) throw usage_error("--older-than " + flags.older_than + ": " + age.error());
        const auto age_us = static_cast<std::uint64_t>(
            std::chrono::duration_cast<std::chrono::microseconds>(*age).count());
        const std::uint64_t now_us = fabric::SystemClock().utc_us();
        return must(journal.id_at(now_us > age_us ? now_us - age_us : 0));
    }
    const auto size = config::parse_size(flags.to_size);
    if (!size) throw usage_error("--to-size " + flags.to_size + ": " + size.error());
    return must(journal.low_for_bytes(*size));
}

int trim(Context& context, const TrimFlags& flags) {
    const auto journal = open_own_journal(context, flags.journal, JournalAccess::write);
    const JournalInfo before = journal->info();
    const auto trimmed = journal->trim(low_of(flags, *journal));
    if (!trimmed) throw failure(trimmed.error().sentence);
    const JournalInfo after = journal->info();
    fmt::print("trimmed {} ids; {} of {} left, {} (before: {})\n", after.low - before.low,
               after.head + 1 - after.low, before.head + 1 - before.low, size_text(after.bytes),
               size_text(before.bytes));
    return exit_done;
}

}  // namespace

void add_journal_info(CLI::App& journal, Context& context) {
    CLI::App* command = journal.add_subcommand("info", "Show epoch, ids, ages and size");
    auto flags = std::make_shared<JournalFlags>();
    auto json = std::make_shared<bool>(false);
    flags->add_to(*command);
    command->add_flag("--json", *json, "One JSON object");
    command->callback([&context, flags, json] {
        context.run = [&context, flags, json] { return show_info(context, *flags, *json); };
    });
}

void add_journal_trim(CLI::App& journal, Context& context) {
    CLI::App* command = journal.add_subcommand("trim", "Forget the oldest messages now");
    auto flags = std::make_shared<TrimFlags>();
    flags->journal.add_to(*command);
    auto* how = command->add_option_group("How much", "one of them");
    how->add_option("--below", flags->below, "Everything before this id")->type_name("ID");
    how->add_option("--older-than", flags->older_than, "What was stored longer ago than this")
        ->type_name("7d");
    how->add_option("--to-size", flags->to_size, "The oldest, until about so much is left")
        ->type_name("1GiB");
    how->require_option(1);
    command->footer(
        "Ids go on where they were, also if nothing is left. A cursor that is overtaken is told\n"
        "how many messages it lost. The journal must not be served meanwhile.\n"
        "Example:  weft journal trim --older-than 30d");
    command->callback(
        [&context, flags] { context.run = [&context, flags] { return trim(context, *flags); }; });
}

}  // namespace weft::tools

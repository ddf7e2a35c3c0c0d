// weft cursor: named positions in a journal, with their lag.

#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <optional>

#include "config/duration.hpp"
#include "fabric/message/json_form.hpp"
#include "fabric/message/value.hpp"
#include "reliability/service/remote_cursors.hpp"
#include "signing/refusal.hpp"
#include "tools/command.hpp"
#include "tools/duration_flag.hpp"
#include "tools/journal_link.hpp"
#include "tools/name_flag.hpp"
#include "tools/standard_output.hpp"
#include "tools/table.hpp"

namespace weft::tools {
namespace {

using fabric::Value;
using reliability::Cursor;
using reliability::CursorView;
using reliability::DeadLetter;
using reliability::GroupSettings;
using reliability::JournalId;
using reliability::RemoteAccess;
using reliability::RemoteCursors;
using reliability::RemoteGroups;
using reliability::Start;

struct Flags {
    std::string journal, name, start, group;
    std::vector<std::string> globs;
    std::optional<std::chrono::milliseconds> lease;
    std::optional<unsigned> attempts;
    std::vector<JournalId> retry, drop;
    bool json = false;
};

// ---- How they are shown ----

/// "12s", "5m", "3h", "9d": for people.
std::string age_text(std::chrono::microseconds age) {
    using namespace std::chrono;
    if (age < 2min) return fmt::format("{}s", duration_cast<seconds>(age).count());
    if (age < 2h) return fmt::format("{}m", duration_cast<minutes>(age).count());
    if (age < 48h) return fmt::format("{}h", duration_cast<hours>(age).count());
    return fmt::format("{}d", duration_cast<hours>(age).count() / 24);
}

std::string counted(std::uint64_t number, const std::string& what) {
    return std::to_string(number) + " " + what + (number == 1 ? "" : "s");
}

std::string oldest_text(const CursorView& view) {
    return view.lag.oldest_age ? age_text(*view.lag.oldest_age) : "-";
}

std::string globs_text(const Cursor& cursor) {
    std::string text;
    for (const auto& glob : cursor.globs) text += (text.empty() ? "" : " ") + glob.text();
    return text.empty() ? "everything" : text;
}

Value group_value(const CursorView& view) {
    if (!view.cursor.group || !view.group) return {};
    const GroupSettings& settings = *view.cursor.group;
    const auto& stats = *view.group;
    return Value::Map{{"mode", name_of(settings.mode)},
                      {"lease_ms", settings.lease.count()},
                      {"max_attempts", settings.max_attempts},
                      {"members", stats.members},
                      {"active", stats.active.empty() ? Value{} : Value(stats.active)},
                      {"leased", stats.leased},
                      {"waiting", stats.waiting},
                      {"delayed", stats.delayed},
                      {"dead", stats.dead},
                      {"acknowledged", stats.acknowledged},
                      {"redelivered", stats.redelivered}};
}

Value lag_value(const reliability::CursorLag& lag) {
    Value gap;
    if (lag.gap) {
        gap = Value::Map{{"from", lag.gap->from},
                         {"to", lag.gap->to},
                         {"lost", lag.gap->lost ? Value(*lag.gap->lost) : Value{}}};
    }
    return Value::Map{
        {"messages", lag.messages},
        {"oldest_ms", lag.oldest_age ? Value(lag.oldest_age->count() / 1000) : Value{}},
        {"gap", std::move(gap)}};
}

Value view_value(const CursorView& view) {
    const Cursor& cursor = view.cursor;
    Value::List globs;
    for (const auto& glob : cursor.globs) globs.emplace_back(glob.text());
    return Value::Map{{"name", cursor.name},
                      {"topics", std::move(globs)},
                      {"position", cursor.position.text()},
                      {"id", cursor.position.id},
                      {"created", fabric::rfc3339(cursor.created_us)},
                      {"moved", fabric::rfc3339(cursor.moved_us)},
                      {"lag", lag_value(view.lag)},
                      {"lost", cursor.lost},
                      {"gaps", cursor.gaps},
                      {"group", group_value(view)}};
}

std::vector<std::string> row_of(const CursorView& view) {
    const auto of_group = [&](auto number) {
        return view.group ? std::to_string(number(*view.group)) : std::string{"-"};
    };
    using Stats = reliability::ConsumerGroup::Stats;
    return {view.cursor.name,
            std::to_string(view.cursor.position.id),
            std::to_string(view.lag.messages),
            oldest_text(view),
            view.cursor.group ? std::string{name_of(view.cursor.group->mode)} : "-",
            of_group([](const Stats& stats) { return stats.members; }),
            of_group([](const Stats& stats) { return stats.leased; }),
            of_group([](const Stats& stats) { return stats.dead; }),
            std::to_string(view.cursor.lost),
            globs_text(view.cursor)};
}

std::string as_text(const CursorView& view) {
    const Cursor& cursor = view.cursor;
    std::string text = fmt::format(
        "name      {}\ntopics    {}\nposition  {}\nlag       {}, the oldest {}\n"
        "moved     {}\nlost      {} in {}\n",
        cursor.name, globs_text(cursor), cursor.position.text(),
        counted(view.lag.messages, "message"),
        view.lag.oldest_age ? age_text(*view.lag.oldest_age) + " old" : "is none that it wants",
        fabric::rfc3339(cursor.moved_us), counted(cursor.lost, "message"),
        counted(cursor.gaps, "gap"));
    if (view.lag.gap) {
        text +=
            fmt::format("next gap  ids {} to {} are gone\n", view.lag.gap->from, view.lag.gap->to);
    }
    if (!cursor.group || !view.group) return text;
    text += fmt::format("group     {}, leases of {}, at most {} attempts\n",
                        name_of(cursor.group->mode), config::duration_text(cursor.group->lease),
                        cursor.group->max_attempts);
    const auto& stats = *view.group;
    text += fmt::format(
        "members   {}{}\nmessages  {} leased, {} given back, {} delayed, {} dead letters\n",
        stats.members, stats.active.empty() ? "" : ", active is " + stats.active, stats.leased,
        stats.waiting, stats.delayed, stats.dead);
    return text;
}

// ---- What the commands do ----

Start start_of(const std::string& flag, const std::string& text) {
    const auto start = Start::parse(text);
    if (!start) throw usage_error(flag + ": " + start.error());
    if (start->kind == Start::Kind::last_per_topic) {
        throw usage_error(flag + ": last-per-topic is no place that a cursor can stand at; take " +
                          "beginning, an id, last:100, since:1h or now");
    }
    return *start;
}

int list(Context& context, const Flags& flags) {
    JournalLink journal(context, flags.journal, RemoteAccess::read);
    RemoteCursors cursors(journal.link());
    const auto listed = must(cursors.list());
    std::string text;
    Rows rows = {{"NAME", "POSITION", "LAG", "OLDEST", "GROUP", "MEMBERS", "LEASED", "DEAD", "LOST",
                  "TOPICS"}};
    std::vector<std::string> problems = listed.unreadable;
    for (const Cursor& cursor : listed.cursors) {
        const auto view = cursors.show(cursor.name);
        if (!view && view.error().reason == reliability::JournalError::Reason::not_found) continue;
        if (!view && view.error().reason == reliability::JournalError::Reason::corrupt) {
            problems.push_back(view.error().sentence);
            continue;
        }
        const CursorView shown = must(view);
        if (flags.json) text += fabric::to_json(view_value(shown)) + "\n";
        if (!flags.json) rows.push_back(row_of(shown));
    }
    if (!flags.json) {
        text = rows.size() == 1 ? "there are no cursors yet; `weft cursor create NAME` makes one\n"
                                : table(rows);
    }
    write_out(text);
    for (const std::string& problem : problems) Context::warn(problem);
    return problems.empty() ? exit_done : exit_failed;
}

void print(const Flags& flags, const CursorView& view) {
    write_out(flags.json ? fabric::to_json(view_value(view)) + "\n" : as_text(view));
}

int show(Context& context, const Flags& flags) {
    JournalLink journal(context, flags.journal, RemoteAccess::read);
    print(flags, must(RemoteCursors(journal.link()).show(flags.name)));
    return exit_done;
}

int set(Context& context, const Flags& flags) {
    const Start start = start_of("--to", flags.start);
    JournalLink journal(context, flags.journal, RemoteAccess::change);
    RemoteCursors cursors(journal.link());
    static_cast<void>(must(cursors.set(flags.name, start)));
    print(flags, must(cursors.show(flags.name)));
    return exit_done;
}

std::optional<GroupSettings> group_of(const Flags& flags) {
    if (flags.group.empty()) {
        if (flags.lease || flags.attempts) {
            throw usage_error("--lease and --attempts are about a group: say --group shared");
        }
        return std::nullopt;
    }
    GroupSettings settings;
    const auto mode = reliability::group_mode_named(flags.group);
    if (!mode) {
        throw usage_error("--group '" + signing::escape(flags.group, 40) +
                          "': a group is shared, keyed or exclusive");
    }
    settings.mode = *mode;
    settings.lease = flags.lease.value_or(settings.lease);
    settings.max_attempts = flags.attempts.value_or(settings.max_attempts);
    return settings;
}

int create(Context& context, const Flags& flags) {
    require_name("NAME", flags.name);
    const Start start = start_of("--from", flags.start);
    const auto group = group_of(flags);
    JournalLink journal(context, flags.journal, RemoteAccess::change);
    std::vector<signing::TopicGlob> globs;
    for (const std::string& text : flags.globs) {
        auto glob =
            signing::TopicGlob::parse(journal.fabric().settings().space.complete_glob(text));
        if (!glob) throw usage_error("--topic '" + signing::escape(text) + "': " + glob.error());
        globs.push_back(std::move(*glob));
    }
    RemoteCursors cursors(journal.link());
    const auto put = must(cursors.put(flags.name, std::move(globs), start, group));
    if (!put.created) {
        Context::info("'" + flags.name +
                      "' was there: it keeps its place, and has these topics now");
    }
    print(flags, must(cursors.show(flags.name)));
    return exit_done;
}

int remove(Context& context, const Flags& flags) {
    JournalLink journal(context, flags.journal, RemoteAccess::change);
    must(RemoteCursors(journal.link()).remove(flags.name));
    write_out(flags.json ? fabric::to_json(Value::Map{{"deleted", flags.name}}) + "\n"
                         : "deleted " + flags.name + "\n");
    return exit_done;
}

std::string letters_text(const std::vector<DeadLetter>& letters, bool json) {
    std::string text;
    Rows rows = {{"ID", "ATTEMPTS", "DIED", "MEMBER", "REASON"}};
    for (const DeadLetter& letter : letters) {
        const std::string died = fabric::rfc3339(letter.died_us);
        rows.push_back({std::to_string(letter.id), std::to_string(letter.attempts), died,
                        letter.member, signing::escape(letter.reason)});
        if (!json) continue;
        text += fabric::to_json(Value::Map{{"id", letter.id},
                                           {"attempts", letter.attempts},
                                           {"died", died},
                                           {"member", letter.member},
                                           {"reason", letter.reason}}) +
                "\n";
    }
    if (json) return text;
    return letters.empty() ? "no dead letters\n" : table(rows);
}

int dead(Context& context, const Flags& flags) {
    const bool changes = !flags.retry.empty() || !flags.drop.empty();
    JournalLink journal(context, flags.journal,
                        changes ? RemoteAccess::change : RemoteAccess::read);
    RemoteGroups groups(journal.link(), journal.fabric().clock());
    for (const JournalId id : flags.retry) must(groups.retry(flags.name, id));
    for (const JournalId id : flags.drop) must(groups.drop(flags.name, id));
    write_out(letters_text(must(groups.dead(flags.name)), flags.json));
    return exit_done;
}

// ---- Their flags ----

using Run = int (*)(Context&, const Flags&);

/// A command with what all of them have; "NAME" if it is about one cursor.
CLI::App* add_one(CLI::App& cursor, Context& context, const std::string& name,
                  const std::string& help, bool about_one, const std::shared_ptr<Flags>& flags,
                  Run run) {
    CLI::App* command = cursor.add_subcommand(name, help);
    if (about_one) {
        command->add_option("name", flags->name, "The name of the cursor")
            ->required()
            ->type_name("NAME");
    }
    add_journal_name(*command, flags->journal);
    command->add_flag("--json", flags->json, "One object a line");
    command->callback([&context, flags, run] {
        context.run = [&context, flags, run] { return run(context, *flags); };
    });
    return command;
}

constexpr const char* start_help =
    "beginning, an id of the journal or of a message, last:100, since:1h, or now";

void add_create(CLI::App& cursor, Context& context) {
    auto flags = std::make_shared<Flags>();
    flags->start = "now";
    CLI::App* command = add_one(cursor, context, "create",
                                "Make one, or give the one that is there other topics or leases",
                                true, flags, &create);
    command->add_option("--topic", flags->globs, "What it wants (default: everything)")
        ->type_name("GLOB");
    command->add_option("--from", flags->start, std::string{start_help} + " (default: now)")
        ->type_name("START");
    command->add_option("--group", flags->group, "Its members share it: shared, keyed or exclusive")
        ->type_name("MODE");
    add_duration(*command, "--lease", flags->lease,
                 "How long a member has for a message (default: 30s)");
    command->add_option("--attempts", flags->attempts,
                        "After so many a message is a dead letter (default: 5)");
    command->footer(
        "keyed: the messages of one topic and publisher go to one member at a time, in their\n"
        "order; exclusive: one member gets all, the others stand by.\n"
        "Example:  weft cursor create mailers --topic 'mail.**' --from beginning --group shared");
}

void add_dead(CLI::App& cursor, Context& context) {
    auto flags = std::make_shared<Flags>();
    CLI::App* command =
        add_one(cursor, context, "dead", "The messages of a group that nobody could process", true,
                flags, &dead);
    command->add_option("--retry", flags->retry, "Hand it out again, as if for the first time")
        ->type_name("ID");
    command->add_option("--drop", flags->drop, "Forget it")->type_name("ID");
    command->footer(
        "Prints those that are left afterwards.\n"
        "Example:  weft cursor dead mailers --retry 4711");
}

}  // namespace

void add_cursor(CLI::App& app, Context& context) {
    CLI::App* cursor = app.add_subcommand("cursor", "Named positions in a journal, and their lag");
    cursor->require_subcommand(1);
    cursor->footer(
        "Asks the journals of reliability.journals. Changing one takes a certificate with the\n"
        "role publish, ack, gateway or journal.\n"
        "Example:  weft cursor list\n"
        "          weft cursor set reports --to since:1h");
    auto flags = std::make_shared<Flags>();
    add_one(*cursor, context, "list", "All of them, with their lag", false, flags, &list)
        ->footer(
            "LAG counts every message behind the position, also of topics that the cursor does\n"
            "not want; OLDEST is how long the next one for it has been waiting.\n"
            "Example:  weft cursor list --json | jq -r 'select(.lag.messages > 1000).name'");
    flags = std::make_shared<Flags>();
    add_one(*cursor, context, "show", "One of them", true, flags, &show)
        ->footer("Example:  weft cursor show reports");
    flags = std::make_shared<Flags>();
    CLI::App* command = add_one(*cursor, context, "set", "Move one back, to replay, or on, to skip",
                                true, flags, &set);
    command->add_option("--to", flags->start, start_help)->required()->type_name("START");
    command->footer(
        "The leases of a group end; dead letters behind the new place come again as messages.\n"
        "Example:  weft cursor set reports --to since:1h");
    add_create(*cursor, context);
    flags = std::make_shared<Flags>();
    add_one(*cursor, context, "delete", "Forget one, with its group and dead letters", true, flags,
            &remove)
        ->footer("Example:  weft cursor delete reports");
    add_dead(*cursor, context);
}

}  // namespace weft::tools

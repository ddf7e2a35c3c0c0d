// weft journal ancestors and children: what caused a message, and what it caused.

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "fabric/message/json_form.hpp"
#include "fabric/message/value.hpp"
#include "reliability/service/remote_cursors.hpp"
#include "signing/refusal.hpp"
#include "tools/journal_command.hpp"
#include "tools/journal_link.hpp"
#include "tools/journal_parts.hpp"
#include "tools/standard_output.hpp"

namespace weft::tools {
namespace {

using fabric::MessageId;
using fabric::Value;
using reliability::Family;
using reliability::FamilyMember;
using reliability::JournalResult;

/// One that lives answers sooner.
constexpr std::chrono::milliseconds answers_within{2000};

struct Flags {
    std::string id, journal;
    JournalFlags local;
    std::size_t depth = reliability::lineage_depth_max;
    bool up = false, json = false;
};

JournalResult<Family> ask(reliability::RemoteLink& link, const Flags& flags, const MessageId& id) {
    return flags.up ? reliability::remote_ancestors(link, id, flags.depth)
                    : reliability::remote_descendants(link, id, flags.depth);
}

JournalResult<Family> look(reliability::Journal& journal, const Flags& flags, const MessageId& id) {
    const auto lineage = flags.up ? reliability::ancestors(journal, id, flags.depth)
                                  : reliability::descendants(journal, id, flags.depth,
                                                             reliability::family_messages_max);
    if (!lineage) return tl::make_unexpected(lineage.error());
    return reliability::family_of(*lineage);
}

JournalResult<Family> look_here(Context& context, const Flags& flags, const MessageId& id) {
    const auto journal =
        open_own_journal(context, flags.local, reliability::JournalAccess::read_only);
    return look(*journal, flags, id);
}

/// The journal that runs; where none does, the one that lies here.
JournalResult<Family> find(Context& context, const Flags& flags, const MessageId& id) {
    if (!flags.local.path.empty()) return look_here(context, flags, id);
    std::string no_answer;
    try {
        JournalLink journal(context, flags.journal, reliability::RemoteAccess::read,
                            answers_within);
        return ask(journal.link(), flags, id);
    } catch (const CommandError& error) {
        if (!flags.journal.empty()) throw;
        no_answer = error.what();
    }
    try {
        auto family = look_here(context, flags, id);
        Context::info("no journal answers; this is what the one here has");
        return family;
    } catch (const CommandError& error) {
        throw CommandError(error.code(), no_answer + "\nand here: " + error.what());
    }
}

Value value_of(const FamilyMember& member) {
    const auto or_nil = [&](auto value) {
        return member.stored ? Value(value(*member.stored)) : Value{};
    };
    using Stored = FamilyMember::Stored;
    return Value::Map{
        {"id", member.id.text()},
        {"parent", member.parent.is_none() ? Value{} : Value(member.parent.text())},
        {"depth", member.depth},
        {"journal_id", or_nil([](const Stored& stored) { return stored.journal_id; })},
        {"stored", or_nil([](const Stored& stored) { return fabric::rfc3339(stored.stored_us); })},
        {"topic", or_nil([](const Stored& stored) { return stored.topic; })},
        {"signer", or_nil([](const Stored& stored) { return stored.signer; })}};
}

std::string line_of(const FamilyMember& member) {
    if (!member.stored) return member.id.text() + "  (not kept)";
    const std::string signer = member.stored->signer.empty() ? "unsigned" : member.stored->signer;
    return fmt::format("{}  {}  {}  {}  {}", member.id.text(), member.stored->journal_id,
                       signing::escape(member.stored->topic), signer,
                       fabric::rfc3339(member.stored->stored_us));
}

/// Who caused something stands above it and less far to the right.
std::string as_tree(const Family& family, const Flags& flags, const MessageId& id) {
    const auto line = [](std::uint64_t depth, const std::string& text) {
        return depth == 0 ? text + "\n" : std::string(2 * (depth - 1), ' ') + "`-" + text + "\n";
    };
    const std::string self = id.text() + "  (this one)";
    std::string text;
    if (!flags.up) {
        text = line(0, self);
        for (const FamilyMember& member : family.members) {
            text += line(member.depth, line_of(member));
        }
        return text;
    }
    std::uint64_t depth = 0;
    for (auto member = family.members.rbegin(); member != family.members.rend(); ++member) {
        text += line(depth++, line_of(*member));
    }
    return text + line(depth, self);
}

int show(Context& context, const Flags& flags) {
    const auto id = MessageId::parse(flags.id);
    if (!id) {
        throw usage_error("'" + signing::escape(flags.id, 80) +
                          "' is not the id of a message; it looks like "
                          "0190a5c4-7e21-7cc3-98c4-dc0c0c07398f (weft tail --json prints it)");
    }
    const Family family = must(find(context, flags, *id));
    std::string text;
    for (const FamilyMember& member : family.members) {
        if (flags.json) text += fabric::to_json(value_of(member)) + "\n";
    }
    write_out(flags.json ? text : as_tree(family, flags, *id));
    if (family.cut) Context::warn("there are more than are shown here");
    if (family.circle) Context::warn("somebody stands among its own ancestors");
    return exit_done;
}

void add_one(CLI::App& journal, Context& context, bool up) {
    CLI::App* command =
        up ? journal.add_subcommand("ancestors", "What caused a message: its parents up")
           : journal.add_subcommand("children", "What a message caused: its children down");
    auto flags = std::make_shared<Flags>();
    flags->up = up;
    command->add_option("id", flags->id, "The id of the message (a UUID)")
        ->required()
        ->type_name("ID");
    command->add_option("--depth", flags->depth, "How many steps at most (default: 64)")
        ->check(CLI::Range(std::size_t{1}, reliability::lineage_depth_max));
    add_journal_name(*command, flags->journal);
    flags->local.add_to(*command);
    command->add_flag("--json", flags->json, "One object a line");
    const std::string name = up ? "ancestors" : "children";
    command->footer(
        "Prints message id, id in the journal, topic, signer and when it was stored. Asks the\n"
        "journal that runs; if none answers, or with --path, it reads the one on this host.\n"
        "Example:  weft journal " +
        name + " 0190a5c4-7e21-7cc3-98c4-dc0c0c07398f");
    command->callback(
        [&context, flags] { context.run = [&context, flags] { return show(context, *flags); }; });
}

}  // namespace

void add_journal_family(CLI::App& journal, Context& context) {
    add_one(journal, context, true);
    add_one(journal, context, false);
}

}  // namespace weft::tools

// weft journal export: what is stored, as JSON lines for people and programs, or as the signed
// frames for another journal.

#include <cstdio>
#include <fstream>
#include <iostream>
#include <optional>

#include "fabric/message/json_form.hpp"
#include "fabric/settings.hpp"
#include "fabric/transport/clock.hpp"
#include "reliability/cursor/start.hpp"
#include "reliability/journal/stored_verifier.hpp"
#include "signing/refusal.hpp"
#include "signing/sodium.hpp"
#include "tools/journal_command.hpp"
#include "tools/journal_parts.hpp"
#include "tools/progress.hpp"
#include "tools/stop_signal.hpp"

namespace weft::tools {
namespace {

using reliability::JournalId;

struct Flags {
    JournalFlags journal;
    std::string format = "json", from = "beginning", output = "-";
    std::optional<JournalId> to;
    std::vector<std::string> topics;
};

fabric::TopicSpace space_of(Context& context) {
    config::Problems problems;
    auto space = fabric::read_settings(context.configuration(), problems).space;
    Context::require_none(problems);
    return space;
}

class Exporter {
public:
    Exporter(Context& context, const Flags& flags)
        : flags_(flags),
          filter_(filter_of(space_of(context), flags.topics)),
          verifier_(own_trust(context)),
          journal_(
              open_own_journal(context, flags.journal, reliability::JournalAccess::read_only)) {
        if (flags.output == "-") return;
        file_.open(flags.output, std::ios::binary | std::ios::trunc);
        if (!file_) throw usage_error("--output " + flags.output + ": cannot be written");
    }

    int run() {
        const auto start = reliability::Start::parse(flags_.from);
        if (!start) throw usage_error("--from: " + start.error());
        auto at = reliability::resolve(*start, *journal_, filter_, fabric::SystemClock().utc_us());
        if (!at) throw failure(at.error().sentence);
        const JournalId head = journal_->info().head;
        reliability::ReadLimits limits;
        limits.messages = 10'000;
        limits.through = std::min(flags_.to.value_or(head), head);
        Progress progress(limits.through);
        StopSignal stop;
        while (at->id < limits.through && !stop.requested()) {
            const auto page = journal_->read(*at, filter_, limits);
            if (!page) throw failure(page.error().sentence);
            write(*page);
            if (page->next.id <= at->id && page->runs.empty() && !page->gap) break;
            at = page->next;
            progress.show(at->id);
        }
        progress.end();
        out().flush();
        if (!out()) throw failure("not everything could be written to " + flags_.output);
        Context::info("exported " + std::to_string(written_) + " messages" +
                      (refused_ > 0
                           ? ", left out " + std::to_string(refused_) + " that are not believed"
                           : ""));
        if (stop.requested()) return std::max<int>(stop.exit_code(), exit_failed);
        return refused_ == 0 ? exit_done : exit_failed;
    }

private:
    std::ostream& out() { return flags_.output == "-" ? std::cout : file_; }

    void write(const reliability::Page& page) {
        if (page.gap) {
            Context::warn("ids " + std::to_string(page.gap->from) + " to " +
                          std::to_string(page.gap->to) + " are not there any more");
        }
        if (flags_.format == "frames") {
            for (const reliability::StoredRun& run : page.runs) write_frames(run);
            return;
        }
        verifier_.verify(
            page,
            [&](const reliability::VerifiedMessage& stored) {
                out() << fabric::to_json(stored.message, stored.id) << '\n';
                ++written_;
            },
            [&](const reliability::StoredRefusal& refused) {
                refused_ += refused.last - refused.first + 1;
                Context::warn(
                    "ids " + std::to_string(refused.first) + " to " + std::to_string(refused.last) +
                    " are not believed: " + std::string{signing::sentence_for(refused.why.reason)});
            });
    }

    void write_frames(const reliability::StoredRun& run) {
        out() << "{\"first\":" << run.first << ",\"last\":" << run.last
              << ",\"stored_us\":" << run.stored_us << ",\"stored\":\""
              << fabric::rfc3339(run.stored_us) << "\",\"topic\":\""
              << signing::to_base64(run.topic) << "\",\"contents\":\""
              << signing::to_base64(run.contents) << "\",\"proof\":\""
              << signing::to_base64(run.proof) << "\"}\n";
        written_ += run.last - run.first + 1;
    }

    const Flags& flags_;
    const reliability::TopicFilter filter_;
    reliability::StoredVerifier verifier_;
    const std::unique_ptr<reliability::Journal> journal_;
    std::ofstream file_;
    std::uint64_t written_ = 0, refused_ = 0;
};

}  // namespace

void add_journal_export(CLI::App& journal, Context& context) {
    CLI::App* command =
        journal.add_subcommand("export", "Write what is stored as JSON lines or as signed frames");
    auto flags = std::make_shared<Flags>();
    flags->journal.add_to(*command);
    command
        ->add_option("--format", flags->format,
                     "json: a message a line, verified; frames: a signed run a line, base64, for "
                     "auditors and `weft journal import`")
        ->check(CLI::IsMember({"json", "frames"}))
        ->capture_default_str();
    command->add_option("--from", flags->from, "Where to begin")
        ->type_name("beginning|ID|last:N|since:10m")
        ->capture_default_str();
    command->add_option("--to", flags->to, "Up to and with this id")->type_name("ID");
    command->add_option("--topic", flags->topics, "Only topics that match (repeatable)")
        ->type_name("GLOB")
        ->allow_extra_args(false);
    command->add_option("--output", flags->output, "A file; - is standard output")
        ->type_name("FILE")
        ->capture_default_str();
    command->footer(
        "Ends with what is stored now; follow with `weft tail --from`. Also while it is served.\n"
        "Example:  weft journal export --topic 'git.**' --output commits.jsonl\n"
        "          weft journal export --format frames | ssh host2 weft journal import");
    command->callback([&context, flags] {
        context.run = [&context, flags] { return Exporter(context, *flags).run(); };
    });
}

}  // namespace weft::tools

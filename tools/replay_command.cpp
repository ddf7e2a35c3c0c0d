// weft replay: stored messages are published again, as new messages of ours.

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <memory>

#include "fabric/message/topic.hpp"
#include "reliability/service/open_remote.hpp"
#include "signing/refusal.hpp"
#include "tools/command.hpp"
#include "tools/housekeeping.hpp"
#include "tools/journal_command.hpp"
#include "tools/journal_link.hpp"
#include "tools/journal_parts.hpp"
#include "tools/progress.hpp"
#include "tools/publishing.hpp"
#include "tools/replay_source.hpp"
#include "tools/standard_output.hpp"
#include "tools/stop_signal.hpp"

namespace weft::tools {
namespace {

/// Beyond this nobody has looked at each of them.
constexpr std::uint64_t unasked_max = 1000;
constexpr std::string_view replay_header = "weft-replay-of";

struct Flags {
    PublishingFlags publishing;
    std::vector<std::string> ids, topics;
    std::string from, to, journal;
    double rate = 0;  ///< Messages a second; 0: as fast as it goes.
    bool dry_run = false, yes = false, as_is = false;
};

void check(const Flags& flags) {
    if (flags.ids.empty() == flags.from.empty()) {
        throw usage_error(
            "which messages? Name their ids, as in `weft replay 4711`, or a range, as in `weft "
            "replay --from since:1h`, not both");
    }
    if (flags.from.empty() && (!flags.to.empty() || !flags.topics.empty())) {
        throw usage_error("--to and --topic are about a range: say --from, too");
    }
    if (!flags.publishing.parent.empty()) {
        throw usage_error("--parent: the parent of a replayed message is the one that is replayed");
    }
    for (const std::string& id : flags.ids) ReplaySource::check(id);
    if (!flags.to.empty()) ReplaySource::check(flags.to, "--to ");
}

PublishingFlags publishing_flags(const Flags& flags) {
    PublishingFlags publishing = flags.publishing;
    // Nobody is asked for anything, and the outbox is left alone.
    if (flags.dry_run) publishing.acks = {};
    return publishing;
}

std::string counted(std::uint64_t number) {
    return std::to_string(number) + (number == 1 ? " message" : " messages");
}

class Replay {
public:
    Replay(Context& context, const Flags& flags)
        : flags_(flags),
          publishing_(context, publishing_flags(flags), "replay"),
          housekeeping_(context, stop_, publishing_.fabric(),
                        [this] { publishing_.stop_taking(); }),
          journal_(open(context)),
          source_(*journal_, publishing_.fabric().trust(), flags.as_is, tally_) {}

    int run() {
        const int code = flags_.ids.empty() ? range() : by_ids();
        if (code != exit_done) return code;
        const std::string summary =
            (flags_.dry_run ? "would replay " : "replayed ") + counted(replayed_) + tally_.text();
        if (!flags_.dry_run && replayed_ > 0) finish(summary);
        if (stop_.requested()) {
            throw CommandError(std::max<int>(stop_.exit_code(), exit_failed),
                               "stopped by a signal: " + summary);
        }
        if (!tally_.good()) throw failure(summary);
        Context::info(summary);
        return exit_done;
    }

private:
    std::unique_ptr<reliability::RemoteJournal> open(Context& context) {
        reliability::Settings settings = reliability_settings(context);
        if (!flags_.journal.empty()) settings.journals = {flags_.journal};
        auto journal = reliability::open_any_journal(publishing_.fabric(), settings);
        if (journal) return std::move(*journal);
        throw CommandError(settings.journals.empty() ? exit_usage : exit_failed, journal.error());
    }

    int by_ids() {
        if (const int code = ask(flags_.ids.size(), counted(flags_.ids.size()));
            code != exit_done) {
            return code;
        }
        for (const std::string& id : flags_.ids) {
            if (stop_.requested()) break;
            if (auto message = source_.one(id)) replay(*message);
        }
        return exit_done;
    }

    int range() {
        fabric::Fabric& fabric = publishing_.fabric();
        auto range =
            source_.range(flags_.from, flags_.to, filter_of(fabric.settings().space, flags_.topics),
                          fabric.clock().utc_us());
        if (!flags_.dry_run && !flags_.yes) {
            const std::string which = "the messages of ids " + std::to_string(range.after.id + 1) +
                                      " to " + std::to_string(range.through) + ", more than " +
                                      std::to_string(unasked_max);
            const int code = ask(source_.count(range, unasked_max), which);
            if (code != exit_done) return code;
        }
        const reliability::JournalId first = range.after.id;
        Progress progress(
            std::max<std::uint64_t>(1, range.through - std::min(range.through, first)));
        const bool shown = ::isatty(STDOUT_FILENO) == 0;
        while (!stop_.requested()) {
            const auto messages = source_.next(range);
            if (messages.empty()) break;
            for (const ToReplay& message : messages) {
                if (stop_.requested()) break;
                replay(message);
                if (shown) progress.show(message.id - first);
            }
        }
        progress.end();
        return exit_done;
    }

    /// exit_done: go on.
    int ask(std::uint64_t count, const std::string& which) {
        if (flags_.dry_run || flags_.yes || count <= unasked_max) return exit_done;
        if (::isatty(STDIN_FILENO) == 0) {
            throw usage_error("this would replay " + which +
                              ": say --yes to do that, or --dry-run to see them first; nothing "
                              "was published");
        }
        std::cerr << "Replay " << which << "? [y/N] " << std::flush;
        std::string answer;
        std::getline(std::cin, answer);
        if (answer == "y" || answer == "Y" || answer == "yes") return exit_done;
        Context::info("nothing was published");
        return exit_failed;
    }

    void replay(const ToReplay& stored) {
        const fabric::Message& message = stored.message;
        const std::string topic{message.topic()}, of = message.id().text();
        std::string line = std::to_string(stored.id) + "  " + topic + "  " + of;
        const std::string whose =
            stored.dead_for.empty()
                ? ""
                : ", the message in a dead letter of " + signing::escape(stored.dead_for, 80);
        if (flags_.dry_run) {
            ++replayed_;
            return write_out(line + "  would be replayed" + whose + "\n");
        }
        if (attempts_ == 0) publishing_.await_listeners(topic, stop_);
        wait_for_turn();
        std::optional<fabric::MessageId> id;
        try {
            id = publish(topic, of, message);
        } catch (const CommandError& error) {
            return tally_.failed(std::to_string(stored.id), error.what());
        }
        if (!id) return;  // a signal: nothing is published any more
        ++replayed_;
        write_out(line + "  replayed as " + id->text() + whose + "\n");
    }

    std::optional<fabric::MessageId> publish(const std::string& topic, const std::string& of,
                                             const fabric::Message& message) {
        fabric::PublishOptions options = publishing_.options();
        options.parent = message.id();
        for (const auto& [name, value] : message.headers()) {
            // Of the flags, one that is there already is another value for it.
            const bool ours = std::any_of(options.headers.begin(), options.headers.end(),
                                          [&](const auto& one) { return one.first == name; });
            if (!ours && name != replay_header) options.headers.emplace_back(name, value);
        }
        options.headers.emplace_back(replay_header, of);
        const fabric::BodyView body{message.body(), message.body_is_msgpack()
                                                        ? std::string_view{}
                                                        : message.content_type()};
        return publishing_.publish(topic, body, options);
    }

    /// What was late is not caught up with: never more than `rate` in a second.
    void wait_for_turn() {
        using namespace std::chrono;
        ++attempts_;
        if (flags_.rate <= 0) return;
        const auto now = steady_clock::now();
        if (next_ > now) static_cast<void>(stop_.wait(ceil<milliseconds>(next_ - now)));
        const duration<double> pause{1 / flags_.rate};
        next_ = std::max(now, next_) + duration_cast<steady_clock::duration>(pause);
    }

    /// What was not taken or acknowledged comes with the summary.
    void finish(const std::string& summary) {
        try {
            publishing_.finish(stop_);
        } catch (const CommandError& error) {
            throw CommandError(error.code(), std::string{error.what()} + "\n" + summary);
        }
    }

    const Flags& flags_;
    StopSignal stop_;
    ReplayTally tally_;
    Publishing publishing_;
    const Housekeeping housekeeping_;
    std::unique_ptr<reliability::RemoteJournal> journal_;  // gone before the fabric
    ReplaySource source_;
    std::uint64_t replayed_ = 0, attempts_ = 0;
    std::chrono::steady_clock::time_point next_{};
};

}  // namespace

void add_replay(CLI::App& app, Context& context) {
    CLI::App* command = app.add_subcommand("replay", "Publish stored messages again");
    auto flags = std::make_shared<Flags>();
    command->add_option("ID", flags->ids, "Ids of the journal, such as 4711, or of messages");
    command
        ->add_option("--from", flags->from,
                     "A range instead: beginning, an id (what is after it), last:100, since:1h")
        ->type_name("START");
    command->add_option("--to", flags->to, "The last id of the range (default: the newest)")
        ->type_name("END");
    command->add_option("--topic", flags->topics, "Of the range only these topics (repeatable)")
        ->type_name("GLOB")
        ->allow_extra_args(false);
    command->add_flag("--dry-run", flags->dry_run, "Print what would be replayed");
    command->add_option("--rate", flags->rate, "At most so many messages a second")
        ->type_name("N")
        ->check(CLI::PositiveNumber);
    command->add_flag("--yes", flags->yes, "Do not ask before more than 1000 messages");
    command->add_flag("--as-is", flags->as_is,
                      "Replay a dead letter itself, not the message that is in it");
    add_journal_name(*command, flags->journal);
    flags->publishing.add_to(*command);
    command->footer(
        "Each is published as a new message of ours: same topic, body, content type and headers,\n"
        "with the header weft-replay-of and the parent naming the original. Whoever handled the\n"
        "original gets it again. To hand stored messages to one consumer only, move its cursor:\n"
        "`weft cursor set NAME --to START`. Of a dead letter the message in it is replayed.\n"
        "Exit 1 if one is not there, cannot be believed, or was not taken.\n"
        "Example:  weft replay 4711 0190a5c4-5d1e-7cc3-98c4-dc0c0c07398f\n"
        "          weft replay --from since:1h --topic 'git.**' --dry-run\n"
        "          weft replay --from 4700 --to 4711 --rate 50 --durable");
    command->callback([&context, flags] {
        context.run = [&context, flags] {
            check(*flags);
            return Replay(context, *flags).run();
        };
    });
}

}  // namespace weft::tools

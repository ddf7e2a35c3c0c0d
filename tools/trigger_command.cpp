// weft trigger: run a command for each message.

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "fabric/fabric.hpp"
#include "fabric/node/counters.hpp"
#include "tools/command.hpp"
#include "tools/duration_flag.hpp"
#include "tools/housekeeping.hpp"
#include "tools/journal_command.hpp"
#include "tools/stop_signal.hpp"
#include "tools/tail_followers.hpp"
#include "tools/trigger_runner.hpp"

namespace weft::tools {
namespace {

/// All commands end within 5 s of a signal; a second of it is for those that do not want to.
constexpr std::chrono::milliseconds stop_patience{3'000};

struct Flags {
    TailFlags follow;  ///< What concerns where messages come from.
    TriggerPlan plan;
    std::vector<std::string> typed;  ///< The command as CLI11 reads it: [a,b] became two.
};

/// What stands behind the first --, untouched.
std::vector<std::string> command_in(const std::vector<std::string>& arguments) {
    const auto dashes = std::find(arguments.begin(), arguments.end(), "--");
    if (dashes == arguments.end() || dashes + 1 == arguments.end()) {
        throw usage_error(
            "the command stands behind --, so that its flags are not ours: weft trigger --topic "
            "GLOB -- PROGRAM ARGUMENT...");
    }
    return {dashes + 1, arguments.end()};
}

void refuse_what_is_missing(const Flags& flags) {
    if (flags.plan.command.front().empty()) {
        throw usage_error("the command's name is empty: write -- PROGRAM ARGUMENT...");
    }
    if (!flags.follow.journal.empty() && flags.follow.from.empty()) {
        throw usage_error(
            "--journal says which journal --from reads: say where to begin, such as "
            "--from beginning");
    }
    if (flags.plan.timeout.count() <= 0) throw usage_error("--timeout: it must be more than 0s");
}

std::string commands(std::uint64_t count) {
    return std::to_string(count) + (count == 1 ? " command" : " commands");
}

int conclude(const Flags& flags, const TriggerRunner::Stats& stats, int exit_code) {
    if (stats.failed > 0) {
        Context::warn(commands(stats.failed) + " of " + std::to_string(stats.ran) + " failed");
    }
    if (stats.dropped > 0) {
        Context::warn("dropped " + std::to_string(stats.dropped) + " messages: more than " +
                      std::to_string(flags.plan.queue) + " waited (--queue, --parallel)");
    }
    if (stats.left > 0) {
        Context::warn("stopped while " + std::to_string(stats.left) +
                      " messages waited for their command");
    }
    const bool failed = flags.plan.count > 0 && stats.failed > 0;
    return exit_code == exit_done && failed ? int{exit_failed} : exit_code;
}

int trigger(Context& context, Flags& flags) {
    flags.plan.command = command_in(context.arguments);
    refuse_what_is_missing(flags);
    flags.plan.wait_for_room = !flags.follow.from.empty();
    const reliability::Settings settings = reliability_settings(context);
    StopSignal stop;
    fabric::FabricOptions options;
    options.warn = &Context::warn;
    options.kind = "trigger";
    const auto fabric = fabric::Fabric::open(context.configuration(), options);
    TriggerRunner runner(flags.plan, stop);
    const auto follower = follow(flags.follow, *fabric, settings, flags.follow.topics, runner);
    const Housekeeping housekeeping(context, stop, *fabric);

    const auto ready = follower->wait_ready(flags.follow.ready_timeout);
    if (ready.ready) {
        Context::info("ready: subscribed to " + flags.follow.topics.front() +
                      (flags.follow.topics.size() > 1 ? " and more" : ""));
    } else if (!stop.requested()) {
        Context::warn(ready.sentence);
    }
    stop.wait();
    runner.stop(stop_patience);
    const auto received = follower->stop();
    const TriggerRunner::Stats stats = runner.stats();
    fabric::Counters counters;
    counters.add(received);
    counters.add_subscription_dropped(stats.dropped);
    follower->count(counters);
    Context::say_counters(counters);
    say_refused_and_missing(*follower, received, "");
    return conclude(flags, stats, stop.exit_code());
}

void add_flags(CLI::App& command, const std::shared_ptr<Flags>& flags) {
    command
        .add_option("--topic", flags->follow.topics,
                    "Topics that match (repeatable); short globs are put under "
                    "<topic_prefix>.<environment>")
        ->type_name("GLOB")
        ->allow_extra_args(false)
        ->required();
    command
        .add_option("CMD", flags->typed,
                    "The program and its arguments, behind --, as they are; no shell")
        ->required();
    command
        .add_option("--count", flags->plan.count,
                    "End after so many commands, with exit code 1 if one of them failed")
        ->type_name("N");
    add_duration(command, "--timeout", flags->plan.timeout,
                 "A command that takes longer is killed, and failed (default: 30s)");
    command
        .add_option("--parallel", flags->plan.parallel,
                    "So many at a time; with more than one they end in any order")
        ->type_name("N")
        ->check(CLI::Range(1, 256))
        ->capture_default_str();
    command
        .add_option("--queue", flags->plan.queue,
                    "So many messages wait for their command; what comes beyond is dropped and "
                    "counted")
        ->type_name("N")
        ->check(CLI::Range(1, 1'000'000))
        ->capture_default_str();
    command
        .add_option("--from", flags->follow.from,
                    "Begin in the past, through a journal; then nothing is dropped")
        ->type_name("beginning|ID|last:N|since:10m|last-per-topic");
    command
        .add_option("--journal", flags->follow.journal,
                    "The journal that --from reads (default: the first of "
                    "reliability.journals that answers)")
        ->type_name("NAME");
    add_duration(command, "--ready-timeout", flags->follow.ready_timeout,
                 "When to complain that a peer does not answer (default: 2s)");
}

}  // namespace

void add_trigger(CLI::App& app, Context& context) {
    CLI::App* command = app.add_subcommand("trigger", "Run a command for each message");
    auto flags = std::make_shared<Flags>();
    add_flags(*command, flags);
    command->footer(
        "The command has the message on its stdin, as JSON like that of weft tail, and "
        "WEFT_TOPIC,\n"
        "WEFT_ID and WEFT_SIGNER in its environment, and of ours only PATH, HOME, USER, LOGNAME, "
        "LANG,\n"
        "LC_*, TZ, TMPDIR and XDG_RUNTIME_DIR; -- env NAME=value CMD adds to it. Its stdout and "
        "stderr\n"
        "are ours. No shell is involved: what a message says is never part of a command's text. "
        "For a\n"
        "pipe, name a shell yourself, as in the second example. One that fails is a warning; it is "
        "not tried again:\n"
        "for that, and to keep its place, a consumer of the hub is made.\n"
        "Example:  weft trigger --topic 'git.commit' -- ./build.sh --quick\n"
        "          weft trigger --topic '**' --count 1 -- sh -c 'jq .body; echo \"from "
        "$WEFT_SIGNER\"'");
    command->callback([&context, flags] {
        context.run = [&context, flags] { return trigger(context, *flags); };
    });
}

}  // namespace weft::tools

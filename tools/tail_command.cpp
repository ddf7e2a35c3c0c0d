// weft tail: follow the fabric.

#include <chrono>
#include <memory>
#include <optional>
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
#include "tools/tail_forward.hpp"

namespace weft::tools {
namespace {

void refuse_what_is_missing(const TailFlags& flags) {
    if (!flags.from.empty() && flags.ack) {
        throw usage_error(
            "--from reads a journal, and what is read there waits for no acknowledgement: leave "
            "out --from or --ack");
    }
    if (!flags.journal.empty() && flags.from.empty()) {
        throw usage_error(
            "--journal says which journal --from reads: say where to begin, such as "
            "--from beginning");
    }
    if (flags.ack && flags.no_validate) {
        throw usage_error(
            "--ack acknowledges what was verified, and --no-validate verifies nothing: leave one "
            "of them out");
    }
}

void refuse_what_is_not_forwarded(const TailFlags& flags, const ForwardFlags& forward) {
    if (forward.url.empty()) {
        if (forward.secret.empty() && forward.format.empty()) return;
        throw usage_error("--secret and --forward-format are for --forward URL: say where to");
    }
    if (flags.raw || flags.pretty || flags.ack || flags.show_refused || !flags.query.empty() ||
        !flags.include.empty() || !flags.exclude.empty()) {
        throw usage_error(
            "--forward sends whole messages and prints what came of each: leave out --raw, "
            "--pretty, --query, --include, --exclude, --ack and --show-refused; --topic chooses");
    }
}

int tail(Context& context, const TailFlags& flags, ForwardFlags forward) {
    refuse_what_is_missing(flags);
    refuse_what_is_not_forwarded(flags, forward);
    if (flags.no_validate) context.settings.emplace_back("signing.validate=false");
    const reliability::Settings settings = reliability_settings(context);
    StopSignal stop;
    TailPrinter printer(flags, stop);
    forward.json = flags.json;
    forward.count = flags.count;
    std::optional<TailForward> forwarded;
    if (!forward.url.empty()) forwarded.emplace(forward, stop);
    fabric::FabricOptions options;
    options.warn = &Context::warn;
    options.kind = "tail";
    const auto fabric = fabric::Fabric::open(context.configuration(), options);

    const std::vector<std::string> globs =
        flags.topics.empty() ? std::vector<std::string>{fabric->settings().space.root() + ".**"}
                             : flags.topics;
    const std::unique_ptr<Follower> follower =
        follow(flags, *fabric, settings, globs,
               forwarded ? static_cast<FollowSink&>(*forwarded) : printer);
    const Housekeeping housekeeping(context, stop, *fabric);

    const auto ready = follower->wait_ready(flags.ready_timeout);
    if (ready.ready) {
        Context::info("ready: subscribed to " + globs.front() +
                      (globs.size() > 1 ? " and more" : ""));
    } else if (!stop.requested()) {
        Context::warn(ready.sentence);
    }
    stop.wait();
    if (forwarded) {
        forwarded->stop();
        Context::info("forwarded " + std::to_string(forwarded->delivered()) + ", given up " +
                      std::to_string(forwarded->failed()));
    }
    const auto stats = follower->stop();
    fabric::Counters counters;
    counters.add(stats);
    follower->count(counters);
    Context::say_counters(counters);
    say_refused_and_missing(*follower, stats,
                            flags.show_refused ? "" : " (--show-refused prints them)");
    return stop.exit_code();
}

}  // namespace

void add_tail(CLI::App& app, Context& context) {
    CLI::App* command = app.add_subcommand("tail", "Follow the fabric");
    auto flags = std::make_shared<TailFlags>();
    auto forward = std::make_shared<ForwardFlags>();
    command
        ->add_option("--topic", flags->topics,
                     "Only topics that match (repeatable); short globs are put under "
                     "<topic_prefix>.<environment>")
        ->type_name("GLOB")
        ->allow_extra_args(false);
    auto* form = command->add_option_group("Form", "one of them");
    form->add_flag("--json", flags->json, "One JSON object a line (the default)");
    form->add_flag("--pretty", flags->pretty, "JSON over several lines, for people");
    form->add_flag("--terse", flags->terse, "One short line, for people");
    form->add_flag("--raw", flags->raw, "The signed bytes, base64, one run a line: for auditors");
    form->require_option(0, 1);
    command->add_option("--include", flags->include, "Only messages whose JSON matches")
        ->type_name("REGEX");
    command->add_option("--exclude", flags->exclude, "Not those whose JSON matches")
        ->type_name("REGEX");
    command->add_option("--query", flags->query, "Only this part, such as body.hash")
        ->type_name("a.b");
    command->add_option("--count", flags->count, "End after so many lines")->type_name("N");
    command->add_flag("--show-refused", flags->show_refused,
                      "Also print what was refused and what is missing, and why");
    command->add_flag("--no-validate", flags->no_validate,
                      "Show messages whoever signed them; each says verified: false");
    command->add_option("--from", flags->from, "Begin in the past, through a journal")
        ->type_name("beginning|ID|last:N|since:10m|last-per-topic");
    command
        ->add_option("--journal", flags->journal,
                     "The journal that --from reads (default: the first of "
                     "reliability.journals that answers)")
        ->type_name("NAME");
    command->add_flag("--ack", flags->ack,
                      "Acknowledge what asks us for it: received when it has arrived, processed "
                      "once its line is written");
    command
        ->add_option("--forward", forward->url,
                     "Send each message to this server, signed as a webhook is; prints status and "
                     "time of each")
        ->type_name("URL");
    command
        ->add_option("--secret", forward->secret,
                     "With --forward: sign with this one (default: a new one, which is printed)")
        ->type_name("whsec_...");
    command->add_option("--forward-format", forward->format,
                        "cloudevents-binary (default), cloudevents-structured, cloudevents-batch "
                        "or weft");
    add_duration(*command, "--ready-timeout", flags->ready_timeout,
                 "When to complain that a peer does not answer (default: 2s)");
    command->footer(
        "stdout carries the messages alone; `ready` and warnings go to stderr.\n"
        "With --from history and what follows come out of a journal as one sequence, each message\n"
        "with its journal_id; what has been trimmed is told as {\"gap\": …}. Without it, holes "
        "are\n"
        "filled from reliability.journals, where there are any.\n"
        "Example:  weft tail --topic 'git.**' --query body.subject\n"
        "          weft tail --from last:20 --terse\n"
        "          weft tail --terse --show-refused\n"
        "          weft tail --topic 'git.*' --forward http://127.0.0.1:3000/hook");
    command->callback([&context, flags, forward] {
        context.run = [&context, flags, forward] { return tail(context, *flags, *forward); };
    });
}

}  // namespace weft::tools
// weft tail: follow the fabric.

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <regex>
#include <string>
#include <vector>

#include "fabric/fabric.hpp"
#include "fabric/message/json_form.hpp"
#include "fabric/node/counters.hpp"
#include "reliability/ack_consumer.hpp"
#include "reliability/service/follower.hpp"
#include "reliability/service/open_remote.hpp"
#include "signing/sodium.hpp"
#include "tools/command.hpp"
#include "tools/duration_flag.hpp"
#include "tools/housekeeping.hpp"
#include "tools/journal_command.hpp"
#include "tools/line_writer.hpp"
#include "tools/stop_signal.hpp"
#include "tools/terse.hpp"

namespace weft::tools {
namespace {

struct Flags {
    std::vector<std::string> topics;
    bool json = false, pretty = false, terse = false, raw = false;
    bool no_validate = false, show_refused = false, ack = false;
    std::string include, exclude, query, from, journal;
    std::uint64_t count = 0;
    std::chrono::milliseconds ready_timeout{2000};
};

std::regex regex_of(const std::string& flag, const std::string& text) {
    try {
        return std::regex(text, std::regex::ECMAScript | std::regex::optimize);
    } catch (const std::regex_error&) {
        throw usage_error(flag + " '" + signing::escape(text, 80) +
                          "' is not a regular expression (ECMAScript syntax)");
    }
}

/// Decides what of a message is printed. Called by the subscriber's thread; with --ack also by the
/// consumer's.
class Printer {
public:
    Printer(const Flags& flags, StopSignal& stop) : flags_(flags), stop_(stop) {
        if (!flags.include.empty()) include_ = regex_of("--include", flags.include);
        if (!flags.exclude.empty()) exclude_ = regex_of("--exclude", flags.exclude);
    }

    /// True if it was printed, and whoever reads our output took the line.
    bool on_message(const fabric::Message& message,
                    std::optional<std::uint64_t> journal_id = std::nullopt) {
        const std::scoped_lock lock(mutex_);
        if (done_) return false;
        if (flags_.raw) return on_raw(message);
        const std::string json = fabric::to_json(message, journal_id);
        if (include_ && !std::regex_search(json, *include_)) return false;
        if (exclude_ && std::regex_search(json, *exclude_)) return false;
        if (!flags_.query.empty()) {
            const auto part = fabric::query_json(json, flags_.query);
            return part && print(*part);
        }
        if (flags_.terse) return print(terse(message));
        return print(flags_.pretty ? pretty(json) : json);
    }

    void on_refused(const fabric::RefusedMessage& refused) {
        const std::scoped_lock lock(mutex_);
        if (done_) return;
        const std::string reason{signing::name_of(refused.why.reason)};
        if (flags_.terse) {
            print("refused  " + signing::escape(refused.topic) + "  " + reason + ": " +
                  std::string{signing::sentence_for(refused.why.reason)} +
                  (refused.why.detail.empty() ? "" : " (" + refused.why.detail + ")"));
            return;
        }
        print("{\"refused\":" + fabric::json_string(reason) +
              ",\"topic\":" + fabric::json_string(refused.topic) +
              ",\"peer\":" + fabric::json_string(refused.peer) +
              ",\"reason\":" + fabric::json_string(signing::sentence_for(refused.why.reason)) +
              ",\"detail\":" + fabric::json_string(refused.why.detail) + "}");
    }

    /// On stderr it is said anyway, at most once a second.
    void on_gap(const fabric::Gap& gap) {
        const std::scoped_lock lock(mutex_);
        if (done_ || flags_.raw || flags_.terse || flags_.pretty) return;
        print("{\"gap\":{\"topic\":" + fabric::json_string(gap.topic) + ",\"signer\":" +
              fabric::json_string(gap.signer) + ",\"epoch\":" + std::to_string(gap.epoch) +
              ",\"from\":" + std::to_string(gap.from) + ",\"to\":" + std::to_string(gap.to) +
              ",\"count\":" + std::to_string(gap.count) + "}}");
    }

    /// What a journal no longer has: readers are told, never left in silence.
    void on_gap(const reliability::JournalGap& gap) {
        const std::scoped_lock lock(mutex_);
        if (done_ || flags_.raw) return;
        const std::string lost = gap.lost ? std::to_string(*gap.lost) : "null";
        if (flags_.terse || flags_.pretty) {
            print("gap  ids " + std::to_string(gap.from) + " to " + std::to_string(gap.to) + ", " +
                  (gap.lost ? lost : "an unknown number") + " lost");
            return;
        }
        print("{\"gap\":{\"from\":" + std::to_string(gap.from) +
              ",\"to\":" + std::to_string(gap.to) + ",\"lost\":" + lost + "}}");
    }
    /// Given up, after the journals were asked.
    void on_lost(const reliability::Lost& lost) {
        on_gap(fabric::Gap{lost.signer, lost.epoch, lost.topic, lost.from, lost.to, lost.count});
    }

private:
    /// A run is printed once, with the first of its messages.
    bool on_raw(const fabric::Message& message) {
        if (message.run() == last_run_) return true;
        last_run_ = message.run();
        const fabric::RunBytes& run = *last_run_;
        return print("{\"topic\":\"" + signing::to_base64(run.topic) + "\",\"contents\":\"" +
                     signing::to_base64(run.contents) + "\",\"proof\":\"" +
                     signing::to_base64(run.proof) + "\"}");
    }

    bool print(const std::string& line) {
        const bool written = writer_.write(line);
        ++printed_;
        // Whoever read our output may have gone: that is a reader's way to say enough.
        done_ = !written || (flags_.count > 0 && printed_ >= flags_.count);
        if (done_) stop_.stop_now();
        return written;
    }

    const Flags& flags_;
    StopSignal& stop_;
    std::mutex mutex_;  // guards what follows
    LineWriter writer_{stop_};
    std::optional<std::regex> include_, exclude_;
    std::shared_ptr<const fabric::RunBytes> last_run_;
    std::uint64_t printed_ = 0;
    bool done_ = false;
};

void refuse_what_is_missing(const Flags& flags) {
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

/// A plain subscription, or with --ack a consumer.
class Follower {
public:
    virtual ~Follower() = default;
    [[nodiscard]] virtual fabric::ReadyResult wait_ready(std::chrono::milliseconds timeout) = 0;
    virtual fabric::SubscriberStats stop() = 0;
    /// What it counted beside that; once it has stopped.
    virtual void count(fabric::Counters& /*counters*/) const {}
    /// Messages that will not come: repair gave them up, or there is none.
    [[nodiscard]] virtual std::uint64_t lost(const fabric::SubscriberStats& stats) const {
        return stats.missing;
    }
};

class Listener final : public Follower {
public:
    Listener(const Flags& flags, fabric::Fabric& fabric, const reliability::Settings& settings,
             const std::vector<std::string>& globs, Printer& printer) {
        fabric::SubscriberHooks hooks;
        hooks.deliver = [&](const fabric::Message& message) {
            static_cast<void>(printer.on_message(message));
        };
        if (flags.show_refused) {
            hooks.refused = [&](const auto& refused) { printer.on_refused(refused); };
            hooks.gap = [&](const auto& gap) { printer.on_gap(gap); };
        }
        auto repair = reliability::repair_options(fabric, settings);
        repairs_ = !repair.journals.empty();
        // With journals a hole is none yet: what is given up is told.
        if (repairs_) {
            hooks.gap = {};
            if (flags.show_refused) repair.lost = [&](const auto& lost) { printer.on_lost(lost); };
        }
        subscriber_ = std::make_unique<reliability::RepairingSubscriber>(
            fabric, globs, std::move(hooks), std::move(repair));
    }
    fabric::ReadyResult wait_ready(std::chrono::milliseconds timeout) override {
        return subscriber_->wait_ready(timeout);
    }
    fabric::SubscriberStats stop() override {
        subscriber_->stop();
        return subscriber_->stats().received;
    }
    void count(fabric::Counters& counters) const override {
        if (!repairs_) return;
        auto stats = subscriber_->stats();
        stats.received = {};
        reliability::add(counters, stats);
    }
    std::uint64_t lost(const fabric::SubscriberStats& stats) const override {
        return repairs_ ? subscriber_->stats().repair.given_up_messages : stats.missing;
    }

private:
    bool repairs_ = false;
    std::unique_ptr<reliability::RepairingSubscriber> subscriber_;
};

/// History and live out of a journal, as one sequence.
class Reader final : public Follower {
public:
    Reader(const Flags& flags, fabric::Fabric& fabric, const reliability::Settings& settings,
           const std::vector<std::string>& globs, Printer& printer) {
        auto start = reliability::Start::parse(flags.from);
        if (!start) throw usage_error("--from: " + start.error());
        reliability::FollowerSettings follow;
        follow.start = *start;
        follow.filter = filter_of(fabric, globs);
        follow.now_us = fabric.clock().utc_us();
        journal_ = open(flags, fabric, settings);
        reliability::FollowerHooks hooks;
        hooks.deliver = [&](const reliability::VerifiedMessage& stored) {
            static_cast<void>(printer.on_message(stored.message, stored.id));
        };
        hooks.gap = [&](const reliability::JournalGap& gap) { printer.on_gap(gap); };
        hooks.refused = [](const reliability::StoredRefusal& refused) {
            Context::warn(
                "ids " + std::to_string(refused.first) + " to " + std::to_string(refused.last) +
                " are not believed: " + std::string{signing::sentence_for(refused.why.reason)} +
                (refused.why.detail.empty() ? "" : " (" + refused.why.detail + ")"));
        };
        hooks.warn = &Context::warn;
        auto opened = reliability::JournalFollower::open(*journal_, fabric.trust(),
                                                         std::move(follow), std::move(hooks));
        if (!opened) throw failure(opened.error().sentence);
        follower_ = std::move(*opened);
    }
    fabric::ReadyResult wait_ready(std::chrono::milliseconds /*timeout*/) override {
        return {true, 1, 1, {}};
    }
    fabric::SubscriberStats stop() override {
        follower_->stop();
        return {};
    }
    void count(fabric::Counters& counters) const override {
        const reliability::FollowerStats stats = follower_->stats();
        counters.add("weft_messages_received_total", "", stats.delivered);
        counters.add("weft_journal_refused_total", "", stats.refused);
        counters.add("weft_journal_lost_total", "", stats.lost);
        counters.add("weft_journal_away_total", "", stats.away);
        counters.add("weft_journal_revoked_later_total", "", stats.revoked_later);
    }

private:
    static reliability::TopicFilter filter_of(const fabric::Fabric& fabric,
                                              const std::vector<std::string>& globs) {
        std::vector<signing::TopicGlob> parsed;
        for (const std::string& text : globs) {
            auto glob = signing::TopicGlob::parse(fabric.settings().space.complete_glob(text));
            if (!glob)
                throw usage_error("--topic '" + signing::escape(text) + "': " + glob.error());
            parsed.push_back(std::move(*glob));
        }
        return reliability::TopicFilter(std::move(parsed));
    }
    static std::unique_ptr<reliability::RemoteJournal> open(const Flags& flags,
                                                            fabric::Fabric& fabric,
                                                            const reliability::Settings& settings) {
        auto journal = flags.journal.empty()
                           ? reliability::open_any_journal(fabric, settings)
                           : reliability::open_remote_journal(fabric, settings, flags.journal);
        if (journal) return std::move(*journal);
        throw CommandError(settings.journals.empty() ? exit_usage : exit_failed,
                           "--from: " + journal.error());
    }

    std::unique_ptr<reliability::RemoteJournal> journal_;
    std::unique_ptr<reliability::JournalFollower> follower_;
};

/// `processed` is said once the line is written; of what is not printed nothing is said.
class Acknowledger final : public Follower {
public:
    Acknowledger(const Flags& flags, fabric::Fabric& fabric, const reliability::Settings& settings,
                 const std::vector<std::string>& globs, Printer& printer)
        : fabric_(fabric) {
        reliability::ConsumerOptions options;
        options.repair = reliability::repair_options(fabric, settings);
        options.automatic = false;
        if (flags.show_refused) {
            options.refused = [&](const auto& refused) { printer.on_refused(refused); };
            options.gap = [&](const auto& gap) { printer.on_gap(gap); };
        }
        consumer_ = std::make_unique<reliability::AckConsumer>(
            fabric, globs,
            [&](const reliability::Delivery& delivery) {
                if (printer.on_message(delivery.message())) delivery.ack();
            },
            std::move(options));
    }
    fabric::ReadyResult wait_ready(std::chrono::milliseconds timeout) override {
        return consumer_->wait_ready(timeout);
    }
    fabric::SubscriberStats stop() override {
        constexpr std::chrono::milliseconds drain{1000};
        consumer_->stop(drain);
        // The last lines are printed: their publishers should hear it, too.
        static_cast<void>(fabric_.flush(drain));
        return consumer_->stats().subscriber;
    }

    void count(fabric::Counters& counters) const override {
        const reliability::ConsumerStats stats = consumer_->stats();
        counters.add_subscription_dropped(stats.dropped);
        counters.add("weft_messages_dropped_total", "left_at_stop", stats.left);
        counters.add("weft_acks_not_sent_total", "", stats.acks_not_sent);
        counters.add("weft_acks_sent_total", "acknowledged", stats.responder.acks);
        counters.add("weft_acks_sent_total", "rejected", stats.responder.rejections);
    }

private:
    fabric::Fabric& fabric_;
    std::unique_ptr<reliability::AckConsumer> consumer_;
};

std::unique_ptr<Follower> follow(const Flags& flags, fabric::Fabric& fabric,
                                 const reliability::Settings& settings,
                                 const std::vector<std::string>& globs, Printer& printer) {
    if (!flags.from.empty()) {
        return std::make_unique<Reader>(flags, fabric, settings, globs, printer);
    }
    if (flags.ack) return std::make_unique<Acknowledger>(flags, fabric, settings, globs, printer);
    return std::make_unique<Listener>(flags, fabric, settings, globs, printer);
}

int tail(Context& context, const Flags& flags) {
    refuse_what_is_missing(flags);
    if (flags.no_validate) context.settings.emplace_back("signing.validate=false");
    const reliability::Settings settings = reliability_settings(context);
    StopSignal stop;
    Printer printer(flags, stop);
    fabric::FabricOptions options;
    options.warn = &Context::warn;
    options.kind = "tail";
    const auto fabric = fabric::Fabric::open(context.configuration(), options);

    const std::vector<std::string> globs =
        flags.topics.empty() ? std::vector<std::string>{fabric->settings().space.root() + ".**"}
                             : flags.topics;
    const std::unique_ptr<Follower> follower = follow(flags, *fabric, settings, globs, printer);
    const Housekeeping housekeeping(context, stop, *fabric);

    const auto ready = follower->wait_ready(flags.ready_timeout);
    if (ready.ready) {
        Context::info("ready: subscribed to " + globs.front() +
                      (globs.size() > 1 ? " and more" : ""));
    } else if (!stop.requested()) {
        Context::warn(ready.sentence);
    }
    stop.wait();
    const auto stats = follower->stop();
    fabric::Counters counters;
    counters.add(stats);
    follower->count(counters);
    Context::say_counters(counters);
    if (stats.refused_total() > 0) {
        // What came twice, such as by two ways or sent again for others, harms nobody.
        const bool harmless = stats.refused_total() == stats.duplicates;
        Context::log(harmless ? Context::Level::info : Context::Level::warn,
                     "refused " + std::to_string(stats.refused_total()) + " messages" +
                         (stats.duplicates > 0
                              ? ", " + std::to_string(stats.duplicates) + " of them came twice"
                              : "") +
                         (flags.show_refused ? "" : " (--show-refused prints them)"));
    }
    if (const std::uint64_t lost = follower->lost(stats); stats.gaps > 0) {
        Context::log(lost > 0 ? Context::Level::warn : Context::Level::info,
                     "missing " + std::to_string(lost) + " messages, after " +
                         std::to_string(stats.gaps) + " gaps");
    }
    return stop.exit_code();
}

}  // namespace

void add_tail(CLI::App& app, Context& context) {
    CLI::App* command = app.add_subcommand("tail", "Follow the fabric");
    auto flags = std::make_shared<Flags>();
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
        "          weft tail --terse --show-refused");
    command->callback(
        [&context, flags] { context.run = [&context, flags] { return tail(context, *flags); }; });
}

}  // namespace weft::tools

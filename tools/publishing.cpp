#include "tools/publishing.hpp"

#include <algorithm>

#include "fabric/node/counters.hpp"
#include "signing/refusal.hpp"
#include "tools/duration_flag.hpp"

namespace weft::tools {
namespace {

using std::chrono::milliseconds;

/// How long to wait for a first subscriber where the flag does not say: a `weft tail` that was
/// started in the same moment is heard; with nobody there it is over soon.
constexpr milliseconds wait_for_subscriber_default{500};

/// After this a command that waits for its relay says so.
constexpr milliseconds silent_for{500};

/// Level and recipients of a durable publish are given.
void refuse_both(const AckFlags& flags) {
    if (!flags.durable) return;
    const std::string other = !flags.recipients.empty() ? "--recipients"
                              : !flags.level.empty()    ? "--level"
                                                        : "";
    if (other.empty()) return;
    throw usage_error(
        "--durable and " + other +
        " at once: durable asks the journals, at the level stored; to ask others as well, publish "
        "to --recipients with the journals among them and --level stored");
}

std::pair<std::string_view, std::string_view> split_header(const std::string& header) {
    const auto equals = header.find('=');
    if (equals == std::string::npos || equals == 0) {
        throw usage_error("--header '" + signing::escape(header, 80) +
                          "' is not K=V, such as --header ticket=4711");
    }
    return {std::string_view{header}.substr(0, equals),
            std::string_view{header}.substr(equals + 1)};
}

bool is_typing_error(fabric::PublishError::Reason reason) {
    using Reason = fabric::PublishError::Reason;
    return reason == Reason::invalid_topic || reason == Reason::invalid_header ||
           reason == Reason::too_large;
}

}  // namespace

milliseconds last_flush(milliseconds wanted, const StopSignal& stop) {
    // Whoever sends SIGTERM waits 5 s; closing the publisher and its socket takes up to 2 of them.
    constexpr milliseconds after_signal{2500};
    return stop.requested() ? std::min(wanted, after_signal) : wanted;
}

bool wait_unless_stopped(milliseconds timeout, const StopSignal& stop,
                         const std::function<bool(milliseconds)>& answered) {
    constexpr milliseconds slice{100};
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    while (!stop.requested()) {
        const auto left =
            std::chrono::duration_cast<milliseconds>(deadline - std::chrono::steady_clock::now());
        if (answered(std::clamp(left, milliseconds{0}, slice))) return true;
        if (left <= slice) return false;
    }
    return false;
}

std::string unfinished(const fabric::FlushResult& flushed, const fabric::PublisherStats& stats) {
    if (stats.dropped_at_close == 0) return flushed.sentence;
    return flushed.sentence + "; " + std::to_string(stats.dropped_at_close) + " of " +
           std::to_string(stats.accepted) + " accepted messages were not sent (dropped_at_close)";
}

void PublishingFlags::add_to(CLI::App& app) {
    add_duration(app, "--flush", flush,
                 "How long to wait until everything was taken (default: fabric.flush, 5s)");
    add_duration(app, "--wait", wait,
                 "How long to wait for a first subscriber (default: 500ms, in bind mode the "
                 "time of --flush)");
    app.add_option("--header", headers, "A header of the message (repeatable)")
        ->type_name("K=V")
        ->allow_extra_args(false);
    app.add_option("--parent", parent, "Id of the message that caused this one")->type_name("ID");
    app.add_option("--recipients", acks.recipients,
                   "Who must acknowledge each message: names on certificates, groups "
                   "(reliability.groups), any(C,D), '2 of (E,F,G)'; exit 1 unless they do "
                   "(repeatable; --flush and --wait do nothing then)")
        ->type_name("A,B")
        ->allow_extra_args(false);
    add_duration(app, "--ack-timeout", acks.timeout,
                 "How long they have from the moment of publishing (default: "
                 "reliability.ack_timeout, 250ms)");
    app.add_option("--level", acks.level,
                   "What they must acknowledge: received (default: verified and in their queue), "
                   "processed (their handler is done with it), or stored (on a journal's disk)")
        ->check(CLI::IsMember({"received", "stored", "processed"}));
    app.add_flag("--durable", acks.durable,
                 "Succeed only once each message is on the disk of a journal "
                 "(reliability.journals); with reliability.outbox what is not is kept, and handed "
                 "in later: at the end of this command for at most --flush");
}

Publishing::Publishing(Context& context, const PublishingFlags& flags, const std::string& source)
    : flags_(flags) {
    refuse_both(flags_.acks);
    for (const std::string& header : flags_.headers) {
        options_.headers.push_back(split_header(header));
    }
    if (!flags_.parent.empty()) {
        options_.parent = fabric::MessageId::parse(flags_.parent);
        if (!options_.parent) {
            throw usage_error("--parent '" + signing::escape(flags_.parent, 80) +
                              "' is not a message id, such as "
                              "0190a5c4-5d1e-7cc3-98c4-dc0c0c07398f");
        }
    }
    fabric::FabricOptions options;
    options.warn = &Context::warn;
    options.source = source;
    fabric_ = fabric::Fabric::open(context.configuration(), options);
    static_cast<void>(fabric_->publisher());
    if (flags_.acks.durable || !flags_.acks.recipients.empty()) {
        acks_ = std::make_unique<Acknowledging>(context, *fabric_, flags_.acks);
    } else if (flags_.acks.timeout || !flags_.acks.level.empty()) {
        Context::warn(
            "--ack-timeout and --level do nothing without --recipients or --durable: nobody's "
            "silence is seen");
    }
}

void Publishing::stop_taking() {
    if (acks_) acks_->stop();
    fabric_->publisher().stop_taking();
}

std::string Publishing::complete(const std::string& topic) const {
    return fabric_->settings().space.complete(topic);
}

milliseconds Publishing::flush_timeout() const {
    return flags_.flush.value_or(fabric_->settings().flush);
}

void Publishing::await_listeners(const std::string& topic, const StopSignal& stop) {
    if (acks_) return;
    fabric::Publisher& publisher = fabric_->publisher();
    const bool relay = fabric_->settings().mode == fabric::Settings::Mode::relay;
    const auto has_peer = [&](milliseconds slice) { return publisher.wait_for_peer(slice); };
    const milliseconds patience = flush_timeout();
    const milliseconds silent = std::min(patience, silent_for);
    bool heard = !relay || wait_unless_stopped(silent, stop, has_peer);
    if (!heard && !stop.requested()) {
        Context::info("waiting for the relay at " + publisher.settings().relay_inbound);
        heard = wait_unless_stopped(patience - silent, stop, has_peer);
    }
    if (stop.requested()) return stop_taking();
    if (!heard) {
        throw failure("the relay at " + publisher.settings().relay_inbound +
                      " cannot be reached (waited " + std::to_string(flush_timeout().count()) +
                      " ms): is `weft relay` running? Nothing was published");
    }
    const milliseconds wait =
        flags_.wait.value_or(relay ? wait_for_subscriber_default : flush_timeout());
    static_cast<void>(wait_unless_stopped(wait, stop, [&](milliseconds slice) {
        return publisher.wait_for_subscriber(topic, slice);
    }));
}

std::optional<fabric::MessageId> Publishing::publish(const std::string& topic,
                                                     fabric::BodyView body) {
    return publish(topic, body, options_);
}

std::optional<fabric::MessageId> Publishing::publish(const std::string& topic,
                                                     fabric::BodyView body,
                                                     const fabric::PublishOptions& options) {
    last_topic_ = topic;
    if (acks_) return acks_->publish(topic, body, options);
    auto published = fabric_->publisher().try_publish(topic, body, options);
    if (published) return *published;
    if (published.error().reason == fabric::PublishError::Reason::stopped) return std::nullopt;
    const auto& error = published.error();
    throw CommandError(is_typing_error(error.reason) ? exit_usage : exit_failed, error.sentence);
}

void Publishing::finish(const StopSignal& stop) {
    fabric::Publisher& publisher = fabric_->publisher();
    // Whoever had to hear has answered, or has not: nothing but the outbox is worth waiting for.
    if (acks_) return acks_->finish(stop, last_flush(flush_timeout(), stop));
    if (stop.requested() && publisher.stats().accepted == 0) return;
    const fabric::FlushResult flushed = publisher.flush(last_flush(flush_timeout(), stop));
    publisher.close();
    const fabric::PublisherStats stats = publisher.stats();
    fabric::Counters counters;
    counters.add(stats);
    // In scripts these commands run again and again: silent as long as all is well.
    const bool dropped = counters.total("weft_messages_dropped_total") > 0;
    Context::say_counters(counters, dropped ? Context::Level::info : Context::Level::debug);
    if (!flushed.complete) throw failure(unfinished(flushed, stats));
    if (stats.unwanted > 0) {
        Context::warn("nobody has subscribed to " + last_topic_ + ": " +
                      std::to_string(stats.unwanted) + " of " + std::to_string(stats.accepted) +
                      " messages were not sent");
    }
}

}  // namespace weft::tools

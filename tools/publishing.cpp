#include "tools/publishing.hpp"

#include "signing/refusal.hpp"
#include "tools/duration_flag.hpp"

namespace weft::tools {
namespace {

using std::chrono::milliseconds;

/// How long to wait for a first subscriber where the flag does not say: a `weft tail` that was
/// started in the same moment is heard; with nobody there it is over soon.
constexpr milliseconds wait_for_subscriber_default{500};

void refuse_reliability(const PublishingFlags& flags) {
    if (!flags.recipients.empty() || !flags.ack_timeout.empty() || !flags.level.empty()) {
        throw usage_error(
            "--recipients, --ack-timeout and --level need acknowledgements, which this version "
            "does "
            "not have yet: nothing was published");
    }
    if (flags.durable) {
        throw usage_error(
            "--durable needs a journal, which this version does not have yet: nothing was "
            "published");
    }
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
    app.add_option("--recipients", recipients, "Who must acknowledge (comma-separated names)")
        ->delimiter(',')
        ->type_name("A,B")
        ->allow_extra_args(false);
    app.add_option("--ack-timeout", ack_timeout, "How long the recipients have")
        ->type_name("DURATION");
    app.add_option("--level", level, "What they must acknowledge")
        ->check(CLI::IsMember({"received", "stored", "processed"}));
    app.add_flag("--durable", durable, "Succeed only once the message is on a journal's disk");
}

Publishing::Publishing(Context& context, const PublishingFlags& flags, const std::string& source)
    : flags_(flags) {
    refuse_reliability(flags_);
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
}

std::string Publishing::complete(const std::string& topic) const {
    return fabric_->settings().space.complete(topic);
}

milliseconds Publishing::flush_timeout() const {
    return flags_.flush.value_or(fabric_->settings().flush);
}

void Publishing::await_listeners(const std::string& topic) {
    fabric::Publisher& publisher = fabric_->publisher();
    const bool relay = fabric_->settings().mode == fabric::Settings::Mode::relay;
    if (relay && !publisher.wait_for_peer(flush_timeout())) {
        throw failure("the relay at " + publisher.settings().relay_inbound +
                      " cannot be reached (waited " + std::to_string(flush_timeout().count()) +
                      " ms): is `weft relay` running? Nothing was published");
    }
    const milliseconds wait =
        flags_.wait.value_or(relay ? wait_for_subscriber_default : flush_timeout());
    static_cast<void>(publisher.wait_for_subscriber(topic, wait));
}

fabric::MessageId Publishing::publish(const std::string& topic, fabric::BodyView body) {
    last_topic_ = topic;
    auto published = fabric_->publisher().try_publish(topic, body, options_);
    if (published) return *published;
    const auto& error = published.error();
    throw CommandError(is_typing_error(error.reason) ? exit_usage : exit_failed, error.sentence);
}

void Publishing::finish() {
    const fabric::FlushResult flushed = fabric_->publisher().flush(flush_timeout());
    if (!flushed.complete) throw failure(flushed.sentence);
    const fabric::PublisherStats stats = fabric_->publisher().stats();
    if (stats.unwanted > 0) {
        Context::warn("nobody has subscribed to " + last_topic_ + ": " +
                      std::to_string(stats.unwanted) + " of " + std::to_string(stats.accepted) +
                      " messages were not sent");
    }
}

}  // namespace weft::tools

#include "tools/acknowledging.hpp"

#include <algorithm>
#include <utility>

#include "signing/refusal.hpp"
#include "tools/publishing.hpp"

namespace weft::tools {
namespace {

using reliability::PublishFailure;
using Reason = PublishFailure::Reason;
using State = reliability::RecipientAnswer::State;

/// Messages that wait for their recipients at a time; the next line is read when one is through.
constexpr std::size_t in_flight_max = 1024;
/// Messages whose recipients are shown one by one; of the others only the numbers.
constexpr std::size_t reports_max = 10;
/// Between two lines about messages that failed while more is being read.
constexpr std::chrono::seconds say_every{1};

bool is_typing_error(const PublishFailure& failure) {
    if (failure.reason == Reason::invalid_request) return true;
    if (!failure.publish_error) return false;
    using Published = fabric::PublishError::Reason;
    const auto reason = failure.publish_error->reason;
    return reason == Published::invalid_topic || reason == Published::invalid_header ||
           reason == Published::too_large;
}

bool is_stopped(const PublishFailure& failure) {
    return failure.reason == Reason::not_published &&
           (!failure.publish_error ||
            failure.publish_error->reason == fabric::PublishError::Reason::stopped);
}

std::string recipients_of(const AckFlags& flags, const reliability::Settings& settings) {
    std::string text = reliability::Who::joined(flags.recipients);
    const auto recipients = reliability::Recipients::parse(text, settings.groups);
    if (!recipients) throw usage_error("--recipients: " + recipients.error());
    // Such as a shell variable that is not set: silence would look like success.
    if (recipients->empty()) {
        throw usage_error(
            "--recipients: nobody is named; write a name on a certificate, such as web1.host1, or "
            "leave the flag out if nobody must acknowledge");
    }
    return text;
}

}  // namespace

Acknowledging::Acknowledging(Context& context, fabric::Fabric& fabric, const AckFlags& flags) {
    config::Problems problems;
    auto settings = reliability::read_settings(context.configuration(), problems);
    Context::require_none(problems);
    options_.durable = flags.durable;
    if (flags.durable && settings.journals.empty()) {
        throw usage_error(
            "--durable needs a journal: set reliability.journals to the names of the fabric's "
            "journals, such as [journal.host1]; nothing was published");
    }
    if (!flags.durable) options_.recipients = recipients_of(flags, settings);
    options_.ack_timeout = flags.timeout;
    if (const auto level = reliability::parse_level(flags.level)) options_.level = *level;
    // Who asks recipients needs no outbox, and leaves it to who does.
    if (!flags.durable) settings.outbox.clear();
    try {
        publisher_ = std::make_unique<reliability::ReliablePublisher>(fabric, std::move(settings));
    } catch (const reliability::OutboxUnusable& unusable) {
        throw failure(std::string{unusable.what()} + ". Nothing was published");
    }
}

Acknowledging::~Acknowledging() = default;

std::optional<fabric::MessageId> Acknowledging::publish(const std::string& topic,
                                                        fabric::BodyView body,
                                                        const fabric::PublishOptions& own) {
    options_.parent = own.parent;
    options_.headers = own.headers;
    if (waiting_.size() >= in_flight_max) settle_oldest();
    const auto on_settled = [this](const reliability::Outcome& outcome) { say_at_once(outcome); };
    auto pending = publisher_->publish_async(topic, body, options_, on_settled);
    while (!pending && pending.error().reason == Reason::too_many_waiting && !waiting_.empty()) {
        settle_oldest();
        pending = publisher_->publish_async(topic, body, options_, on_settled);
    }
    if (pending) {
        ++published_;
        waiting_.push_back(*pending);
        return pending->id();
    }
    if (is_stopped(pending.error())) return std::nullopt;
    const std::string others = report();
    throw CommandError(is_typing_error(pending.error()) ? exit_usage : exit_failed,
                       (others.empty() ? "" : others + kept() + "\n") + pending.error().sentence);
}

void Acknowledging::settle_oldest() {
    const reliability::PendingAcks pending = waiting_.front();
    waiting_.pop_front();
    settle(pending);
}

void Acknowledging::settle(const reliability::PendingAcks& pending) {
    const auto outcome = pending.wait();
    if (!outcome) return;
    for (const auto& answer : outcome->answers()) {
        Tally& tally = tallies_[answer.name];
        ++(answer.state == State::acknowledged ? tally.acknowledged
           : answer.state == State::rejected   ? tally.rejected
                                               : tally.unknown);
    }
    if (outcome->ok()) {
        ++acknowledged_;
        Context::log(Context::Level::debug, outcome->sentence());
        return;
    }
    if (pending.kept()) ++kept_;
    if (reports_.size() < reports_max) {
        reports_.push_back(outcome->sentence() + "\n" + outcome->table());
    }
}

void Acknowledging::stop() {
    publisher_->close();
}

void Acknowledging::say_at_once(const reliability::Outcome& outcome) {
    using Verdict = reliability::Outcome::Verdict;
    if (finishing_ || outcome.ok() || outcome.verdict() == Verdict::aborted) return;
    const auto now = std::chrono::steady_clock::now();
    const std::scoped_lock lock(saying_);
    if (now < next_line_) {
        ++unsaid_;
        return;
    }
    Context::warn(outcome.sentence() +
                  (unsaid_ > 0 ? " (and " + std::to_string(unsaid_) + " more before it)" : ""));
    next_line_ = now + say_every;
    unsaid_ = 0;
}

std::string Acknowledging::report() {
    finishing_ = true;
    while (!waiting_.empty()) settle_oldest();
    if (acknowledged_ == published_) return "";
    std::string text;
    for (const std::string& one : reports_) text += one + (one.ends_with('\n') ? "" : "\n");
    if (published_ > 1) {
        text += std::to_string(published_ - acknowledged_) + " of " + std::to_string(published_) +
                " messages were not acknowledged";
        for (const auto& [name, tally] : tallies_) {
            text += "\n  " + name + ": " + std::to_string(tally.acknowledged) + " acknowledged, " +
                    std::to_string(tally.rejected) + " rejected, " + std::to_string(tally.unknown) +
                    " unknown";
        }
    }
    while (text.ends_with('\n')) text.pop_back();
    return text;
}

void Acknowledging::hand_in(const StopSignal& stop, std::chrono::milliseconds patience) {
    if (!publisher_->outbox_stats()) return;
    static_cast<void>(wait_unless_stopped(patience, stop, [this](std::chrono::milliseconds slice) {
        return publisher_->wait_handed_in(slice);
    }));
    const auto stats = *publisher_->outbox_stats();
    const std::string outbox = "the outbox " + publisher_->settings().outbox.string();
    if (stats.handed_in > 0) {
        Context::info("handed to a journal out of " + outbox + ": " +
                      std::to_string(stats.handed_in));
    }
    if (stats.kept > 0) {
        Context::warn(outbox + " keeps " + std::to_string(stats.kept) +
                      (stats.kept == 1 ? " message" : " messages") +
                      (stats.refused > 0
                           ? " (" + std::to_string(stats.refused) + " refused, named above)"
                           : "") +
                      ": the next command that publishes with --durable hands them in");
    }
}

std::string Acknowledging::kept() const {
    if (kept_ == 0) return "";
    const std::string which = published_ == 1 ? "it was" : std::to_string(kept_) + " of them were";
    return "\nnot acknowledged in time, but not lost: " + which + " kept in the outbox " +
           publisher_->settings().outbox.string() +
           (publisher_->outbox_stats()->kept == 0
                ? ", and handed to a journal since"
                : ", and will be handed to a journal; do not publish again");
}

void Acknowledging::finish(const StopSignal& stop, std::chrono::milliseconds patience) {
    const std::string text = report();
    hand_in(stop, patience);
    if (text.empty()) return;
    throw CommandError(std::max<int>(stop.exit_code(), exit_failed), text + kept());
}

}  // namespace weft::tools

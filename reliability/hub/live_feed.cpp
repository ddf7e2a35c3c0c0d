#include "reliability/hub/live_feed.hpp"

#include <algorithm>
#include <utility>

#include "signing/refusal.hpp"

namespace weft::reliability::hub {
namespace {

using fabric::Instant;
using std::chrono::milliseconds;
using Level = Surroundings::Level;

}  // namespace

LiveFeed::LiveFeed(Parts parts)
    : parts_(std::move(parts)),
      room_(parts_.settings.backlog_count != 0
                ? static_cast<std::size_t>(parts_.settings.backlog_count)
                : static_cast<std::size_t>(parts_.fabric.settings().high_water_mark)) {}

LiveFeed::~LiveFeed() {
    stop_taking();
}

void LiveFeed::start() {
    const std::vector<std::string> globs = parts_.settings.glob_texts();
    const std::string kind = "hub-" + parts_.settings.name;
    try {
        if (parts_.settings.ack) {
            ConsumerOptions options;
            options.automatic = false;
            options.kind = kind;
            options.repair = parts_.repair;
            ack_consumer_ = std::make_unique<AckConsumer>(
                parts_.fabric, globs,
                [this](const Delivery& delivery) { add(delivery.message(), &delivery); }, options);
        } else {
            fabric::SubscriberHooks hooks;
            hooks.deliver = [this](const fabric::Message& message) { add(message, nullptr); };
            hooks.pause = [this] { parts_.bench.work.notify_all(); };
            subscriber_ = std::make_unique<RepairingSubscriber>(
                parts_.fabric, globs, std::move(hooks), parts_.repair,
                fabric::SubscribeOptions{.kind = kind});
        }
    } catch (const fabric::OpenFailed& failed) {
        const std::scoped_lock lock(state_mutex_);
        failed_ = true;
        waiting_for_ = failed.what();
    }
}

std::string LiveFeed::waiting_for() const {
    const std::scoped_lock lock(state_mutex_);
    if (!failed_ && !was_ready_) {
        const auto ready = ack_consumer_ ? ack_consumer_->wait_ready(milliseconds{0})
                           : subscriber_ ? subscriber_->wait_ready(milliseconds{0})
                                         : fabric::ReadyResult{.sentence = "it starts"};
        was_ready_ = ready.ready;
        waiting_for_ = ready.ready ? "" : ready.sentence;
    }
    return waiting_for_;
}

bool LiveFeed::failed() const {
    const std::scoped_lock lock(state_mutex_);
    return failed_;
}

FeedStats LiveFeed::stats() const {
    FeedStats stats;
    {
        const std::scoped_lock lock(parts_.bench.mutex);
        stats = stats_;
    }
    if (ack_consumer_) {
        const ConsumerStats consumer = ack_consumer_->stats();
        stats.dropped += consumer.dropped;
        stats.acks = consumer.responder.acks + consumer.responder.rejections;
        stats.refused = consumer.subscriber.refused_total();
        stats.lost = consumer.subscriber.missing;
    } else if (subscriber_) {
        const RepairingStats repairing = subscriber_->stats();
        stats.refused = repairing.received.refused_total();
        stats.lost = repairing.received.missing;
    }
    return stats;
}

void LiveFeed::add(const fabric::Message& message, const Delivery* delivery) {
    Bench& bench = parts_.bench;
    const bool asks = delivery != nullptr && delivery->asked();
    bool stopping = false;
    {
        const std::scoped_lock lock(bench.mutex);
        stopping = stopping_;
        if (stopping || bench.queue.waiting() >= room_) {
            ++stats_.dropped;
        } else {
            const Instant now = parts_.fabric.clock().steady();
            const std::uint64_t number = ++numbers_;
            if (asks) asked_.emplace(number, *delivery);
            static_cast<void>(bench.queue.add({number, key_of(message.topic(), message.signer()), 1,
                                               Instant::max(), now, message}));
            ++stats_.taken;
            if (delivery != nullptr) bench.work.notify_one();
            return;
        }
    }
    if (!asks) return;
    delivery->reject(stopping ? "consumer '" + parts_.settings.name + "' is being stopped"
                              : "no room: too many messages wait for the consumer");
}

bool LiveFeed::begins(std::size_t /*worker*/, const Work& work) {
    const milliseconds age = parts_.settings.backlog_age;
    // One that failed and waits for its next attempt comes to its end by max_attempts.
    if (age.count() == 0 || work.attempt > 1) return true;
    if (parts_.fabric.clock().steady() - work.since <= age) return true;
    answer(work.number, {Verdict::Is::reject, "it waited longer than max_backlog.age"});
    const std::scoped_lock lock(parts_.bench.mutex);
    ++stats_.passed_over;
    parts_.bench.queue.done(work.number);
    return false;
}

void LiveFeed::answer(std::uint64_t number, const Verdict& verdict) {
    if (!parts_.settings.ack) return;
    std::optional<Delivery> delivery;
    {
        const std::scoped_lock lock(parts_.bench.mutex);
        const auto asked = asked_.find(number);
        if (asked == asked_.end()) return;
        delivery = std::move(asked->second);
        asked_.erase(asked);
    }
    if (verdict.is != Verdict::Is::done) {
        delivery->reject(verdict.reason);
    } else if (*parts_.settings.ack == AckLevel::processed) {
        delivery->ack();
    } else {
        delivery->reject("consumer '" + parts_.settings.name +
                         "' acknowledges receipt only (ack: received)");
    }
}

void LiveFeed::ends(std::size_t /*worker*/, Work work, Verdict verdict) {
    Bench& bench = parts_.bench;
    const ConsumerSettings& settings = parts_.settings;
    const std::string id = work.message.id().text();
    const std::string reason = signing::escape(verdict.reason);
    const Instant now = parts_.fabric.clock().steady();
    const bool again = verdict.is == Verdict::Is::retry && work.attempt < settings.max_attempts;
    if (again) {
        const milliseconds pause = settings.pause_after(work.attempt);
        parts_.surroundings.log(Level::warning, settings.name,
                                "message " + id + " failed, attempt " +
                                    std::to_string(work.attempt) + " of " +
                                    std::to_string(settings.max_attempts) + ", again in " +
                                    std::to_string(pause.count()) + " ms: " + reason);
        ++work.attempt;
        {
            const std::scoped_lock lock(bench.mutex);
            ++stats_.retried;
            bench.queue.again(std::move(work), now + pause);
        }
        bench.work.notify_one();
        return;
    }
    const bool given_up = verdict.is == Verdict::Is::retry || verdict.is == Verdict::Is::reject;
    bool said = true;
    if (given_up) {
        if (parts_.bury) said = parts_.bury(work.message, work.attempt, verdict.reason);
        parts_.surroundings.log(
            Level::error, settings.name,
            "gave up message " + id + " after " + std::to_string(work.attempt) +
                " attempts: " + reason +
                (settings.dead_letter.empty()
                     ? "; it is lost here: this consumer has no dead_letter and is not durable"
                     : ""));
    }
    if (verdict.is != Verdict::Is::left) answer(work.number, verdict);
    {
        const std::scoped_lock lock(bench.mutex);
        if (given_up) ++stats_.given_up;
        if (!said) ++stats_.dead_unsaid;
        if (verdict.is == Verdict::Is::done) ++stats_.done;
        bench.queue.done(work.number);
    }
    bench.work.notify_one();
}

void LiveFeed::stop_taking() {
    {
        const std::scoped_lock lock(parts_.bench.mutex);
        stopping_ = true;
    }
    // An AckConsumer must still be able to speak for what is in hand.
    if (subscriber_) subscriber_->stop();
}

std::size_t LiveFeed::finish(Instant /*deadline*/) {
    if (ack_consumer_) ack_consumer_->stop();
    const std::scoped_lock lock(parts_.bench.mutex);
    return parts_.bench.queue.drop_waiting() + parts_.bench.queue.in_hand();
}

}  // namespace weft::reliability::hub

#include "tools/tail_followers.hpp"

#include "reliability/ack_consumer.hpp"
#include "reliability/service/follower.hpp"
#include "reliability/service/open_remote.hpp"
#include "tools/context.hpp"
#include "tools/journal_parts.hpp"

namespace weft::tools {
namespace {

class Listener final : public Follower {
public:
    Listener(const TailFlags& flags, fabric::Fabric& fabric, const reliability::Settings& settings,
             const std::vector<std::string>& globs, FollowSink& sink) {
        fabric::SubscriberHooks hooks;
        hooks.deliver = [&](const fabric::Message& message) {
            static_cast<void>(sink.on_message(message));
        };
        if (flags.show_refused) {
            hooks.refused = [&](const auto& refused) { sink.on_refused(refused); };
            hooks.gap = [&](const auto& gap) { sink.on_gap(gap); };
        }
        auto repair = reliability::repair_options(fabric, settings);
        repairs_ = !repair.journals.empty();
        // With journals a hole is none yet: what is given up is told.
        if (repairs_) {
            hooks.gap = {};
            if (flags.show_refused) repair.lost = [&](const auto& lost) { sink.on_lost(lost); };
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
    Reader(const TailFlags& flags, fabric::Fabric& fabric, const reliability::Settings& settings,
           const std::vector<std::string>& globs, FollowSink& sink) {
        auto start = reliability::Start::parse(flags.from);
        if (!start) throw usage_error("--from: " + start.error());
        reliability::FollowerSettings follow;
        follow.start = *start;
        follow.filter = filter_of(fabric.settings().space, globs);
        follow.now_us = fabric.clock().utc_us();
        journal_ = open(flags, fabric, settings);
        reliability::FollowerHooks hooks;
        hooks.deliver = [&](const reliability::VerifiedMessage& stored) {
            static_cast<void>(sink.on_message(stored.message, stored.id));
        };
        hooks.gap = [&](const reliability::JournalGap& gap) { sink.on_gap(gap); };
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
        counters.add("weft_journal_unreadable_total", "", stats.unreadable);
        counters.add("weft_journal_away_total", "", stats.away);
        counters.add("weft_journal_revoked_later_total", "", stats.revoked_later);
    }

private:
    static std::unique_ptr<reliability::RemoteJournal> open(const TailFlags& flags,
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
    Acknowledger(const TailFlags& flags, fabric::Fabric& fabric,
                 const reliability::Settings& settings, const std::vector<std::string>& globs,
                 FollowSink& sink)
        : fabric_(fabric) {
        reliability::ConsumerOptions options;
        options.repair = reliability::repair_options(fabric, settings);
        options.automatic = false;
        if (flags.show_refused) {
            options.refused = [&](const auto& refused) { sink.on_refused(refused); };
            options.gap = [&](const auto& gap) { sink.on_gap(gap); };
        }
        consumer_ = std::make_unique<reliability::AckConsumer>(
            fabric, globs,
            [&](const reliability::Delivery& delivery) {
                if (sink.on_message(delivery.message())) delivery.ack();
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

}  // namespace

std::unique_ptr<Follower> follow(const TailFlags& flags, fabric::Fabric& fabric,
                                 const reliability::Settings& settings,
                                 const std::vector<std::string>& globs, FollowSink& sink) {
    if (!flags.from.empty()) {
        return std::make_unique<Reader>(flags, fabric, settings, globs, sink);
    }
    if (flags.ack) return std::make_unique<Acknowledger>(flags, fabric, settings, globs, sink);
    return std::make_unique<Listener>(flags, fabric, settings, globs, sink);
}

void say_refused_and_missing(const Follower& follower, const fabric::SubscriberStats& stats,
                             const std::string& hint) {
    if (stats.refused_total() > 0) {
        // What came twice, such as by two ways or sent again for others, harms nobody.
        const bool harmless = stats.refused_total() == stats.duplicates;
        Context::log(harmless ? Context::Level::info : Context::Level::warn,
                     "refused " + std::to_string(stats.refused_total()) + " messages" +
                         (stats.duplicates > 0
                              ? ", " + std::to_string(stats.duplicates) + " of them came twice"
                              : "") +
                         hint);
    }
    if (const std::uint64_t lost = follower.lost(stats); stats.gaps > 0) {
        Context::log(lost > 0 ? Context::Level::warn : Context::Level::info,
                     "missing " + std::to_string(lost) + " messages, after " +
                         std::to_string(stats.gaps) + " gaps");
    }
}

}  // namespace weft::tools

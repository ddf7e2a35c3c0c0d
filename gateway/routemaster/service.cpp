#include "gateway/routemaster/service.hpp"

#include <functional>
#include <utility>

#include "gateway/routemaster/answers.hpp"

namespace weft::gateway::routemaster {
namespace {

using delivery::SubscriptionStatus;

/// The alert of autodrop, below the root and no topic of Routemaster: its names have no dots.
constexpr const char* alert_topic = ".alerts.autodrop";

}  // namespace

Service::Service(Parts the_parts)
    : parts(std::move(the_parts)),
      desk(parts.room),
      clients(parts.settings, parts.tokens),
      access(clients, true, parts.clock),
      topics(desk),
      tally(parts.settings.topic_root, parts.bridge, topics, desk),
      subscriptions(parts.settings.topic_root, parts.engine, parts.bridge),
      polls(parts.settings.topic_root, parts.engine, parts.bridge, parts.clock),
      autodrop_(parts.settings.journal_bytes_max, parts.settings.journal_bytes_free) {}

void Service::begin() {
    State expected = State::empty;
    if (!state_.compare_exchange_strong(expected, State::loading)) return;
    desk.load([this](const auto& entries) {
        if (entries) return loaded(*entries);
        if (parts.warn) parts.warn("routemaster: what is kept was not read: " + entries.error());
        state_ = State::empty;
    });
}

void Service::loaded(const StateDesk::Entries& entries) {
    auto changes = clients.load(entries);
    topics.load(entries);
    tally.load(entries);
    desk.apply(std::move(changes), StateDesk::Durability::sync, [this](const auto& applied) {
        if (!applied) {
            if (parts.warn) parts.warn("routemaster: nothing can be kept: " + applied.error());
            state_ = State::empty;
            return;
        }
        // Not before the journal is read up to its end: the times of a topic go on from its last.
        tally.catch_up([this] {
            state_ = State::ready;
            look_later();
        });
    });
}

void Service::look_later() {
    parts.timers.run(look_every, [this] {
        if (stopping_) return;
        look([this] { look_later(); });
    });
}

void Service::look(std::function<void()> done) {
    autodrop();
    tally.catch_up([this, done = std::move(done)] {
        const auto then = [this, done] {
            parts.engine.all(std::string{subscription_kind}, [this, done](auto all) {
                if (all) {
                    const std::scoped_lock lock(mutex_);
                    statuses_ = *std::move(all);
                }
                if (parts.debug) {
                    for (const Measure& measure : measures()) parts.debug(measure.line());
                }
                done();
            });
        };
        // Not while a topic is deleted.
        const bool taken = turns.take([this, then](const Turns::End& end) {
            tally.keep([end, then] {
                end();
                then();
            });
        });
        if (!taken) then();
    });
}

void Service::autodrop() {
    const std::uint64_t bytes = parts.bridge.journal().bytes;
    Autodrop::Step step;
    {
        const std::scoped_lock lock(mutex_);
        step = autodrop_.step(bytes);
    }
    if (step.warn) alert(bytes);
    if (step.shrink_to) drop_to(*step.shrink_to);
}

void Service::alert(std::uint64_t bytes) {
    const std::uint64_t high = autodrop_.high();
    if (parts.warn) {
        parts.warn("routemaster: the journal has " + std::to_string(bytes) + " bytes; above " +
                   std::to_string(high) + " the oldest events are dropped, delivered or not");
    }
    Principal who;
    who.name = "routemaster";
    who.everything = true;
    PublishRequest request;
    request.topic = parts.settings.topic_root + alert_topic;
    request.body = "{\"bytes\":" + std::to_string(bytes) +
                   ",\"drops_above\":" + std::to_string(high) +
                   ",\"drops_to\":" + std::to_string(autodrop_.low()) + "}";
    request.mode = PublishRequest::Mode::fire_and_forget;
    parts.bridge.publish(who, std::move(request), [](const auto&) {});
}

void Service::drop_to(std::uint64_t bytes) {
    const bool taken = parts.room.work([this, bytes](JournalThings& things) {
        const reliability::JournalId before = things.journal.info().low;
        const auto low = things.journal.low_for_bytes(bytes);
        const auto trimmed =
            low ? things.journal.trim(*low) : reliability::JournalResult<std::uint64_t>(before);
        if (!trimmed || *trimmed <= before) return;
        {
            const std::scoped_lock lock(mutex_);
            autodropped_ += *trimmed - before;
            ++autodrop_runs_;
        }
        if (parts.warn) {
            parts.warn("routemaster: dropped the " + std::to_string(*trimmed - before) +
                       " oldest messages of the journal, which is too large");
        }
    });
    if (!taken && parts.warn) parts.warn("routemaster: the journal is too busy to be made smaller");
}

std::vector<Measure> Service::measures() {
    using Kind = Measure::Kind;
    std::vector<Measure> all;
    {
        const std::scoped_lock lock(mutex_);
        all = measures_of(statuses_, parts.clock.utc_us());
        all.push_back({Kind::counter, "autodrop.messages", autodropped_});
        all.push_back({Kind::counter, "autodrop.runs", autodrop_runs_});
    }
    for (const Tally::OfTopic& topic : tally.by_topic()) {
        const auto view = topics.find(topic.topic);
        const std::string publisher =
            view && !view->publisher.empty() ? view->publisher : std::string{"null"};
        const Measure::Tags tags{{"topic", topic.topic}, {"publisher", publisher}};
        all.push_back({Kind::counter, "events.published", topic.events, tags});
        all.push_back({Kind::counter, "events.bytes", topic.bytes, tags});
    }
    all.push_back({Kind::counter, "events.malformed", tally.stats().malformed});
    all.push_back({Kind::gauge, "journal.bytes_used", parts.bridge.journal().bytes});
    if (autodrop_.max() != 0) {
        all.push_back({Kind::gauge, "journal.max_mem", autodrop_.max()});
        all.push_back({Kind::gauge, "journal.low_mark", autodrop_.low()});
        all.push_back({Kind::gauge, "journal.high_mark", autodrop_.high()});
    }
    return all;
}

void Service::figures(Figures& figures) {
    add(figures, measures());
}

std::uint64_t Service::due(const std::vector<SubscriptionStatus>& all) const {
    std::uint64_t due = 0;
    const auto within = static_cast<std::uint64_t>(scaling_deadline.count());
    for (const SubscriptionStatus& status : all) {
        if (status.subscription.url.empty()) continue;  // who polls is not called
        due += batches_due(status, parts.clock.utc_us(), within);
    }
    return due;
}

void Service::answer_late(std::shared_ptr<Exchange> exchange, Response response) {
    std::uint64_t number = 0;
    {
        const std::scoped_lock lock(mutex_);
        if (!stopping_ && delayed_.size() < delayed_max) {
            number = ++delayed_next_;
            delayed_.emplace(number, std::make_pair(exchange, response));
        }
    }
    if (number == 0) return exchange->answer(std::move(response));
    parts.timers.run(scaling_delay, [this, number] {
        std::pair<std::shared_ptr<Exchange>, Response> due;
        {
            const std::scoped_lock lock(mutex_);
            const auto found = delayed_.find(number);
            if (found == delayed_.end()) return;
            due = std::move(found->second);
            delayed_.erase(found);
        }
        due.first->answer(std::move(due.second));
    });
}

void Service::stop() {
    decltype(delayed_) left;
    {
        const std::scoped_lock lock(mutex_);
        stopping_ = true;
        left.swap(delayed_);
    }
    for (auto& [number, one] : left) one.first->answer(std::move(one.second));
    polls.stop();
    if (is_ready()) {
        static_cast<void>(turns.take([this](const Turns::End& end) { tally.keep(end); }));
    }
}

std::mutex& Service::order_of(const std::string& topic) {
    return order_[std::hash<std::string>{}(topic) % order_.size()];
}

}  // namespace weft::gateway::routemaster

#include "gateway/routemaster/measures.hpp"

#include <algorithm>
#include <map>

#include "gateway/routemaster/subscriptions.hpp"

namespace weft::gateway::routemaster {
namespace {

using delivery::SubscriptionStatus;
using Kind = Measure::Kind;

struct Sums {
    std::uint64_t batches = 0, events = 0, sent = 0, dropped = 0, attempts = 0, failures = 0;
    delivery::DeliveryTimes times;
};

void add_times(delivery::DeliveryTimes& all, const delivery::DeliveryTimes& one) {
    all.succeeded.ms += one.succeeded.ms;
    all.succeeded.ms2 += one.succeeded.ms2;
    all.failed.ms += one.failed.ms;
    all.failed.ms2 += one.failed.ms2;
    all.batches += one.batches;
    all.until_first_ms += one.until_first_ms;
    all.until_last_ms += one.until_last_ms;
}

}  // namespace

std::string Measure::line() const {
    std::string text = kind == Kind::gauge ? "gauge:" : "counter:";
    text += name + ':' + std::to_string(value) + " (";
    for (const auto& [tag, of] : tags) text += (text.back() == '(' ? "" : ",") + tag + ':' + of;
    return text + ')';
}

std::string Measure::prometheus_name() const {
    std::string text = "routemaster_" + name;
    std::replace(text.begin(), text.end(), '.', '_');
    return kind == Kind::counter ? text + "_total" : text;
}

std::uint64_t batches_of(const SubscriptionStatus& status) noexcept {
    const std::uint64_t max = std::max<std::uint64_t>(status.subscription.batching.max, 1);
    return (status.queued + max - 1) / max;
}

std::uint64_t batches_due(const SubscriptionStatus& status, std::uint64_t now_us,
                          std::uint64_t within_ms) noexcept {
    const std::uint64_t all = batches_of(status);
    if (all == 0) return 0;
    const std::uint64_t max = std::max<std::uint64_t>(status.subscription.batching.max, 1);
    const auto timeout = static_cast<std::uint64_t>(status.subscription.batching.timeout.count());
    const std::uint64_t due_us = status.oldest_us.value_or(now_us) + timeout * 1000;
    const bool is_soon = due_us <= now_us + within_ms * 1000;
    const std::uint64_t full = status.queued / max;
    const bool pauses =
        status.next_attempt_us && *status.next_attempt_us > now_us + within_ms * 1000;
    if (pauses) return 0;
    return is_soon ? all : full;
}

std::vector<Measure> measures_of(const std::vector<SubscriptionStatus>& all, std::uint64_t now_us) {
    std::map<std::string, Sums> by_name;
    std::uint64_t instant = 0, scheduled = 0;
    for (const SubscriptionStatus& status : all) {
        Sums& sums = by_name[SubscriptionDetails::of(status.subscription).name];
        const std::uint64_t batches = batches_of(status), due = batches_due(status, now_us, 0);
        // Who polls is not called.
        if (!status.subscription.url.empty()) {
            instant += due;
            scheduled += batches - std::min(batches, due);
        }
        sums.batches += batches;
        sums.events += status.queued;
        sums.sent += status.sent;
        sums.dropped += status.dropped;
        sums.attempts += status.attempts;
        sums.failures += status.failures;
        add_times(sums.times, status.times);
    }
    std::vector<Measure> measures{
        {Kind::gauge, "jobs.count", instant, {{"queue", "main"}, {"status", "instant"}}},
        {Kind::gauge, "jobs.count", scheduled, {{"queue", "main"}, {"status", "scheduled"}}}};
    for (const auto& [name, sums] : by_name) {
        const Measure::Tags subscriber{{"subscriber", name}}, queue{{"queue", name}};
        const Measure::Tags success{{"queue", name}, {"status", "success"}};
        const Measure::Tags failure{{"queue", name}, {"status", "failure"}};
        measures.push_back({Kind::gauge, "subscriber.queue.batches", sums.batches, subscriber});
        measures.push_back({Kind::gauge, "subscriber.queue.events", sums.events, subscriber});
        measures.push_back(
            {Kind::counter, "events.added", sums.sent + sums.events + sums.dropped, queue});
        measures.push_back({Kind::counter, "events.removed", sums.sent, queue});
        measures.push_back({Kind::counter, "events.autodropped", sums.dropped, queue});
        measures.push_back({Kind::counter, "delivery.events", sums.sent, success});
        const std::uint64_t good = sums.attempts - std::min(sums.attempts, sums.failures);
        measures.push_back({Kind::counter, "delivery.batches", good, success});
        measures.push_back({Kind::counter, "delivery.batches", sums.failures, failure});
        const delivery::DeliveryTimes& times = sums.times;
        measures.push_back({Kind::counter, "delivery.time", times.succeeded.ms, success});
        measures.push_back({Kind::counter, "delivery.time", times.failed.ms, failure});
        measures.push_back({Kind::counter, "delivery.time2", times.succeeded.ms2, success});
        measures.push_back({Kind::counter, "delivery.time2", times.failed.ms2, failure});
        measures.push_back({Kind::counter, "latency.batches.count", times.batches, queue});
        measures.push_back(
            {Kind::counter, "latency.batches.first_attempt", times.until_first_ms, queue});
        measures.push_back(
            {Kind::counter, "latency.batches.last_attempt", times.until_last_ms, queue});
    }
    return measures;
}

void add(Figures& figures, const std::vector<Measure>& measures) {
    for (const Measure& measure : measures) {
        const std::string help = "Routemaster: " + measure.name + ".";
        const auto value = static_cast<double>(measure.value);
        if (measure.kind == Kind::counter) {
            figures.counter(measure.prometheus_name(), help, value, measure.tags);
        } else {
            figures.gauge(measure.prometheus_name(), help, value, measure.tags);
        }
    }
}

}  // namespace weft::gateway::routemaster

#include "tests/fault/journal_storm/publishers.hpp"

#include <utility>

namespace weft::fault {
namespace {

/// Longer than any restart: what is acknowledged at last tells more than what was given up.
constexpr std::chrono::seconds ack_timeout{60};

}  // namespace

Publishers::Publishers(reliability::ReliablePublisher& publisher, Ledger& ledger,
                       const Options& options)
    : publisher_(publisher), ledger_(ledger), options_(options) {
    for (std::uint64_t i = 0; i < options.threads; ++i) {
        threads_.emplace_back([this, i] { publish_all(i); });
    }
}

Publishers::~Publishers() {
    {
        const std::scoped_lock lock(mutex_);
        over_ = true;
    }
    changed_.notify_all();
    // What waits ends now.
    publisher_.close();
}

void Publishers::pause() {
    std::unique_lock lock(mutex_);
    paused_ = true;
    changed_.wait(lock, [this] { return standing_ == options_.threads; });
}

void Publishers::go_on() {
    const std::scoped_lock lock(mutex_);
    paused_ = false;
    changed_.notify_all();
}

bool Publishers::may_go_on() {
    std::unique_lock lock(mutex_);
    ++standing_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return over_ || !paused_; });
    --standing_;
    return !over_;
}

void Publishers::publish_all(std::uint64_t publisher) {
    for (std::uint64_t batch = 1; may_go_on(); ++batch) publish_batch(publisher, batch);
}

void Publishers::publish_batch(std::uint64_t publisher, std::uint64_t batch) {
    const std::string topic = "storm.p" + std::to_string(publisher);
    reliability::ReliableOptions options;
    options.durable = true;
    options.ack_timeout = ack_timeout;
    std::vector<std::pair<Made, reliability::PendingAcks>> waiting;
    for (std::uint64_t i = 0; i < options_.batch; ++i) {
        const Made made{publisher, (batch - 1) * options_.batch + i, batch};
        const std::string body = body_of(options_.seed, made);
        auto pending = publisher_.publish_async(topic, {body, "application/octet-stream"}, options);
        if (!pending) {
            ++not_acknowledged_;
            break;
        }
        waiting.emplace_back(made, std::move(*pending));
    }
    for (const auto& [made, pending] : waiting) {
        const auto outcome = pending.wait();
        if (outcome && outcome->ok()) {
            ledger_.acknowledged(made, pending.id());
        } else {
            ++not_acknowledged_;
        }
    }
}

}  // namespace weft::fault

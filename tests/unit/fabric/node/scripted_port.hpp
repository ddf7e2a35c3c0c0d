#pragma once
// A transport whose other side is the test: it says who subscribes and reads what was sent. For
// orders of events that real peers only produce now and then.
// Threads: every function from any thread. Ownership: a Line is shared by its port and the test.

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fabric/node/control.hpp"
#include "fabric/transport/transport.hpp"
#include "tests/support/signing_fixture.hpp"
#include "tests/unit/fabric/node/node_world.hpp"

namespace weft::fabric {

/// What lies between a publisher's port and the test.
class Line {
public:
    void subscribe(std::string_view prefix) { push({true, std::string{prefix}, false}); }
    /// On request; leave() is how it happens when a connection ends.
    void unsubscribe(std::string_view prefix) { push({false, std::string{prefix}, false}); }
    /// A relay or subscriber comes: what it wants first, then its barrier, as libzmq does it.
    void join(const std::vector<std::string>& prefixes = {""}) {
        for (const std::string& prefix : prefixes) subscribe(prefix);
        subscribe(barrier_prefix);
    }
    void leave(const std::vector<std::string>& prefixes = {""}) {
        for (const std::string& prefix : prefixes) push({false, prefix, true});
        push({false, std::string{barrier_prefix}, true});
    }
    /// As a peer that has taken everything up to this barrier.
    void echo(const std::string& nonce) {
        subscribe(std::string{echo_prefix} + nonce);
        unsubscribe(std::string{echo_prefix} + nonce);
    }

    /// Messages sent so far, without control topics.
    [[nodiscard]] std::vector<support::Frames> messages() const {
        const std::scoped_lock lock(mutex_);
        return messages_;
    }
    [[nodiscard]] bool wait_for_messages(std::size_t count) {
        return wait([&] { return messages_.size() >= count; });
    }
    /// The nonce of barrier number `which` (from 0); "" if it does not come.
    [[nodiscard]] std::string barrier(std::size_t which) {
        if (!wait([&] { return barriers_.size() > which; })) return "";
        const std::scoped_lock lock(mutex_);
        return barriers_[which];
    }
    [[nodiscard]] std::size_t barriers() const {
        const std::scoped_lock lock(mutex_);
        return barriers_.size();
    }
    /// Every event so far has been taken by the publisher.
    [[nodiscard]] bool wait_until_read() {
        return wait([&] { return events_.empty() && reading_; });
    }

    // The port's side.
    void send(std::string_view topic, std::string_view contents, std::string_view proof) {
        const std::scoped_lock lock(mutex_);
        if (const auto nonce = nonce_of(topic, barrier_prefix); !nonce.empty()) {
            barriers_.emplace_back(nonce);
        } else {
            messages_.push_back({std::string{topic}, std::string{contents}, std::string{proof}});
        }
        changed_.notify_all();
    }
    bool next(SubscriptionEvent& event) {
        const std::scoped_lock lock(mutex_);
        // Asking again means that the last one has been dealt with.
        reading_ = events_.empty();
        changed_.notify_all();
        if (events_.empty()) return false;
        event = std::move(events_.front());
        events_.pop_front();
        return true;
    }
    void wait_for_event(std::chrono::milliseconds timeout) {
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, timeout, [&] { return woken_ || !events_.empty(); });
        woken_ = false;
    }
    void wake() {
        const std::scoped_lock lock(mutex_);
        woken_ = true;
        changed_.notify_all();
    }

private:
    void push(SubscriptionEvent event) {
        const std::scoped_lock lock(mutex_);
        events_.push_back(std::move(event));
        reading_ = false;
        changed_.notify_all();
    }
    template <class Holds>
    bool wait(Holds holds) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, patience, holds);
    }

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<SubscriptionEvent> events_;
    std::vector<support::Frames> messages_;
    std::vector<std::string> barriers_;
    bool woken_ = false, reading_ = true;
};

class ScriptedPort final : public PublishPort {
public:
    explicit ScriptedPort(std::shared_ptr<Line> line, std::string bound = "")
        : line_(std::move(line)), bound_(std::move(bound)) {}

    void send(std::string_view topic, std::string_view contents, std::string_view proof) override {
        line_->send(topic, contents, proof);
    }
    bool next_subscription(SubscriptionEvent& event) override { return line_->next(event); }
    void wait(std::chrono::milliseconds timeout) override { line_->wait_for_event(timeout); }
    void wake() override { line_->wake(); }
    [[nodiscard]] std::string bound() const override { return bound_; }

private:
    std::shared_ptr<Line> line_;
    std::string bound_;
};

/// Every port that it gives leads to its one line.
class ScriptedTransport final : public Transport {
public:
    tl::expected<std::unique_ptr<PublishPort>, std::string> bind_publisher(
        const std::vector<std::string>& endpoints) override {
        return std::make_unique<ScriptedPort>(line, endpoints.front());
    }
    tl::expected<std::unique_ptr<PublishPort>, std::string> connect_publisher(
        const std::string&) override {
        return std::make_unique<ScriptedPort>(line);
    }
    tl::expected<std::unique_ptr<SubscribePort>, std::string> open_subscriber() override {
        return tl::make_unexpected(std::string{"nobody subscribes here but the test"});
    }

    const std::shared_ptr<Line> line = std::make_shared<Line>();
};

inline PublisherSettings through_relay() {
    PublisherSettings settings;
    settings.relay_inbound = "tcp://127.0.0.1:9940";
    settings.source = "a test";
    settings.epoch = 7;
    settings.room_timeout = patience;
    settings.close_timeout = patience;
    return settings;
}

}  // namespace weft::fabric

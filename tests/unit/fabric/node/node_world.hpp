#pragma once
// What the tests of the nodes share: clocks, somewhere for received messages to go, and a world of
// publishers and subscribers over the in-process transport with real keys.
// Threads: Received and the clocks from any; a NodeWorld from one.

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "fabric/node/publisher.hpp"
#include "fabric/node/subscriber.hpp"
#include "fabric/transport/clock.hpp"
#include "fabric/transport/transport.hpp"
#include "tests/support/signing_fixture.hpp"

namespace weft::fabric {

/// How long a test waits for what must happen. Nothing is measured by it.
inline constexpr std::chrono::seconds patience{10};

/// For what no condition variable tells: true as soon as `holds` does, false after `patience`.
inline bool eventually(const std::function<bool()>& holds) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!holds()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        std::this_thread::yield();
    }
    return true;
}

/// Deadlines pass as they do outside; the calendar stands at the fixture's `now`.
class WorldClock final : public Clock {
public:
    [[nodiscard]] Instant steady() const noexcept override {
        return std::chrono::steady_clock::now().time_since_epoch();
    }
    [[nodiscard]] std::uint64_t utc_us() const noexcept override {
        return static_cast<std::uint64_t>(support::SigningFixture::now) * 1'000'000;
    }
};

/// Time passes when the test says so.
class ManualClock final : public Clock {
public:
    void advance(Instant by) { passed_ns_ += by.count(); }
    [[nodiscard]] Instant steady() const noexcept override {
        return std::chrono::hours{1} + Instant{passed_ns_.load()};
    }
    [[nodiscard]] std::uint64_t utc_us() const noexcept override {
        return static_cast<std::uint64_t>(support::SigningFixture::now) * 1'000'000 +
               static_cast<std::uint64_t>(passed_ns_.load()) / 1000;
    }

private:
    std::atomic<std::int64_t> passed_ns_{0};
};

/// Takes what a subscriber hands over.
class Received {
public:
    struct Refused {
        signing::Refusal reason;
        std::string detail, topic, contents, proof, peer;
    };

    [[nodiscard]] SubscriberHooks hooks() {
        SubscriberHooks hooks;
        hooks.deliver = [this](const Message& message) { add(messages_, message); };
        hooks.refused = [this](const RefusedMessage& refused) {
            add(refused_,
                Refused{refused.why.reason, refused.why.detail, std::string{refused.topic},
                        std::string{refused.contents}, std::string{refused.proof}, refused.peer});
        };
        hooks.warn = [this](const std::string& line) { add(lines_, line); };
        return hooks;
    }

    [[nodiscard]] bool wait_for(std::size_t count) {
        return wait([&] { return messages_.size() >= count; });
    }
    [[nodiscard]] bool wait_for_refusals(std::size_t count) {
        return wait([&] { return refused_.size() >= count; });
    }
    [[nodiscard]] bool wait_for_line(const std::string& part) {
        return wait([&] { return count_lines(part) > 0; });
    }

    [[nodiscard]] std::vector<Message> messages() const { return copy_of(messages_); }
    [[nodiscard]] std::vector<Refused> refused() const { return copy_of(refused_); }
    [[nodiscard]] std::vector<signing::Refusal> reasons() const {
        std::vector<signing::Refusal> reasons;
        for (const Refused& refused : refused()) reasons.push_back(refused.reason);
        return reasons;
    }
    [[nodiscard]] std::size_t lines_with(const std::string& part) const {
        const std::scoped_lock lock(mutex_);
        return count_lines(part);
    }
    [[nodiscard]] std::vector<std::string> topics() const {
        std::vector<std::string> topics;
        for (const Message& message : messages()) topics.emplace_back(message.topic());
        return topics;
    }

private:
    template <class List, class Item>
    void add(List& list, Item item) {
        const std::scoped_lock lock(mutex_);
        list.push_back(std::move(item));
        changed_.notify_all();
    }
    template <class Holds>
    bool wait(Holds holds) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, patience, holds);
    }
    template <class List>
    List copy_of(const List& list) const {
        const std::scoped_lock lock(mutex_);
        return list;
    }
    std::size_t count_lines(const std::string& part) const {
        std::size_t count = 0;
        for (const std::string& line : lines_) count += line.find(part) != std::string::npos;
        return count;
    }

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<Message> messages_;
    std::vector<Refused> refused_;
    std::vector<std::string> lines_;
};

inline std::shared_ptr<const signing::Identity> shared(const support::Identity& who) {
    return std::make_shared<const signing::Identity>(signing::Identity{who.key, who.certificate});
}

inline PublisherSettings bound_at(std::string endpoint) {
    PublisherSettings settings;
    settings.mode = PublisherSettings::Mode::bind;
    settings.endpoints = {std::move(endpoint)};
    settings.source = "a test";
    settings.epoch = 7;
    settings.room_timeout = patience;
    settings.close_timeout = patience;
    return settings;
}

inline SubscriberSettings connected_to(std::vector<std::string> endpoints,
                                       const std::vector<std::string>& globs = {"**"}) {
    SubscriberSettings settings;
    settings.globs = support::globs_of(globs);
    settings.endpoints = std::move(endpoints);
    return settings;
}

/// Everything that a publisher and a subscriber need, over the in-process transport.
class NodeWorld {
public:
    static constexpr const char* endpoint = "inproc://publisher";

    explicit NodeWorld(const Clock& clock) : clock_(clock) {}

    [[nodiscard]] std::unique_ptr<Publisher> publisher(std::shared_ptr<const signing::Identity> who,
                                                       PublisherSettings settings) {
        return support::must(Publisher::open(*transport, clock_, std::move(settings),
                                             std::move(who), signing.trust()));
    }
    [[nodiscard]] std::unique_ptr<Publisher> publisher(const support::Identity& who) {
        return publisher(shared(who), bound_at(endpoint));
    }
    [[nodiscard]] std::unique_ptr<Subscriber> subscriber(SubscriberSettings settings,
                                                         SubscriberHooks hooks) {
        return support::must(Subscriber::open(*transport, clock_, std::move(settings),
                                              signing.trust(), std::move(hooks)));
    }
    [[nodiscard]] std::unique_ptr<Subscriber> subscriber(Received& received,
                                                         const std::vector<std::string>& globs = {
                                                             "**"}) {
        return subscriber(connected_to({endpoint}, globs), received.hooks());
    }
    /// A bare port at `endpoint`: whoever holds it can send any bytes.
    [[nodiscard]] std::unique_ptr<PublishPort> bare_port(const std::string& at = endpoint) {
        return support::must(transport->bind_publisher({at}));
    }

    support::SigningFixture signing;
    std::unique_ptr<Transport> transport = make_memory_transport();

private:
    const Clock& clock_;
};

}  // namespace weft::fabric

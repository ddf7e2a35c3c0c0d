// The transport of one process: what tests and simulations run on, also under ThreadSanitizer.

#include <algorithm>
#include <limits>
#include <map>
#include <mutex>
#include <set>

#include "fabric/transport/memory_answers.hpp"
#include "fabric/transport/memory_inbox.hpp"
#include "fabric/transport/transport.hpp"

namespace weft::fabric {
namespace {

/// Subscriptions are never dropped: books are kept by them.
constexpr std::size_t unlimited = std::numeric_limits<std::size_t>::max();

struct PublisherEnd {
    std::string endpoint;
    Inbox<SubscriptionEvent> events;
};

struct SubscriberEnd {
    std::set<std::string> endpoints;
    std::set<std::string, std::less<>> prefixes;
    Inbox<StoredMessage> messages;
};

/// Who is bound and who subscribed; one lock, since nothing here is on a fast path.
class Exchange {
public:
    explicit Exchange(std::size_t limit) : limit_(limit) {}

    bool bind(const std::shared_ptr<PublisherEnd>& end) {
        const std::scoped_lock lock(mutex_);
        if (!publishers_.emplace(end->endpoint, end).second) return false;
        for (const auto& subscriber : subscribers_) {
            if (subscriber->endpoints.contains(end->endpoint)) tell_all(*end, *subscriber, true);
        }
        return true;
    }
    void unbind(const std::shared_ptr<PublisherEnd>& end) {
        const std::scoped_lock lock(mutex_);
        publishers_.erase(end->endpoint);
    }
    void add(const std::shared_ptr<SubscriberEnd>& end) {
        const std::scoped_lock lock(mutex_);
        subscribers_.insert(end);
    }
    void remove(const std::shared_ptr<SubscriberEnd>& end) {
        const std::scoped_lock lock(mutex_);
        subscribers_.erase(end);
        for (const auto& endpoint : end->endpoints) tell_all_at(endpoint, *end, false);
    }
    void connect(SubscriberEnd& end, const std::string& endpoint) {
        const std::scoped_lock lock(mutex_);
        if (end.endpoints.insert(endpoint).second) tell_all_at(endpoint, end, true);
    }
    void disconnect(SubscriberEnd& end, const std::string& endpoint) {
        const std::scoped_lock lock(mutex_);
        if (end.endpoints.erase(endpoint) > 0) tell_all_at(endpoint, end, false);
    }
    /// As a connection that ends and is made again: what was under way is lost.
    bool hang_up(SubscriberEnd& end, const std::string& endpoint) {
        const std::scoped_lock lock(mutex_);
        if (!end.endpoints.contains(endpoint) || !publishers_.contains(endpoint)) return false;
        tell_all_at(endpoint, end, false);
        end.messages.drop([&](const StoredMessage& message) { return message.from == endpoint; });
        tell_all_at(endpoint, end, true);
        return true;
    }
    void subscribe(SubscriberEnd& end, const std::string& prefix, bool on) {
        const std::scoped_lock lock(mutex_);
        const bool changed =
            on ? end.prefixes.insert(prefix).second : end.prefixes.erase(prefix) > 0;
        if (!changed) return;
        for (const auto& endpoint : end.endpoints) {
            if (const auto found = publishers_.find(endpoint); found != publishers_.end()) {
                found->second->events.push({on, prefix, false}, unlimited);
            }
        }
    }
    void send(const PublisherEnd& from, const StoredMessage& message) {
        const std::scoped_lock lock(mutex_);
        for (const auto& subscriber : subscribers_) {
            if (!subscriber->endpoints.contains(from.endpoint)) continue;
            const bool wanted = std::any_of(
                subscriber->prefixes.begin(), subscriber->prefixes.end(),
                [&](const std::string& prefix) { return message.topic.starts_with(prefix); });
            if (wanted) subscriber->messages.push(message, limit_);
        }
    }

private:
    void tell_all(PublisherEnd& publisher, const SubscriberEnd& subscriber, bool on) {
        for (const auto& prefix : subscriber.prefixes) {
            publisher.events.push({on, prefix, !on}, unlimited);
        }
    }
    void tell_all_at(const std::string& endpoint, const SubscriberEnd& subscriber, bool on) {
        if (const auto found = publishers_.find(endpoint); found != publishers_.end()) {
            tell_all(*found->second, subscriber, on);
        }
    }

    std::size_t limit_;
    std::mutex mutex_;
    std::map<std::string, std::shared_ptr<PublisherEnd>> publishers_;
    std::set<std::shared_ptr<SubscriberEnd>> subscribers_;
};

class MemoryPublishPort final : public PublishPort {
public:
    MemoryPublishPort(std::shared_ptr<Exchange> exchange, std::shared_ptr<PublisherEnd> end)
        : exchange_(std::move(exchange)), end_(std::move(end)) {}
    ~MemoryPublishPort() override { exchange_->unbind(end_); }

    void send(std::string_view topic, std::string_view contents, std::string_view proof) override {
        exchange_->send(
            *end_, {std::string{topic}, std::string{contents}, std::string{proof}, end_->endpoint});
    }
    bool next_subscription(SubscriptionEvent& event) override { return end_->events.pop(event); }
    void wait(std::chrono::milliseconds timeout) override { end_->events.wait(timeout); }
    void wake() override { end_->events.wake(); }
    std::string bound() const override { return end_->endpoint; }

private:
    std::shared_ptr<Exchange> exchange_;
    std::shared_ptr<PublisherEnd> end_;
};

class MemorySubscribePort final : public SubscribePort {
public:
    explicit MemorySubscribePort(std::shared_ptr<Exchange> exchange)
        : exchange_(std::move(exchange)), end_(std::make_shared<SubscriberEnd>()) {
        exchange_->add(end_);
    }
    ~MemorySubscribePort() override { exchange_->remove(end_); }

    tl::expected<void, std::string> connect(const std::string& endpoint) override {
        exchange_->connect(*end_, endpoint);
        return {};
    }
    void disconnect(const std::string& endpoint) override {
        exchange_->disconnect(*end_, endpoint);
    }
    void subscribe(std::string_view prefix) override {
        exchange_->subscribe(*end_, std::string{prefix}, true);
    }
    void unsubscribe(std::string_view prefix) override {
        exchange_->subscribe(*end_, std::string{prefix}, false);
    }
    bool receive(Arrival& arrival) override {
        if (!end_->messages.pop(current_)) return false;
        arrival = {3, current_.topic, current_.contents, current_.proof};
        return true;
    }
    std::string peer() const override { return "inproc#" + current_.from; }
    bool may_be_from(const std::string& endpoint) const override {
        return current_.from == endpoint;
    }
    bool hang_up() override { return exchange_->hang_up(*end_, current_.from); }
    void wait(std::chrono::milliseconds timeout) override { end_->messages.wait(timeout); }
    void wake() override { end_->messages.wake(); }

private:
    std::shared_ptr<Exchange> exchange_;
    std::shared_ptr<SubscriberEnd> end_;
    StoredMessage current_;
};

class MemoryTransport final : public Transport {
public:
    explicit MemoryTransport(std::size_t limit)
        : exchange_(std::make_shared<Exchange>(limit)), answers_(limit) {}

    tl::expected<std::unique_ptr<PublishPort>, std::string> bind_publisher(
        const std::vector<std::string>& endpoints) override {
        std::string tried;
        for (const std::string& endpoint : endpoints) {
            auto end = std::make_shared<PublisherEnd>();
            end->endpoint = endpoint;
            if (exchange_->bind(end)) return std::make_unique<MemoryPublishPort>(exchange_, end);
            tried += (tried.empty() ? "" : "; ") + ("cannot bind " + endpoint + ": it is taken");
        }
        return tl::make_unexpected(tried.empty() ? "no endpoint to bind was given" : tried);
    }
    tl::expected<std::unique_ptr<PublishPort>, std::string> connect_publisher(
        const std::string& endpoint) override {
        return tl::make_unexpected("the in-process transport has no relay to reach at " + endpoint);
    }
    tl::expected<std::unique_ptr<SubscribePort>, std::string> open_subscriber() override {
        return std::make_unique<MemorySubscribePort>(exchange_);
    }
    tl::expected<std::unique_ptr<AnswerPort>, std::string> bind_answers(
        const std::vector<std::string>& endpoints) override {
        return answers_.bind(endpoints);
    }
    tl::expected<std::unique_ptr<RequestPort>, std::string> open_requests() override {
        return answers_.open();
    }

private:
    std::shared_ptr<Exchange> exchange_;
    MemoryAnswers answers_;
};

}  // namespace

tl::expected<std::unique_ptr<AnswerPort>, std::string> Transport::bind_answers(
    const std::vector<std::string>&) {
    return tl::make_unexpected(std::string{"this transport carries no requests"});
}

tl::expected<std::unique_ptr<RequestPort>, std::string> Transport::open_requests() {
    return tl::make_unexpected(std::string{"this transport carries no requests"});
}

std::unique_ptr<Transport> make_memory_transport(std::size_t high_water_mark) {
    return std::make_unique<MemoryTransport>(high_water_mark);
}

}  // namespace weft::fabric

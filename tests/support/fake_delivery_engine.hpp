#pragma once
// A delivery engine for tests: keeps subscriptions in memory, and makes the request that would go
// out next when a test asks for it. Nothing is sent.
// Threads: as Engine says; `done` is called by the caller.

#include <algorithm>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gateway/delivery/engine.hpp"
#include "tests/support/fake_bridge.hpp"

namespace weft::support {

class FakeDeliveryEngine final : public gateway::delivery::Engine {
public:
    using Error = gateway::delivery::EngineError;
    using Status = gateway::delivery::SubscriptionStatus;
    using Subscription = gateway::delivery::Subscription;

    explicit FakeDeliveryEngine(FakeBridge& bridge) : bridge_(bridge) {}

    void add(const gateway::delivery::Presenter& presenter) override { presenter_ = &presenter; }

    void check_url(std::string url, OnDone done) override {
        bool refused = false;
        {
            const std::scoped_lock lock(mutex_);
            refused = refused_urls_.count(url) != 0;
        }
        if (refused) {
            return done(tl::make_unexpected(Error{Error::Kind::refused_url, "not there"}));
        }
        done({});
    }
    void put(Subscription subscription, std::optional<reliability::JournalId> start,
             OnDone done) override {
        std::optional<Error> error;
        {
            const std::scoped_lock lock(mutex_);
            error = error_;
        }
        if (error) return done(tl::make_unexpected(*error));
        {
            const std::scoped_lock lock(mutex_);
            const auto found = statuses_.find(subscription.id);
            Status status = found == statuses_.end() ? Status{} : found->second;
            if (found == statuses_.end()) {
                status.position = start.value_or(bridge_.journal().head);
            }
            status.subscription = std::move(subscription);
            statuses_[status.subscription.id] = status;
        }
        done({});
    }
    void remove(std::string id, OnDone done) override {
        std::optional<Error> error;
        {
            const std::scoped_lock lock(mutex_);
            error = error_;
            if (!error && statuses_.erase(id) == 0) error = Error{Error::Kind::not_found, "none"};
        }
        if (error) return done(tl::make_unexpected(*error));
        done({});
    }
    void status(std::string id, OnStatus done) override {
        std::optional<Status> found;
        {
            const std::scoped_lock lock(mutex_);
            if (const auto at = statuses_.find(id); at != statuses_.end()) found = at->second;
        }
        if (!found) return done(tl::make_unexpected(Error{Error::Kind::not_found, "none"}));
        done(counted(*found));
    }
    void all(std::string kind, OnAll done) override {
        std::vector<Status> all;
        std::optional<Error> error;
        {
            const std::scoped_lock lock(mutex_);
            error = error_;
            for (const auto& [id, status] : statuses_) {
                if (status.subscription.kind == kind) all.push_back(status);
            }
        }
        if (error) return done(tl::make_unexpected(*error));
        for (Status& status : all) status = counted(status);
        done(std::move(all));
    }
    [[nodiscard]] std::vector<Subscription> subscriptions(std::string_view kind) override {
        const std::scoped_lock lock(mutex_);
        std::vector<Subscription> all;
        for (const auto& [id, status] : statuses_) {
            if (status.subscription.kind == kind) all.push_back(status.subscription);
        }
        return all;
    }
    void attempts(std::string,
                  std::function<void(
                      gateway::delivery::EngineResult<std::vector<gateway::delivery::Attempt>>)>
                      done) override {
        done(std::vector<gateway::delivery::Attempt>{});
    }
    void resend(std::string, reliability::JournalId, OnAttempt done) override {
        done(tl::make_unexpected(Error{Error::Kind::invalid, "not in tests"}));
    }
    void send(std::string, gateway::StoredEvent, OnAttempt done) override {
        done(tl::make_unexpected(Error{Error::Kind::invalid, "not in tests"}));
    }
    void recover(std::string, std::uint64_t, OnDone done) override {
        done(tl::make_unexpected(Error{Error::Kind::invalid, "not in tests"}));
    }
    void confirm(std::string id, gateway::delivery::Fetched fetched, OnStatus done) override {
        std::optional<Status> found;
        std::optional<Error> error;
        {
            const std::scoped_lock lock(mutex_);
            error = error_;
            const auto at = statuses_.find(id);
            if (at != statuses_.end()) {
                Status& status = at->second;
                if (!status.subscription.url.empty()) error = Error{Error::Kind::invalid, "url"};
                if (!error && fetched.through > status.position) {
                    if (fetched.from == status.position) {
                        status.sent += fetched.sent;
                        status.dropped += fetched.dropped;
                    }
                    status.position = fetched.through;
                }
                found = status;
            }
        }
        if (!found) error = Error{Error::Kind::not_found, "none"};
        if (error) return done(tl::make_unexpected(*error));
        done(*std::move(found));
    }
    void set_state(std::string id, Subscription::State state, std::string reason,
                   OnDone done) override {
        {
            const std::scoped_lock lock(mutex_);
            statuses_[id].subscription.state = state;
            statuses_[id].subscription.reason = std::move(reason);
        }
        done({});
    }

    /// The request that would go out now, whatever the batch's timeout; nothing: nothing waits.
    std::optional<gateway::delivery::OutgoingRequest> next(const std::string& id) {
        Status status = of(id);
        auto waiting = waiting_for(status);
        if (waiting.empty()) return std::nullopt;
        const std::size_t count = std::min(waiting.size(), status.subscription.batching.max);
        waiting.erase(waiting.begin() + static_cast<std::ptrdiff_t>(count), waiting.end());
        const std::scoped_lock lock(mutex_);
        last_ = {waiting.back().id, count};
        return presenter_->request(status.subscription, waiting, {"delivery", 1, 0});
    }
    /// It went well.
    void confirm(const std::string& id) {
        const std::scoped_lock lock(mutex_);
        statuses_[id].position = last_.first;
        statuses_[id].sent += last_.second;
    }

    [[nodiscard]] Status of(const std::string& id) {
        const std::scoped_lock lock(mutex_);
        const auto found = statuses_.find(id);
        return found == statuses_.end() ? Status{} : found->second;
    }
    void set_queue(const std::string& id, std::uint64_t queued, std::uint64_t oldest_us) {
        const std::scoped_lock lock(mutex_);
        set_[id] = {queued, oldest_us};
    }
    void fail(std::optional<Error> error) {
        const std::scoped_lock lock(mutex_);
        error_ = std::move(error);
    }
    void refuse(const std::string& url) {
        const std::scoped_lock lock(mutex_);
        refused_urls_[url] = true;
    }

private:
    [[nodiscard]] std::vector<gateway::StoredEvent> waiting_for(const Status& status) {
        Answer<gateway::BridgeResult<gateway::EventPage>> answer;
        gateway::ReadRequest request;
        request.after = {0, status.position};
        bridge_.read(std::move(request), [&](auto page) { answer.give(std::move(page)); });
        auto page = answer.take();
        std::vector<gateway::StoredEvent> waiting;
        if (!page || !*page) return waiting;
        for (auto& event : (*page)->events) {
            const auto& interests = status.subscription.interests;
            const bool wanted =
                std::any_of(interests.begin(), interests.end(), [&](const auto& interest) {
                    return event.id > interest.after && event.id <= interest.through &&
                           interest.glob.matches(event.message.topic());
                });
            if (wanted && presenter_->wants(status.subscription, event)) {
                waiting.push_back(std::move(event));
            }
        }
        return waiting;
    }
    [[nodiscard]] Status counted(Status status) {
        {
            const std::scoped_lock lock(mutex_);
            const auto set = set_.find(status.subscription.id);
            if (set != set_.end()) {
                status.queued = set->second.first;
                status.oldest_us = set->second.second;
                return status;
            }
        }
        const auto waiting = waiting_for(status);
        status.queued = waiting.size();
        if (!waiting.empty()) status.oldest_us = waiting.front().stored_us;
        return status;
    }

    FakeBridge& bridge_;
    const gateway::delivery::Presenter* presenter_ = nullptr;
    std::mutex mutex_;
    std::map<std::string, Status> statuses_;
    std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> set_;
    std::map<std::string, bool> refused_urls_;
    std::optional<Error> error_;
    std::pair<reliability::JournalId, std::size_t> last_{};
};

}  // namespace weft::support

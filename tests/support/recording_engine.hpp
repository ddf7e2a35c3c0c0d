#pragma once
// An engine for tests of what asks it: keeps subscriptions in memory, delivers nothing, and writes
// down what it was asked. Answers come at once. Threads: any.

#include <algorithm>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gateway/delivery/engine.hpp"

namespace weft::support {

class RecordingEngine final : public gateway::delivery::Engine {
public:
    using Error = gateway::delivery::EngineError;
    using Subscription = gateway::delivery::Subscription;
    using Status = gateway::delivery::SubscriptionStatus;
    using Attempt = gateway::delivery::Attempt;

    void add(const gateway::delivery::Presenter&) override {}

    void check_url(std::string url, OnDone done) override {
        if (url.find("refused") != std::string::npos) {
            return done(error(Error::Kind::refused_url,
                              "10.0.0.1 is private; allow its network by "
                              "gateway.webhooks.allow_networks"));
        }
        done({});
    }
    void put(Subscription subscription, std::optional<reliability::JournalId> start,
             OnDone done) override {
        if (held_puts_) {
            waiting_.emplace_back(std::move(done));
            return;
        }
        {
            const std::scoped_lock lock(mutex_);
            if (put_error_) return done(tl::make_unexpected(*put_error_));
            starts[subscription.id] = start;
            Status& status = all_[subscription.id];
            status.subscription = std::move(subscription);
        }
        done({});
    }
    void remove(std::string id, OnDone done) override {
        bool gone = false;
        {
            const std::scoped_lock lock(mutex_);
            gone = all_.erase(id) != 0;
        }
        if (!gone) return done(error(Error::Kind::not_found, "no subscription"));
        done({});
    }
    void status(std::string id, OnStatus done) override {
        std::optional<Status> found;
        {
            const std::scoped_lock lock(mutex_);
            if (const auto entry = all_.find(id); entry != all_.end()) found = entry->second;
        }
        if (!found) return done(error(Error::Kind::not_found, "no subscription"));
        done(*found);
    }
    void all(std::string kind, OnAll done) override {
        std::vector<Status> found;
        {
            const std::scoped_lock lock(mutex_);
            for (const auto& [id, status] : all_) {
                if (status.subscription.kind == kind) found.push_back(status);
            }
        }
        done(std::move(found));
    }
    std::vector<Subscription> subscriptions(std::string_view kind) override {
        const std::scoped_lock lock(mutex_);
        std::vector<Subscription> found;
        for (const auto& [id, status] : all_) {
            if (status.subscription.kind == kind) found.push_back(status.subscription);
        }
        return found;
    }
    void attempts(
        std::string,
        std::function<void(gateway::delivery::EngineResult<std::vector<Attempt>>)> done) override {
        done(kept_attempts);
    }
    void resend(std::string id, reliability::JournalId message, OnAttempt done) override {
        asked.push_back("resend " + id + " " + std::to_string(message));
        done(attempt);
    }
    void send(std::string id, gateway::StoredEvent event, OnAttempt done) override {
        asked.push_back("send " + id + " " + std::string{event.message.topic()} + " " +
                        std::string{event.message.body()});
        done(attempt);
    }
    void recover(std::string id, std::uint64_t since_us, OnDone done) override {
        asked.push_back("recover " + id + " " + std::to_string(since_us));
        done({});
    }
    void confirm(std::string, gateway::delivery::Fetched, OnStatus done) override {
        done(error(Error::Kind::invalid, "not in tests"));
    }
    void set_state(std::string id, Subscription::State state, std::string reason,
                   OnDone done) override {
        {
            const std::scoped_lock lock(mutex_);
            all_[id].subscription.state = state;
            all_[id].subscription.reason = std::move(reason);
        }
        done({});
    }

    /// As it is kept.
    Status& at(const std::string& id) { return all_.at(id); }
    [[nodiscard]] std::size_t size() const { return all_.size(); }
    void fail_puts(std::optional<Error> error) { put_error_ = std::move(error); }
    /// Puts are not answered until let_go().
    void hold_puts() { held_puts_ = true; }
    void let_go() {
        held_puts_ = false;
        for (const OnDone& done : std::exchange(waiting_, {})) {
            done(error(Error::Kind::stopped, "held"));
        }
    }

    std::vector<std::string> asked;
    std::map<std::string, std::optional<reliability::JournalId>> starts;
    std::vector<Attempt> kept_attempts;
    Attempt attempt;

private:
    static tl::unexpected<Error> error(Error::Kind kind, std::string sentence) {
        return tl::make_unexpected(Error{kind, std::move(sentence)});
    }

    std::mutex mutex_;
    std::map<std::string, Status> all_;
    std::optional<Error> put_error_;
    bool held_puts_ = false;
    std::vector<OnDone> waiting_;
};

}  // namespace weft::support

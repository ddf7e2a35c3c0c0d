#pragma once
// Clients of the native WebSocket over a journal in memory, with cursors and groups.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "gateway/native/ws_sessions.hpp"
#include "tests/support/fake_bridge.hpp"
#include "tests/support/fake_web_socket.hpp"
#include "tests/support/streaming_exchange.hpp"

namespace weft::gateway::native {

using nlohmann::json;

/// Keeps what is published, and can put it off.
class HoldingBridge final : public FabricBridge {
public:
    explicit HoldingBridge(support::FakeBridge& bridge) : bridge_(bridge) {}

    void publish(const Principal& who, PublishRequest request, OnPublished done) override {
        {
            const std::scoped_lock lock(mutex_);
            last_ = request;
            if (holds_) {
                held_.emplace_back([this, who, request = std::move(request),
                                    done = std::move(done)] { publish(who, request, done); });
                return;
            }
        }
        bridge_.publish(who, std::move(request), std::move(done));
    }
    void read(ReadRequest request, OnPage done) override {
        bridge_.read(std::move(request), std::move(done));
    }
    Ticket wait(reliability::JournalId after, const reliability::TopicFilter& filter,
                std::chrono::milliseconds timeout, OnWoken done) override {
        return bridge_.wait(after, filter, timeout, std::move(done));
    }
    void forget(Ticket ticket) override { bridge_.forget(ticket); }
    reliability::JournalInfo journal() override { return bridge_.journal(); }
    std::string not_ready() override { return bridge_.not_ready(); }

    /// Until it is called with false, publishes are not answered.
    void hold(bool holds) {
        std::vector<std::function<void()>> held;
        {
            const std::scoped_lock lock(mutex_);
            holds_ = holds;
            if (!holds_) held.swap(held_);
        }
        for (const auto& publish : held) publish();
    }
    [[nodiscard]] PublishRequest last() {
        const std::scoped_lock lock(mutex_);
        return last_;
    }

private:
    support::FakeBridge& bridge_;
    std::mutex mutex_;
    PublishRequest last_;
    bool holds_ = false;
    std::vector<std::function<void()>> held_;
};

/// Does the work at once, in the caller's thread, one after the other.
class OneAfterTheOther final : public JournalRoom {
public:
    explicit OneAfterTheOther(JournalThings things) : things_(things) {}
    bool work(Work work) override {
        if (full) return false;
        const std::scoped_lock lock(mutex_);
        work(things_);
        return true;
    }
    std::atomic<bool> full = false;

private:
    std::recursive_mutex mutex_;
    JournalThings things_;
};

/// The browser's side.
class WsClient {
public:
    WsClient(WsSessions& sessions, Principal who, std::function<bool()> still = {}) {
        Request request;
        request.method = "GET";
        request.target = "/v1/ws";
        exchange_ = std::make_shared<support::SocketExchange>(std::move(request));
        sessions.open(exchange_, std::move(who), std::move(still));
        exchange_->hooks().open(socket);
    }
    ~WsClient() { go(); }
    WsClient(const WsClient&) = delete;
    WsClient& operator=(const WsClient&) = delete;

    void say(const std::string& text, bool is_text = true) {
        exchange_->hooks().message(text, is_text);
    }
    void go() {
        if (!exchange_->hooks().closed) return;
        exchange_->hooks().closed(1000);
        exchange_->hooks() = {};
    }
    /// The frames of this op so far, as soon as there are so many.
    const std::vector<json>& wait(const std::string& op, std::size_t count = 1) {
        socket->wait([&](const std::vector<std::string>& said) {
            for (; parsed_ < said.size(); ++parsed_) {
                json frame = json::parse(said[parsed_]);
                const std::string its_op = frame["op"];
                frames_[its_op].push_back(std::move(frame));
            }
            return frames_[op].size() >= count;
        });
        return frames_[op];
    }
    json last(const std::string& op, std::size_t count = 1) {
        const auto& frames = wait(op, count);
        return frames.empty() ? json{} : frames.back();
    }
    /// Of the messages, as soon as there are so many; of one subscription, if it is named.
    std::vector<int> ids(std::size_t count, const std::string& subscription = {}) {
        std::vector<int> ids;
        for (const json& frame : wait("message", count)) {
            if (!subscription.empty() && frame["id"] != subscription) continue;
            ids.push_back(frame["message"]["journal_id"]);
        }
        return ids;
    }
    /// Whatever was asked before has been done by now, if it was not for the journal.
    void sync() {
        const std::string ref = "sync" + std::to_string(++syncs_);
        say(R"({"op":"ping","ref":")" + ref + "\"}");
        EXPECT_EQ(last("pong", static_cast<std::size_t>(syncs_))["ref"], ref);
    }

    std::shared_ptr<support::FakeWebSocket> socket = std::make_shared<support::FakeWebSocket>();

private:
    std::shared_ptr<support::SocketExchange> exchange_;
    std::size_t parsed_ = 0;
    std::map<std::string, std::vector<json>> frames_;
    int syncs_ = 0;
};

class WsTest : public ::testing::Test {
protected:
    WsTest() { anybody_.everything = true; }
    ~WsTest() override {
        sessions_.stop();
        timers_.stop();
        bridge_.stop();
    }

    std::unique_ptr<WsClient> connect(const Principal& who) {
        return std::make_unique<WsClient>(sessions_, who);
    }
    std::unique_ptr<WsClient> connect() { return connect(anybody_); }
    reliability::JournalId store(const std::string& topic, const std::string& body = "{}") {
        return bridge_.store({"org.weft.dev." + topic, body});
    }
    void store_many(int count, const std::string& topic = "git.commit") {
        for (int i = 0; i < count; ++i) store(topic);
    }
    static std::vector<int> from_to(int from, int to) {
        std::vector<int> ids;
        for (int id = from; id <= to; ++id) ids.push_back(id);
        return ids;
    }
    static WsLimits limits() {
        WsLimits limits;
        limits.patience = std::chrono::milliseconds{50};
        return limits;
    }

    support::WallClock clock_;
    support::FakeBridge bridge_{clock_};
    HoldingBridge publishes_{bridge_};
    reliability::CursorStore cursors_{bridge_.memory(), clock_};
    reliability::GroupService groups_{cursors_};
    reliability::StoredVerifier verifier_{nullptr};
    OneAfterTheOther room_{{bridge_.memory(), cursors_, groups_, verifier_}};
    support::ThreadTimers timers_;
    WsSessions sessions_{publishes_,        timers_, clock_,  {"org.weft", "dev"},
                         {{"web", "a, b"}}, &room_,  limits()};
    Principal anybody_;
};

}  // namespace weft::gateway::native

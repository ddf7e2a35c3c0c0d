#pragma once
// A bridge for tests: the real desk over a journal in memory, and publishing that stores unsigned
// messages at once. The wall clock stands where the test puts it; errors are switched on and off.
// Threads: as the bridge says; the switches from any thread.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fabric/message/codec.hpp"
#include "gateway/bridge/bridge_errors.hpp"
#include "gateway/bridge/journal_desk.hpp"
#include "gateway/bridge/journal_reading.hpp"
#include "reliability/journal/memory_journal.hpp"
#include "signing/proof.hpp"

namespace weft::support {

/// A wall clock that stands where the test puts it; deadlines go by the real one.
class WallClock final : public fabric::Clock {
public:
    static constexpr std::uint64_t begin_us = 1'800'000'000'000'000;
    [[nodiscard]] fabric::Instant steady() const noexcept override {
        return fabric::SystemClock().steady();
    }
    [[nodiscard]] std::uint64_t utc_us() const noexcept override { return now_us; }
    void advance(std::chrono::microseconds by) { now_us += static_cast<std::uint64_t>(by.count()); }

    std::atomic<std::uint64_t> now_us{begin_us};
};

/// What a publisher on the fabric would say.
struct PlainMessage {
    std::string topic, body;
    std::string content_type = "application/json";
    std::vector<std::pair<std::string, std::string>> headers{};
    std::string source = "tests";
    std::optional<fabric::MessageId> parent{};
};

class FakeBridge final : public gateway::FabricBridge {
public:
    explicit FakeBridge(const WallClock& clock, gateway::JournalDeskSettings settings = {})
        : clock_(clock),
          journal_({.limits = {}, .clock = &clock}),
          desk_(std::make_unique<gateway::JournalDesk>(journal_, nullptr, clock,
                                                       std::move(settings))) {}
    ~FakeBridge() override { stop(); }

    void publish(const gateway::Principal& who, gateway::PublishRequest request,
                 OnPublished done) override {
        {
            const std::scoped_lock lock(mutex_);
            ++published_;
            if (publish_error_) return done(tl::make_unexpected(*publish_error_));
        }
        for (const auto& header : request.headers) {
            if (header.first == "via") {
                return done(tl::make_unexpected(
                    gateway::BridgeError{gateway::BridgeError::Kind::invalid, "via is ours"}));
            }
        }
        request.headers.emplace_back("via", who.via());
        fabric::MessageId id;
        auto run = run_of(
            {std::move(request.topic), std::move(request.body), std::move(request.content_type),
             std::move(request.headers), "tests", request.parent},
            id);
        journal_.append({std::move(run)}, [id, done = std::move(done)](auto ranges) {
            if (!ranges) return done(tl::make_unexpected(gateway::error_of(ranges.error())));
            done(gateway::Published{id, ranges->front().first});
        });
    }
    void read(gateway::ReadRequest request, OnPage done) override {
        std::optional<gateway::BridgeError> error;
        {
            const std::scoped_lock lock(mutex_);
            error = read_error_;
        }
        if (error) return done(tl::make_unexpected(*error));
        ++reads;
        desk_->read(std::move(request), std::move(done));
    }
    Ticket wait(reliability::JournalId after, const reliability::TopicFilter& filter,
                std::chrono::milliseconds timeout, OnWoken done) override {
        ++waits;
        return desk_->wait(after, filter, timeout, std::move(done));
    }
    void forget(Ticket ticket) override { desk_->forget(ticket); }
    std::optional<reliability::JournalId> nothing_after(
        reliability::JournalId after, const reliability::TopicFilter& filter) override {
        const std::scoped_lock lock(mutex_);
        if (read_error_) return std::nullopt;
        return desk_->nothing_after(after, filter);
    }
    reliability::JournalInfo journal() override { return journal_.info(); }
    std::string not_ready() override {
        const std::scoped_lock lock(mutex_);
        return not_ready_;
    }

    /// As if somebody had published it on the fabric; its id.
    reliability::JournalId store(PlainMessage message) {
        fabric::MessageId id;
        const auto ranges = journal_.append({run_of(std::move(message), id)});
        if (!ranges) throw std::runtime_error(ranges.error().sentence);
        return ranges->front().first;
    }
    void stop() { desk_->stop(); }

    void fail_publish(std::optional<gateway::BridgeError> error) {
        const std::scoped_lock lock(mutex_);
        publish_error_ = std::move(error);
    }
    void fail_read(std::optional<gateway::BridgeError> error) {
        const std::scoped_lock lock(mutex_);
        read_error_ = std::move(error);
    }
    void set_not_ready(std::string why) {
        const std::scoped_lock lock(mutex_);
        not_ready_ = std::move(why);
    }
    [[nodiscard]] std::uint64_t published() {
        const std::scoped_lock lock(mutex_);
        return published_;
    }
    [[nodiscard]] reliability::Journal& memory() { return journal_; }
    [[nodiscard]] std::size_t waiters() const { return desk_->waiters(); }

    std::atomic<std::uint64_t> reads{0}, waits{0};

private:
    reliability::RunToStore run_of(PlainMessage message, fabric::MessageId& id) {
        id = fabric::MessageId::make(clock_.utc_us() / 1000);
        fabric::ContentHeader header;
        header.id = id;
        header.epoch = 1;
        header.seq = ++seq_;
        header.time_us = clock_.utc_us();
        header.source = message.source;
        header.parent = message.parent;
        header.content_type = message.content_type;
        for (const auto& [name, value] : message.headers) header.headers.emplace_back(name, value);
        std::string content(fabric::encoded_size(header, message.body), '\0');
        fabric::encode_content(header, message.body, content.data());
        reliability::RunToStore run;
        run.topic = std::move(message.topic);
        signing::append_item(content, run.contents);
        run.messages = {
            {id, message.parent.value_or(fabric::MessageId{}), header.epoch, header.seq}};
        return run;
    }

    const WallClock& clock_;
    reliability::MemoryJournal journal_;
    std::atomic<std::uint64_t> seq_{0};
    std::mutex mutex_;
    std::uint64_t published_ = 0;
    std::optional<gateway::BridgeError> publish_error_, read_error_;
    std::string not_ready_;
    std::unique_ptr<gateway::JournalDesk> desk_;
};

/// One answer that another thread gives.
template <class T>
class Answer {
public:
    void give(T value) {
        const std::scoped_lock lock(mutex_);
        value_ = std::move(value);
        given_.notify_all();
    }
    /// Nothing: it did not come within ten seconds, or `within`.
    std::optional<T> take(std::chrono::milliseconds within = std::chrono::seconds(10)) {
        std::unique_lock lock(mutex_);
        given_.wait_for(lock, within, [&] { return value_.has_value(); });
        return std::exchange(value_, std::nullopt);
    }
    [[nodiscard]] bool given() {
        const std::scoped_lock lock(mutex_);
        return value_.has_value();
    }

private:
    std::mutex mutex_;
    std::condition_variable given_;
    std::optional<T> value_;
};

}  // namespace weft::support

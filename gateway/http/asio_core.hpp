#pragma once
// What all connections of a server share, and what may outlive it.
// Threads: any.

#include <condition_variable>
#include <memory>
#include <mutex>

#include "gateway/http/asio_loop.hpp"
#include "gateway/http/asio_tls.hpp"
#include "gateway/http/direct_answer.hpp"
#include "gateway/http/once_hook.hpp"
#include "gateway/http/router.hpp"
#include "gateway/http/server.hpp"
#include "gateway/http/server_counters.hpp"

namespace weft::gateway {

struct Core {
    explicit Core(const ServerSettings& settings);

    const Limits limits;
    const AccessHook on_access;
    TlsKeeper tls;
    ServerCounters counters;
    std::atomic<bool> draining{false};

    [[nodiscard]] std::string next_request_id();
    /// The client's, if it is one; else the next one.
    [[nodiscard]] std::string request_id(const Headers& headers);

    /// For the access log. Any thread.
    void record(const Request& request, std::string_view request_id, unsigned status,
                std::uint64_t bytes, std::chrono::microseconds took) const;

    /// For stop(): the number of connections has changed.
    std::mutex open_mutex;
    std::condition_variable open_changed;

private:
    std::string id_prefix_;
    std::atomic<std::uint64_t> ids_{0};
};

/// What one port serves.
struct Site {
    std::string address;
    Router router;
    bool tls = false;
};

/// One open connection, as it is counted; goes with the connection from HTTP to WebSocket.
class OpenSlot {
public:
    OpenSlot(std::shared_ptr<Core> core, Loop& loop) : core_(std::move(core)), loop_(&loop) {
        ++core_->counters[Count::connections_open];
        ++loop_->load();
    }
    ~OpenSlot() {
        if (!core_) return;
        --loop_->load();
        {
            // Under the lock, so that stop() cannot miss it between its look and its wait.
            const std::lock_guard lock(core_->open_mutex);
            --core_->counters[Count::connections_open];
        }
        core_->open_changed.notify_all();
    }
    OpenSlot(OpenSlot&&) noexcept = default;
    OpenSlot& operator=(OpenSlot&&) = delete;

private:
    std::shared_ptr<Core> core_;
    Loop* loop_;
};

/// One request on its way through a handler; shared by its connection and its exchange.
/// Threads: what is not const by any thread.
struct Turn {
    Turn(std::shared_ptr<Core> core_of, Request request_of, SteadyTime begin_at);
    ~Turn();
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

    const std::shared_ptr<Core> core;
    const Request request;
    const SteadyTime begin;
    const std::uint64_t body_bytes;
    OnceHook gone;
    DirectAnswer direct;
};

}  // namespace weft::gateway

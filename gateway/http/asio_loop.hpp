#pragma once
// One io thread and the connections that belong to it for good. No strands are needed: whatever
// touches a connection runs here. A clock hand passes over all connections a few times a second
// instead of a timer each: 20,000 comparisons cost less than 20,000 timers.
// Threads: as each part says.

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_set>
#include <vector>

#include "gateway/http/asio.hpp"
#include "gateway/http/exchange.hpp"
#include "gateway/http/server_counters.hpp"

namespace weft::gateway {

/// Reaches the io thread as long as it is there; what outlives the server keeps only this.
/// Threads: any.
class LoopHandle {
public:
    explicit LoopHandle(asio::io_context& context) : context_(&context) {}

    /// Runs `work` on the io thread, later. False: it is gone, and `work` is untouched.
    template <typename Work>
    bool post(Work&& work) {
        const std::lock_guard lock(mutex_);
        if (context_ == nullptr) return false;
        asio::post(*context_, std::forward<Work>(work));
        return true;
    }
    /// At once if this is the io thread, else later. False as post().
    template <typename Work>
    bool run(Work&& work) {
        if (!is_here()) return post(std::forward<Work>(work));
        work();
        return true;
    }
    [[nodiscard]] bool is_here() const { return thread_.load() == std::this_thread::get_id(); }
    void runs_here() { thread_ = std::this_thread::get_id(); }
    void close() {
        const std::lock_guard lock(mutex_);
        context_ = nullptr;
    }

private:
    std::mutex mutex_;
    asio::io_context* context_;
    std::atomic<std::thread::id> thread_{};
};

/// A connection of whatever kind. All of it is called on the io thread.
class LoopMember {
public:
    virtual ~LoopMember() = default;
    /// Time passes; checks its deadline.
    virtual void tick(SteadyTime now) = 0;
    /// The server stops: closes if nothing is under way, else after the answer.
    virtual void drain() = 0;
    /// Ends what is under way, with a last word.
    virtual void end() = 0;
    virtual void abort() = 0;
};

class Loop {
public:
    Loop(ServerCounters& counters, std::chrono::milliseconds tick_every);
    ~Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    void start();
    /// The thread has ended after it; nothing posted runs any more. Any other thread.
    void stop();

    asio::io_context& context() noexcept { return context_; }
    [[nodiscard]] const std::shared_ptr<LoopHandle>& handle() const noexcept { return handle_; }
    /// Connections, those on their way to this thread included; any thread.
    std::atomic<std::size_t>& load() noexcept { return load_; }

    // On the io thread alone:
    void add(std::shared_ptr<LoopMember> member) { members_.insert(std::move(member)); }
    void remove(const std::shared_ptr<LoopMember>& member) { members_.erase(member); }
    [[nodiscard]] std::vector<std::shared_ptr<LoopMember>> members() const {
        return {members_.begin(), members_.end()};
    }
    /// Where long reads go before it is known how many bytes there are: an idle connection has no
    /// large buffer.
    asio::mutable_buffer scratch() noexcept { return asio::buffer(scratch_); }
    [[nodiscard]] SteadyTime now() const { return std::chrono::steady_clock::now(); }

private:
    void run();
    void await_work();
    void await_tick();

    ServerCounters& counters_;
    std::chrono::milliseconds tick_every_;
    std::atomic<std::size_t> load_{0};
    asio::io_context context_{1};  ///< What waits in it may touch what stands above.
    std::shared_ptr<LoopHandle> handle_ = std::make_shared<LoopHandle>(context_);
    asio::steady_timer ticker_{context_};
    std::unordered_set<std::shared_ptr<LoopMember>> members_;
    std::vector<char> scratch_ = std::vector<char>(std::size_t{16} << 10U);
    std::thread thread_;
    bool is_busy_ = false;  ///< The last pause was short.
};

/// Timers over several loops, in turn. Threads: any.
class LoopTimers : public Timers {
public:
    explicit LoopTimers(const std::vector<std::unique_ptr<Loop>>& loops) : loops_(loops) {}
    void run(std::chrono::milliseconds after, std::function<void()> work) override;
    void post(std::function<void()> work) override;

private:
    Loop& next() { return *loops_[turn_++ % loops_.size()]; }
    const std::vector<std::unique_ptr<Loop>>& loops_;
    std::atomic<std::size_t> turn_{0};
};

}  // namespace weft::gateway

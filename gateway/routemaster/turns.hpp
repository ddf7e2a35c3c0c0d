#pragma once
// Work that changes the same things, one piece at a time, though each may end later and in another
// thread. Threads: any. Limits: waiting_max; beyond it the caller is told.

#include <atomic>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>

namespace weft::gateway::routemaster {

class Turns {
public:
    static constexpr std::size_t waiting_max = 1024;

    using End = std::function<void()>;
    /// Calls its argument once, when it is through: from then on the next may begin.
    using Turn = std::function<void(End)>;

    /// False: too many wait; the turn is dropped. Runs it at once if nothing else is under way.
    [[nodiscard]] bool take(Turn turn) {
        {
            const std::scoped_lock lock(mutex_);
            if (waiting_.size() >= waiting_max) return false;
            waiting_.push_back(std::move(turn));
            if (std::exchange(busy_, true)) return true;
        }
        run();
        return true;
    }

private:
    /// A loop rather than a call from end to end: a thousand turns that end at once are no deep
    /// stack.
    void run() {
        while (true) {
            Turn turn;
            {
                const std::scoped_lock lock(mutex_);
                if (waiting_.empty()) {
                    busy_ = false;
                    return;
                }
                turn = std::move(waiting_.front());
                waiting_.pop_front();
            }
            const auto second = std::make_shared<std::atomic<bool>>(false);
            turn([this, second] {
                if (second->exchange(true)) run();
            });
            if (!second->exchange(true)) return;
        }
    }

    std::mutex mutex_;
    std::deque<Turn> waiting_;
    bool busy_ = false;
};

}  // namespace weft::gateway::routemaster

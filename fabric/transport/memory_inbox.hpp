#pragma once
// A bounded queue into one port of the in-process transport, with the wake-up that wait() needs.
// Threads: every function from any.

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <string>
#include <utility>

namespace weft::fabric {

struct StoredMessage {
    std::string topic, contents, proof;
    std::string from{};  // endpoint
};

/// A queue into one port, with the wake-up that wait() needs.
template <typename Item>
class Inbox {
public:
    bool push(Item item, std::size_t limit) {
        const std::scoped_lock lock(mutex_);
        if (items_.size() >= limit) return false;
        items_.push_back(std::move(item));
        changed_.notify_one();
        return true;
    }
    bool pop(Item& item) {
        const std::scoped_lock lock(mutex_);
        if (items_.empty()) return false;
        item = std::move(items_.front());
        items_.pop_front();
        return true;
    }
    template <typename Which>
    void drop(Which which) {
        const std::scoped_lock lock(mutex_);
        std::erase_if(items_, which);
    }
    void wait(std::chrono::milliseconds timeout) {
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, timeout, [this] { return woken_ || !items_.empty(); });
        woken_ = false;
    }
    void wake() {
        const std::scoped_lock lock(mutex_);
        woken_ = true;
        changed_.notify_one();
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Item> items_;
    bool woken_ = false;
};

}  // namespace weft::fabric

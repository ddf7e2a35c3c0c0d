#pragma once
// Timers of a server that is not there yet: handlers need them, and the server needs its handlers.
// Threads: any. Until use() work is kept; afterwards it goes on. Ownership: what use() names must
// outlive every call after it, or be taken away by use(nullptr).

#include <chrono>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

#include "gateway/http/exchange.hpp"

namespace weft::gateway {

class LateTimers final : public Timers {
public:
    void run(std::chrono::milliseconds after, std::function<void()> work) override {
        const std::scoped_lock lock(mutex_);
        if (timers_ != nullptr) return timers_->run(after, std::move(work));
        if (!used_) kept_.emplace_back(after, std::move(work));
    }
    void post(std::function<void()> work) override {
        run(std::chrono::milliseconds{0}, std::move(work));
    }
    void use(Timers* timers) {
        const std::scoped_lock lock(mutex_);
        timers_ = timers;
        used_ = true;
        for (auto& [after, work] : std::exchange(kept_, {})) {
            if (timers_ != nullptr) timers_->run(after, std::move(work));
        }
    }

private:
    std::mutex mutex_;
    Timers* timers_ = nullptr;
    bool used_ = false;
    std::vector<std::pair<std::chrono::milliseconds, std::function<void()>>> kept_;
};

}  // namespace weft::gateway

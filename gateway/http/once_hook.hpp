#pragma once
// Something that happens at most once, and whoever wants to be told. Threads: any.

#include <functional>
#include <mutex>
#include <utility>

namespace weft::gateway {

class OnceHook {
public:
    /// `hook` runs on the thread that calls happen(). False: it has happened, `hook` is untouched.
    [[nodiscard]] bool tell(std::function<void()>& hook) {
        const std::lock_guard lock(mutex_);
        if (happened_) return false;
        if (over_) return true;
        hook_ = std::move(hook);
        return true;
    }
    /// True the first time; the hook has run then.
    bool happen() {
        std::function<void()> hook;
        {
            const std::lock_guard lock(mutex_);
            if (std::exchange(happened_, true)) return false;
            hook = std::exchange(hook_, nullptr);
        }
        if (hook) hook();
        return true;
    }
    [[nodiscard]] bool happened() const {
        const std::lock_guard lock(mutex_);
        return happened_;
    }
    /// It will not happen any more: hooks are let go, since they may keep alive what keeps this.
    void forget() {
        std::function<void()> hook;
        const std::lock_guard lock(mutex_);
        over_ = true;
        hook = std::exchange(hook_, nullptr);
    }

private:
    mutable std::mutex mutex_;
    bool happened_ = false;
    bool over_ = false;
    std::function<void()> hook_;
};

}  // namespace weft::gateway

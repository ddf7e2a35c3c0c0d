#include "reliability/journal/head_watchers.hpp"

#include <atomic>
#include <thread>
#include <utility>

namespace weft::reliability {

struct HeadWatchers::Watcher {
    explicit Watcher(Journal::OnHead given) : on_head(std::move(given)) {}

    void call(JournalId head) {
        const std::scoped_lock lock(calling);
        if (gone) return;
        caller = std::this_thread::get_id();
        on_head(head);
        caller = std::thread::id{};
    }
    void leave() {
        gone = true;
        // From inside of the callback: it is the last call.
        if (caller.load() == std::this_thread::get_id()) return;
        const std::scoped_lock lock(calling);
    }

    Journal::OnHead on_head;
    std::mutex calling;
    std::atomic<bool> gone = false;
    std::atomic<std::thread::id> caller{};
};

JournalId HeadWatchers::head() const {
    const std::scoped_lock lock(mutex_);
    return head_;
}

JournalId HeadWatchers::wait(JournalId after, std::chrono::milliseconds timeout) {
    std::unique_lock lock(mutex_);
    // Who only asks does not go to sleep for nothing: that is a call of the system.
    if (timeout > std::chrono::milliseconds{0}) {
        moved_.wait_for(lock, timeout, [&] { return head_ > after || closed_; });
    }
    return head_;
}

std::shared_ptr<void> HeadWatchers::watch(Journal::OnHead on_head) {
    auto watcher = std::make_shared<Watcher>(std::move(on_head));
    {
        const std::scoped_lock lock(mutex_);
        std::erase_if(watchers_, [](const auto& one) { return one.expired(); });
        watchers_.push_back(watcher);
    }
    struct Handle {
        explicit Handle(std::shared_ptr<Watcher> given) : watcher(std::move(given)) {}
        ~Handle() { watcher->leave(); }
        Handle(const Handle&) = delete;
        Handle& operator=(const Handle&) = delete;
        std::shared_ptr<Watcher> watcher;
    };
    return std::make_shared<Handle>(std::move(watcher));
}

void HeadWatchers::moved(JournalId head) {
    const std::scoped_lock lock(mutex_);
    head_ = head;
    moved_.notify_all();
}

void HeadWatchers::call(JournalId head) {
    std::vector<std::weak_ptr<Watcher>> watchers;
    {
        const std::scoped_lock lock(mutex_);
        if (closed_) return;
        watchers = watchers_;
    }
    for (const auto& weak : watchers) {
        if (const auto watcher = weak.lock()) watcher->call(head);
    }
}

void HeadWatchers::close() {
    const std::scoped_lock lock(mutex_);
    closed_ = true;
    moved_.notify_all();
}

}  // namespace weft::reliability

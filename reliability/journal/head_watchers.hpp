#pragma once
// Who wants to know that the head has moved: threads that wait, and callbacks.
// Threads:   moved() by one thread; everything else by any.
// Ownership: a handle may outlive the watchers.

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

#include "reliability/journal/journal.hpp"

namespace weft::reliability {

class HeadWatchers {
public:
    explicit HeadWatchers(JournalId head) : head_(head) {}

    [[nodiscard]] JournalId head() const;
    /// Waits until the head is beyond `after`, close(), or `timeout`; the head.
    [[nodiscard]] JournalId wait(JournalId after, std::chrono::milliseconds timeout);
    /// Once the handle is gone no call is under way any more, except the one that let it go.
    [[nodiscard]] std::shared_ptr<void> watch(Journal::OnHead on_head);

    void moved(JournalId head);  ///< Wakes who waits.
    void call(JournalId head);   ///< Calls back, in this thread.
    void close();                ///< Nobody waits any longer, nor is called.

private:
    struct Watcher;

    mutable std::mutex mutex_;
    std::condition_variable moved_;
    JournalId head_;
    bool closed_ = false;
    std::vector<std::weak_ptr<Watcher>> watchers_;
};

}  // namespace weft::reliability

#pragma once
// A few threads and what waits for them, first come first served. A long piece of work does a part
// of it and goes to the back of the queue again.
//
// Threads: post() from any thread; jobs run in a thread of this object. stop() not from a job.
// Limits:  `waiting_max` jobs wait; beyond, post() says no.
// Stop:    what waits is called with Turn::stopped, by the thread that stops.

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace weft::gateway {

class Workers {
public:
    struct Turn {
        std::size_t worker = 0;  ///< Below `threads`: for what belongs to one thread.
        bool stopped = false;    ///< Answer, and do nothing else.
    };
    using Job = std::function<void(Turn)>;  ///< Must not throw.

    Workers(std::size_t threads, std::size_t waiting_max);
    ~Workers();
    Workers(const Workers&) = delete;
    Workers& operator=(const Workers&) = delete;

    /// False: too many wait, or stopped; the job is dropped and never called.
    [[nodiscard]] bool post(Job job);
    /// From within a job: its next part, whatever waits. Called with `stopped` if it is too late.
    void post_again(Job job);
    /// Returns once no job runs any more.
    void stop();

private:
    void run(std::size_t worker);

    const std::size_t waiting_max_;
    std::mutex mutex_;  // guards what follows
    std::condition_variable changed_;
    std::deque<Job> waiting_;
    bool stopping_ = false;

    std::mutex joining_;
    std::vector<std::thread> threads_;  // last: they use everything above
};

}  // namespace weft::gateway

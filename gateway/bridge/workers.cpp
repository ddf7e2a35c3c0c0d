#include "gateway/bridge/workers.hpp"

#include <utility>

namespace weft::gateway {

Workers::Workers(std::size_t threads, std::size_t waiting_max) : waiting_max_(waiting_max) {
    for (std::size_t worker = 0; worker < threads; ++worker) {
        threads_.emplace_back([this, worker] { run(worker); });
    }
}

Workers::~Workers() {
    stop();
}

bool Workers::post(Job job) {
    const std::scoped_lock lock(mutex_);
    if (stopping_ || waiting_.size() >= waiting_max_) return false;
    waiting_.push_back(std::move(job));
    changed_.notify_one();
    return true;
}

void Workers::post_again(Job job) {
    {
        const std::scoped_lock lock(mutex_);
        if (!stopping_) {
            waiting_.push_back(std::move(job));
            changed_.notify_one();
            return;
        }
    }
    job({0, true});
}

void Workers::run(std::size_t worker) {
    while (true) {
        Job job;
        {
            std::unique_lock lock(mutex_);
            changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
            if (stopping_) return;
            job = std::move(waiting_.front());
            waiting_.pop_front();
        }
        job({worker, false});
    }
}

void Workers::stop() {
    {
        const std::scoped_lock lock(mutex_);
        stopping_ = true;
        changed_.notify_all();
    }
    // Two threads may stop at once; both return when the workers are gone.
    const std::scoped_lock lock(joining_);
    for (std::thread& thread : threads_) {
        if (thread.joinable()) thread.join();
    }
    std::deque<Job> left;
    {
        const std::scoped_lock guard(mutex_);
        left.swap(waiting_);
    }
    for (Job& job : left) job({0, true});
}

}  // namespace weft::gateway

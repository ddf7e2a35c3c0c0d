#pragma once
// Threads that publish durably at full speed, a batch after the other, and write down what was
// acknowledged.
// Threads: pause() and go_on() by one. Ownership: ledger and publisher must outlive it.

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

#include "reliability/reliable_publisher.hpp"
#include "tests/fault/journal_storm/ledger.hpp"

namespace weft::fault {

class Publishers {
public:
    struct Options {
        std::uint64_t seed = 1, threads = 8, batch = 16;
    };
    Publishers(reliability::ReliablePublisher& publisher, Ledger& ledger, const Options& options);
    ~Publishers();
    Publishers(const Publishers&) = delete;
    Publishers& operator=(const Publishers&) = delete;

    /// Returns once every batch that is under way has ended.
    void pause();
    void go_on();
    [[nodiscard]] std::uint64_t not_acknowledged() const noexcept { return not_acknowledged_; }

private:
    void publish_all(std::uint64_t publisher);
    void publish_batch(std::uint64_t publisher, std::uint64_t batch);
    /// False: it is over.
    bool may_go_on();

    reliability::ReliablePublisher& publisher_;
    Ledger& ledger_;
    const Options options_;
    std::atomic<std::uint64_t> not_acknowledged_{0};

    std::mutex mutex_;  // guards what follows
    std::condition_variable changed_;
    bool paused_ = false, over_ = false;
    std::uint64_t standing_ = 0;
    std::vector<std::jthread> threads_;  // last: they use all of the above
};

}  // namespace weft::fault

#pragma once
// Whether messages can get into our journal and out of it, looked at again and again: what was
// wrong and is not any more is forgotten.
// Threads:   one, which looks four times a second and follows a renewed certificate; every function
//            from any.
// Ownership: what it looks at outlives it.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

#include "fabric/fabric.hpp"
#include "gateway/bridge/journal_host.hpp"
#include "reliability/reliable_publisher.hpp"

namespace weft::gateway {

class BridgeHealth {
public:
    BridgeHealth(fabric::Fabric& fabric, JournalHost& host,
                 reliability::ReliablePublisher& reliable);
    ~BridgeHealth();
    BridgeHealth(const BridgeHealth&) = delete;
    BridgeHealth& operator=(const BridgeHealth&) = delete;

    /// "" or why nothing can be stored durably or read.
    [[nodiscard]] std::string sentence() const;
    [[nodiscard]] bool wait_ready(std::chrono::milliseconds timeout) const;
    /// As it was at the last look; cheap. `link_sentence()` says what it means.
    [[nodiscard]] bool linked() const noexcept { return linked_.load(std::memory_order_acquire); }
    [[nodiscard]] std::string link_sentence() const;
    /// ACKs of others reach us.
    [[nodiscard]] bool hears_acks() const noexcept {
        return hears_acks_.load(std::memory_order_acquire);
    }
    /// As it was at the last look.
    [[nodiscard]] reliability::JournalInfo journal() const;
    void stop();

private:
    void run(const std::stop_token& stop);
    void look();
    template <class Listener>
    [[nodiscard]] fabric::ReadyResult probe(Listener& listener) const;
    [[nodiscard]] bool reached(const fabric::ReadyResult& result) const;

    fabric::Fabric& fabric_;
    fabric::Publisher& publisher_;
    JournalHost& host_;
    reliability::ReliablePublisher& reliable_;
    std::atomic<bool> linked_{true}, hears_acks_{false};
    // Of the thread alone.
    bool hears_ = false;
    int unheard_ = 0, looks_ = 0;

    mutable std::mutex mutex_;  // guards what follows
    mutable std::condition_variable_any changed_;
    bool looked_ = false;
    std::string sentence_;
    reliability::JournalInfo journal_;

    std::jthread thread_;  // last: it uses everything above
};

}  // namespace weft::gateway

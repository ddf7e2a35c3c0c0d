#pragma once
// Threads that do what was asked, and where their results gather.
// Threads: give() and take() from the service's thread.

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "reliability/ack/request.hpp"
#include "reliability/service/operations.hpp"

namespace weft::reliability {

/// A request as it waits for its turn. `content` holds what `asked` views.
struct ServiceJob {
    std::string peer;
    Nonce nonce{};
    const OperationEntry* operation = nullptr;
    std::shared_ptr<const std::string> content;
    Asked asked;
};

struct ServiceResult {
    std::string peer;
    Nonce nonce{};
    std::optional<OperationResult> result;  ///< Nothing yet: it was set aside.
    bool ends_turn = true;                  ///< False: it had been set aside.
};

class ServiceWorkers {
public:
    /// `wake` is called when a result has come; by any thread, until stop(). The trust may be null.
    ServiceWorkers(std::size_t threads, Journal& journal, const fabric::Clock& clock,
                   std::string ack_root, std::shared_ptr<signing::TrustStore> trust,
                   std::function<void()> wake);
    ~ServiceWorkers();
    ServiceWorkers(const ServiceWorkers&) = delete;
    ServiceWorkers& operator=(const ServiceWorkers&) = delete;

    /// True if giving a job would not make it wait behind many others.
    [[nodiscard]] bool has_room() const;
    void give(ServiceJob job);
    [[nodiscard]] std::vector<ServiceResult> take();
    /// Lets what is at work end; afterwards nothing is woken. What still comes is thrown away.
    void stop();

private:
    /// Outlives the workers: a journal may answer an append after they are gone.
    struct Results {
        std::mutex mutex;
        std::vector<ServiceResult> ready;
        std::function<void()> wake;
    };
    void run();

    Journal& journal_;
    const fabric::Clock& clock_;
    const std::string ack_root_;
    const std::shared_ptr<signing::TrustStore> trust_;
    const std::shared_ptr<Submissions> submissions_;
    const std::shared_ptr<Results> results_ = std::make_shared<Results>();
    mutable std::mutex mutex_;  // guards what follows
    std::condition_variable changed_;
    std::deque<ServiceJob> jobs_;
    bool stopping_ = false;
    std::vector<std::thread> threads_;  // last
};

}  // namespace weft::reliability

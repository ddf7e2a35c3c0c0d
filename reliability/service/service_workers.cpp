#include "reliability/service/service_workers.hpp"

#include <utility>

#include "reliability/service/submission.hpp"

namespace weft::reliability {

ServiceWorkers::ServiceWorkers(std::size_t threads, Journal& journal, const fabric::Clock& clock,
                               std::string ack_root, std::shared_ptr<signing::TrustStore> trust,
                               std::function<void()> wake)
    : journal_(journal),
      clock_(clock),
      ack_root_(std::move(ack_root)),
      trust_(std::move(trust)),
      submissions_(std::make_shared<Submissions>()) {
    results_->wake = std::move(wake);
    for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
}

ServiceWorkers::~ServiceWorkers() {
    stop();
}

bool ServiceWorkers::has_room() const {
    const std::scoped_lock lock(mutex_);
    return jobs_.size() < threads_.size();
}

void ServiceWorkers::give(ServiceJob job) {
    const std::scoped_lock lock(mutex_);
    jobs_.push_back(std::move(job));
    changed_.notify_one();
}

std::vector<ServiceResult> ServiceWorkers::take() {
    const std::scoped_lock lock(results_->mutex);
    return std::exchange(results_->ready, {});
}

void ServiceWorkers::stop() {
    {
        const std::scoped_lock lock(mutex_);
        stopping_ = true;
        changed_.notify_all();
    }
    for (std::thread& thread : threads_) {
        if (thread.joinable()) thread.join();
    }
    const std::scoped_lock lock(results_->mutex);
    results_->wake = nullptr;
}

void ServiceWorkers::run() {
    // Its own caches: a verifier belongs to one thread. Without trust nothing is submitted, since
    // nobody is allowed to.
    signing::Verifier records(
        trust_, trust_ ? signing::Verifier::Mode::validate : signing::Verifier::Mode::integrity);
    OperationContext context{journal_, clock_, ack_root_, records, submissions_};
    while (true) {
        ServiceJob job;
        {
            std::unique_lock lock(mutex_);
            changed_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
            if (stopping_) return;
            job = std::move(jobs_.front());
            jobs_.pop_front();
        }
        const auto in_turn = std::make_shared<bool>(true);  // guarded by the results' mutex
        const auto put = [results = results_, peer = job.peer, nonce = job.nonce,
                          in_turn](std::optional<OperationResult> result) {
            const std::scoped_lock lock(results->mutex);
            if (!results->wake) return;
            const bool ends_turn = std::exchange(*in_turn, false);
            results->ready.push_back({peer, nonce, std::move(result), ends_turn});
            results->wake();
        };
        job.asked.set_aside = [put] { put(std::nullopt); };
        const Reply reply = [put](OperationResult result) { put(std::move(result)); };
        job.operation->handle(std::move(job.asked), context, reply);
    }
}

}  // namespace weft::reliability

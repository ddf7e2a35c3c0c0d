#include "reliability/hub/exec_handler.hpp"

#include <cassert>
#include <utility>

#include "reliability/hub/exec_worker.hpp"

namespace weft::reliability::hub {
namespace {

class ExecHandler final : public Handler {
public:
    explicit ExecHandler(std::shared_ptr<ExecWorker> worker) : worker_(std::move(worker)) {}

    Verdict handle(const fabric::Message& message, unsigned attempt) override {
        return worker_->handle(message, attempt);
    }
    void give_up() override { worker_->give_up(); }

private:
    std::shared_ptr<ExecWorker> worker_;
};

}  // namespace

ExecHost::ExecHost(ConsumerSettings settings, Surroundings& surroundings)
    : settings_(std::move(settings)),
      surroundings_(surroundings),
      errors_(std::make_shared<ErrorLog>(surroundings, settings_.name)) {
    assert(!settings_.exec.empty());
}

ExecHost::~ExecHost() {
    stop(std::chrono::milliseconds{0});
}

std::shared_ptr<ExecWorker> ExecHost::new_worker() {
    auto worker = std::make_shared<ExecWorker>(settings_, surroundings_, errors_);
    const std::scoped_lock lock(mutex_);
    workers_.push_back(worker);
    return worker;
}

tl::expected<void, std::string> ExecHost::start() {
    if (first_) return {};
    auto worker = new_worker();
    if (auto started = worker->start(); !started) return started;
    first_ = std::move(worker);
    return {};
}

std::unique_ptr<Handler> ExecHost::make() {
    auto worker = first_ ? std::exchange(first_, nullptr) : new_worker();
    return std::make_unique<ExecHandler>(std::move(worker));
}

void ExecHost::stop(std::chrono::milliseconds patience) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    std::vector<std::shared_ptr<ExecWorker>> workers;
    {
        const std::scoped_lock lock(mutex_);
        workers.swap(workers_);
    }
    first_.reset();
    for (const auto& worker : workers) worker->give_up();
    for (const auto& worker : workers) worker->begin_stop(deadline);
    for (const auto& worker : workers) worker->end_stop(deadline);
}

std::string ExecHost::details() const {
    std::string pids;
    std::size_t count = 0;
    const std::scoped_lock lock(mutex_);
    for (const auto& worker : workers_) {
        const pid_t pid = worker->pid();
        if (pid == 0) continue;
        pids += (count++ == 0 ? "" : ", ") + std::to_string(pid);
    }
    if (count == 0) return {};
    return (count == 1 ? "pid " : "pids ") + pids;
}

}  // namespace weft::reliability::hub

#include "reliability/hub/isolated_plugin.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <utility>
#include <vector>

#include "reliability/hub/isolated_process.hpp"
#include "reliability/hub/plugin_handler.hpp"

namespace weft::reliability::hub {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using Instant = steady_clock::time_point;
using Process = std::shared_ptr<IsolatedProcess>;
using Waited = IsolatedProcess::Waited;

/// The processes of one consumer. Any thread.
class Fleet {
public:
    Fleet(ConsumerSettings settings, Surroundings& surroundings, std::string program)
        : settings_(std::move(settings)),
          surroundings_(surroundings),
          program_(std::move(program)) {}

    [[nodiscard]] const ConsumerSettings& settings() const noexcept { return settings_; }

    tl::expected<Process, std::string> launch() {
        const std::scoped_lock lock(mutex_);
        if (stopped_) return tl::make_unexpected("the consumer has been stopped");
        std::erase_if(processes_, [](const Process& process) { return process->is_concluded(); });
        auto made = IsolatedProcess::start(settings_, surroundings_, program_);
        if (!made) return tl::make_unexpected(std::move(made).error());
        return processes_.emplace_back(*std::move(made));
    }
    void warn(const std::string& line) {
        surroundings_.log(Surroundings::Level::warning, settings_.name, line);
    }
    void stop(milliseconds patience) {
        std::vector<Process> processes;
        {
            const std::scoped_lock lock(mutex_);
            stopped_ = true;
            processes = std::exchange(processes_, {});
        }
        const Instant deadline = steady_clock::now() + patience;
        for (const Process& process : processes) process->ask_to_stop();
        for (const Process& process : processes) {
            if (process->wait_end(deadline)) continue;
            warn("its process " + std::to_string(process->pid()) + " has not stopped after " +
                 std::to_string(patience.count()) + " ms and is killed");
            process->kill("the hub's patience with its stop() ended");
        }
    }
    [[nodiscard]] std::string details() const {
        const std::scoped_lock lock(mutex_);
        std::string text;
        for (const Process& process : processes_) {
            if (process->has_ended()) continue;
            text += (text.empty() ? "pid " : ", ") + std::to_string(process->pid());
        }
        return text;
    }

private:
    const ConsumerSettings settings_;
    Surroundings& surroundings_;
    const std::string program_;
    mutable std::mutex mutex_;
    std::vector<Process> processes_;
    bool stopped_ = false;
};

class IsolatedHandler final : public Handler {
public:
    /// `process`: one that has been started already, or null.
    IsolatedHandler(std::shared_ptr<Fleet> fleet, Process process)
        : fleet_(std::move(fleet)), process_(std::move(process)) {}

    Verdict handle(const fabric::Message& message, unsigned attempt) override {
        const Instant deadline = steady_clock::now() + fleet_->settings().timeout;
        if (auto without = ready_process(deadline)) return *std::move(without);
        Verdict verdict = process_->handle(message, attempt, deadline);
        // What was given up has said so already, and is nobody's failure.
        if (process_->has_ended()) {
            forget_process();
        } else {
            failures_ = 0;
        }
        return verdict;
    }

    void give_up() override {
        const std::scoped_lock lock(mutex_);
        given_up_ = true;
        changed_.notify_all();
        if (process_ != nullptr) process_->interrupt();
    }

private:
    /// Nothing once there is a process that waits for a message; else the verdict without one.
    std::optional<Verdict> ready_process(Instant deadline) {
        for (;;) {
            if (process_ != nullptr && process_->has_ended()) forget_process();
            if (process_ == nullptr) {
                if (!pause(std::min(deadline, not_before_))) return left();
                if (steady_clock::now() >= deadline) return unready();
                if (!launch()) continue;
            }
            switch (process_->wait_ready(deadline)) {
                case Waited::ready:
                    return std::nullopt;
                case Waited::interrupted:
                    return left();
                case Waited::too_late:
                    problem_ = "its process is not ready yet";
                    return unready();
                case Waited::ended:
                    break;
            }
            fleet_->warn(process_->problem());
        }
    }

    /// False once it was given up.
    bool pause(Instant until) {
        std::unique_lock lock(mutex_);
        return !changed_.wait_until(lock, until, [&] { return given_up_; });
    }

    bool launch() {
        auto made = fleet_->launch();
        if (!made) {
            problem_ = made.error();
            fleet_->warn(problem_);
            count_failure();
            return false;
        }
        const std::scoped_lock lock(mutex_);
        process_ = *std::move(made);
        if (given_up_) process_->interrupt();
        return true;
    }

    void forget_process() {
        Process gone;
        {
            const std::scoped_lock lock(mutex_);
            gone = std::exchange(process_, nullptr);
        }
        problem_ = gone->problem();
        count_failure();
    }
    void count_failure() {
        ++failures_;
        not_before_ = steady_clock::now() + restart_pause(failures_);
    }

    static Verdict left() { return {Verdict::Is::left, "it was given up"}; }
    [[nodiscard]] Verdict unready() const {
        return {Verdict::Is::retry, "the plugin was not ready within timeout: " +
                                        std::to_string(fleet_->settings().timeout.count()) +
                                        " ms: " + problem_};
    }

    const std::shared_ptr<Fleet> fleet_;
    unsigned failures_ = 0;  ///< In a row. This and the next two: the worker's thread alone.
    Instant not_before_{};
    std::string problem_;

    std::mutex mutex_;  ///< Of given_up_, and of process_ where give_up() meets the worker.
    std::condition_variable changed_;
    bool given_up_ = false;
    Process process_;
};

class Isolated final : public HandlerHost {
public:
    Isolated(const ConsumerSettings& settings, Surroundings& surroundings,
             const std::string& program)
        : fleet_(std::make_shared<Fleet>(settings, surroundings, program)) {}
    ~Isolated() override { fleet_->stop(milliseconds{0}); }
    Isolated(const Isolated&) = delete;
    Isolated& operator=(const Isolated&) = delete;

    tl::expected<void, std::string> start() override {
        auto made = fleet_->launch();
        if (!made) return tl::make_unexpected(std::move(made).error());
        const Process process = *std::move(made);
        // Until it is ready or has ended, which it does at a deadline of its own.
        while (process->wait_ready(steady_clock::now() + std::chrono::hours{1}) ==
               Waited::too_late) {
        }
        if (process->has_ended()) {
            const std::string problem = process->problem();
            const bool named = problem.starts_with("its process");
            return tl::make_unexpected(named ? "'" + fleet_->settings().plugin.string() +
                                                   "': " + problem + " before start() had returned"
                                             : problem);
        }
        first_ = process;
        return {};
    }
    std::unique_ptr<Handler> make() override {
        return std::make_unique<IsolatedHandler>(fleet_, std::exchange(first_, nullptr));
    }
    void stop(milliseconds patience) override {
        first_ = nullptr;
        fleet_->stop(patience);
    }
    [[nodiscard]] bool keeps_timeout() const override { return true; }
    [[nodiscard]] std::string details() const override { return fleet_->details(); }

private:
    std::shared_ptr<Fleet> fleet_;
    Process first_;  ///< Of start(), for the first worker.
};

}  // namespace

milliseconds restart_pause(unsigned failures) noexcept {
    if (failures == 0) return milliseconds{0};
    // 2^7 times the first pause is beyond the longest.
    const unsigned doublings = std::min(failures - 1, 7U);
    return std::min(restart_pause_first * (1U << doublings), restart_pause_max);
}

std::unique_ptr<HandlerHost> make_isolated_plugin(const ConsumerSettings& settings,
                                                  Surroundings& surroundings,
                                                  const std::string& program) {
    return std::make_unique<Isolated>(settings, surroundings, program);
}

std::unique_ptr<HandlerHost> make_plugin_host(const ConsumerSettings& settings,
                                              Surroundings& surroundings,
                                              const std::string& program) {
    if (settings.isolate) return make_isolated_plugin(settings, surroundings, program);
    return make_plugin_in_process(settings, surroundings);
}

}  // namespace weft::reliability::hub

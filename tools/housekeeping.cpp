#include "tools/housekeeping.hpp"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "fabric/fabric.hpp"

namespace weft::tools {
namespace {

constexpr std::chrono::milliseconds between_looks{250};

config::Watch::Apply apply_to(fabric::Fabric& fabric) {
    return [&fabric](const config::Configuration& configuration) {
        auto reloaded = fabric.reload(configuration);
        return reloaded ? std::vector<std::string>{} : std::move(reloaded.error());
    };
}

}  // namespace

Housekeeping::Housekeeping(Context& context, StopSignal& stop, Hooks hooks)
    : context_(context),
      stop_(stop),
      hooks_(std::move(hooks)),
      watch_(context.watch()),
      thread_([this](const std::stop_token& token) { run(token); }) {}

Housekeeping::Housekeeping(Context& context, StopSignal& stop, fabric::Fabric& fabric,
                           std::function<void()> on_stop)
    : Housekeeping(context, stop, Hooks{apply_to(fabric), std::move(on_stop)}) {}

void Housekeeping::look() {
    const bool asked = stop_.take_reload();
    if (asked && hooks_.on_hangup) hooks_.on_hangup();
    const auto outcome = watch_.look(asked, [this](const config::Configuration& configuration) {
        auto problems = hooks_.apply(configuration);
        if (problems.empty()) context_.follow_log_level(configuration);
        return problems;
    });
    if (outcome.applied) Context::info("configuration reloaded: what has changed is in force");
    for (const std::string& problem : outcome.problems) {
        Context::warn("configuration not reloaded, the old one stays in force: " + problem);
    }
}

void Housekeeping::run(const std::stop_token& token) {
    std::mutex mutex;
    std::condition_variable_any tick;
    std::unique_lock lock(mutex);
    while (!tick.wait_for(lock, token, between_looks, [&] { return token.stop_requested(); })) {
        look();
        if (!stop_.requested() || std::exchange(stop_seen_, true)) continue;
        if (hooks_.on_stop) hooks_.on_stop();
    }
}

}  // namespace weft::tools

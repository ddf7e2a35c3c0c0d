#pragma once
// A plugin with `isolate: true`: each worker has a process of its own, with an object of the plugin
// in it. What the plugin does there harms nobody else: a crash or a hang costs the message an
// attempt, and the next message a new process.
//
// Threads:   as HandlerHost says. Ownership: refers to `surroundings`.
// Limits:    after failures in a row a new process is started after restart_pause_first, then twice
//            that, ..., at most restart_pause_max.
// Errors:    as HandlerHost and Handler say. A process that cannot be started any more is tried
//            again until the message's timeout, and only then that is a retry.

#include <chrono>
#include <memory>
#include <string>

#include "reliability/hub/handler.hpp"

namespace weft::reliability::hub {

inline constexpr std::chrono::milliseconds restart_pause_first{100};
inline constexpr std::chrono::milliseconds restart_pause_max{10'000};
/// Before the process after the `failures`th failure in a row; none after none.
[[nodiscard]] std::chrono::milliseconds restart_pause(unsigned failures) noexcept;

/// `program` hub-plugin must call run_plugin_host().
[[nodiscard]] std::unique_ptr<HandlerHost> make_isolated_plugin(const ConsumerSettings& settings,
                                                                Surroundings& surroundings,
                                                                const std::string& program);

/// The host for a consumer that names a plugin: in this process, or in its own.
[[nodiscard]] std::unique_ptr<HandlerHost> make_plugin_host(const ConsumerSettings& settings,
                                                            Surroundings& surroundings,
                                                            const std::string& program);

}  // namespace weft::reliability::hub

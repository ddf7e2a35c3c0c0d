#pragma once
// Flags such as `--flush 5s`: the same durations as in the configuration.

#include <CLI/CLI.hpp>
#include <chrono>
#include <string>

#include "config/duration.hpp"

namespace weft::tools {

/// Adds an option that is a duration; a bad one is a usage error that shows a good one. `Duration`
/// is std::chrono::milliseconds or an optional of it.
template <typename Duration>
CLI::Option* add_duration(CLI::App& app, const std::string& flag, Duration& value,
                          const std::string& help) {
    return app
        .add_option_function<std::string>(
            flag,
            [&value, flag](const std::string& text) {
                const auto parsed = config::parse_duration(text);
                if (!parsed) throw CLI::ValidationError(flag, parsed.error());
                value = *parsed;
            },
            help)
        ->type_name("DURATION");
}

}  // namespace weft::tools

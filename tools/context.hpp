#pragma once
// What every command has: the global flags, the configuration, a log on stderr, and how it ends.
// Threads: the main thread only, except log(), which any thread may call.

#include <filesystem>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "config/configuration.hpp"
#include "config/problem.hpp"
#include "config/watch.hpp"

namespace weft::fabric {
class Counters;
}

namespace weft::tools {

/// Exit codes are part of the public contract.
enum ExitCode : int { exit_done = 0, exit_failed = 1, exit_usage = 2, exit_interrupted = 130 };

/// Ends the command with this code after `sentence` was written to stderr.
class CommandError : public std::runtime_error {
public:
    CommandError(int code, const std::string& sentence)
        : std::runtime_error(sentence), code_(code) {}
    [[nodiscard]] int code() const noexcept { return code_; }

private:
    int code_;
};

/// Wrong flags or configuration: exit 2.
[[nodiscard]] inline CommandError usage_error(const std::string& sentence) {
    return {exit_usage, sentence};
}
/// What was asked for did not work: exit 1.
[[nodiscard]] inline CommandError failure(const std::string& sentence) {
    return {exit_failed, sentence};
}

class Context {
public:
    // Global flags, filled by the command line.
    std::vector<std::string> config_paths, settings;
    std::string log_level;  ///< Empty: as the configuration says (log.level).
    std::string log_format = "text";
    std::vector<std::string> arguments;  ///< All of them as typed, behind the program's name.

    /// The command that was chosen sets this; main runs it and exits with what it returns.
    std::function<int()> run;

    /// Loads it on first use. Problems end the command with exit 2, all of them printed.
    const config::Configuration& configuration();
    /// Loads it again with the same flags and environment when its files change.
    [[nodiscard]] config::Watch watch();
    /// Throws CommandError with every problem if there is one.
    static void require_none(const config::Problems& problems);

    enum class Level { debug, info, warn, error };
    /// One line on stderr, if the level is enabled. stdout belongs to the data.
    static void log(Level level, const std::string& line);
    static void warn(const std::string& line) { log(Level::warn, line); }
    static void info(const std::string& line) { log(Level::info, line); }
    /// A line for each that is not zero: what a command says at its end.
    static void say_counters(const fabric::Counters& counters, Level level = Level::info);

    /// Called by main once the flags are known.
    void start_log() const;
    /// What log.level says, unless --log-level was given.
    void follow_log_level(const config::Configuration& configuration) const;

private:
    config::LoadOptions load_options_;
    config::FilesSeen files_seen_;
    std::unique_ptr<config::Configuration> configuration_;
};

}  // namespace weft::tools

#include "tools/context.hpp"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "config/load.hpp"
#include "config/section.hpp"
#include "fabric/message/json_form.hpp"
#include "fabric/node/counters.hpp"

namespace weft::tools {
namespace {

/// %* in the pattern: the message as a JSON string, since spdlog's patterns do not escape.
class JsonMessageFlag final : public spdlog::custom_flag_formatter {
public:
    void format(const spdlog::details::log_msg& message, const std::tm&,
                spdlog::memory_buf_t& out) override {
        const std::string text =
            fabric::json_string({message.payload.data(), message.payload.size()});
        out.append(text.data(), text.data() + text.size());
    }
    [[nodiscard]] std::unique_ptr<custom_flag_formatter> clone() const override {
        return std::make_unique<JsonMessageFlag>();
    }
};

}  // namespace

const config::Configuration& Context::configuration() {
    if (!configuration_) {
        std::vector<std::filesystem::path> paths(config_paths.begin(), config_paths.end());
        load_options_ = config::process_options(std::move(paths), settings);
        files_seen_ = config::look_at_files(load_options_);
        auto loaded = config::load(load_options_);
        if (!loaded) throw usage_error(config::text_of(loaded.error()));
        configuration_ = std::make_unique<config::Configuration>(std::move(*loaded));
        follow_log_level(*configuration_);
    }
    return *configuration_;
}

config::Watch Context::watch() {
    static_cast<void>(configuration());
    return {load_options_, files_seen_};
}

void Context::follow_log_level(const config::Configuration& configuration) const {
    if (!log_level.empty()) return;
    config::Problems ignored;  // the schema has checked it
    const std::string level = config::Section(configuration, "log", ignored).text("level");
    spdlog::set_level(spdlog::level::from_str(level));
}

void Context::require_none(const config::Problems& problems) {
    if (!problems.empty()) throw usage_error(config::text_of(problems));
}

void Context::start_log() const {
    auto logger = spdlog::stderr_logger_mt("weft");
    if (log_format == "json") {
        auto formatter =
            std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc);
        formatter->add_flag<JsonMessageFlag>('*').set_pattern(
            R"({"time":"%Y-%m-%dT%H:%M:%S.%fZ","level":"%l","message":%*})");
        logger->set_formatter(std::move(formatter));
    } else {
        logger->set_pattern("%H:%M:%S.%e %l %v");
    }
    logger->set_level(spdlog::level::from_str(log_level.empty() ? "info" : log_level));
    spdlog::set_default_logger(logger);
}

void Context::say_counters(const fabric::Counters& counters, Level level) {
    for (const std::string& line : counters.lines()) log(level, line);
}

void Context::log(Level level, const std::string& line) {
    switch (level) {
        case Level::debug:
            spdlog::debug("{}", line);
            break;
        case Level::info:
            spdlog::info("{}", line);
            break;
        case Level::warn:
            spdlog::warn("{}", line);
            break;
        case Level::error:
            spdlog::error("{}", line);
            break;
    }
}

}  // namespace weft::tools

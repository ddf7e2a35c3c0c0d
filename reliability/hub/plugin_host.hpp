#pragma once
// What a plugin reaches of the hub: its settings, the log and the publisher, until close().
//
// What is published by the thread in which consume() runs has that consume()'s message as parent;
// what other threads and start() publish has none.
//
// Threads:   any. Ownership: refers to `surroundings`.
// Errors:    publish() throws plugin::PublishFailed, after close() too. Lines after close() are
//            dropped: there is nobody who could read them.
// Limits:    a line of more than line_bytes_max is cut, and says so.

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>

#include "fabric/message/message_id.hpp"
#include "reliability/hub/consumer_settings.hpp"
#include "reliability/hub/handler.hpp"
#include "reliability/hub/plugin.hpp"
#include "reliability/hub/plugin_settings.hpp"

namespace weft::reliability::hub {

class PluginHost final : public plugin::Host, public plugin::Log, public plugin::Publisher {
public:
    static constexpr std::size_t line_bytes_max = 4096;

    /// std::invalid_argument where the settings are not a JSON object.
    PluginHost(const ConsumerSettings& settings, Surroundings& surroundings);
    PluginHost(const PluginHost&) = delete;
    PluginHost& operator=(const PluginHost&) = delete;

    [[nodiscard]] std::string_view consumer() const override { return name_; }
    [[nodiscard]] std::string_view hub() const override { return hub_; }
    [[nodiscard]] const plugin::Settings& settings() const override { return settings_; }
    [[nodiscard]] plugin::Log& log() const override { return const_cast<PluginHost&>(*this); }
    [[nodiscard]] plugin::Publisher& publisher() const override {
        return const_cast<PluginHost&>(*this);
    }

    void debug(std::string_view line) override { say(Surroundings::Level::debug, line); }
    void info(std::string_view line) override { say(Surroundings::Level::info, line); }
    void warning(std::string_view line) override { say(Surroundings::Level::warning, line); }
    void error(std::string_view line) override { say(Surroundings::Level::error, line); }
    std::string publish(const plugin::Outgoing& message) override;

    /// Nothing of the plugin reaches the hub from now on. Waits for calls under way, at most for
    /// `patience`.
    void close(std::chrono::milliseconds patience);

private:
    class Visit;

    void say(Surroundings::Level level, std::string_view text);

    std::string name_, hub_;
    PluginSettings settings_;
    Surroundings& surroundings_;
    std::mutex mutex_;
    std::condition_variable left_;
    unsigned inside_ = 0;
    bool closed_ = false;
};

/// A plugin's text as lines for the log: cut at line breaks, each at most `line_bytes_max` long.
void log_lines(Surroundings& surroundings, Surroundings::Level level, std::string_view consumer,
               std::string_view text);
/// One of them, which LineCutter has cut.
void log_line(Surroundings& surroundings, Surroundings::Level level, std::string_view consumer,
              std::string_view line, bool cut);

}  // namespace weft::reliability::hub

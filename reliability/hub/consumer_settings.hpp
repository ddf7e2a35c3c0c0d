#pragma once
// What the configuration says about the hub and each of its consumers, as types. Read once, at the
// edge. Threads: values.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/configuration.hpp"
#include "config/problem.hpp"
#include "fabric/message/topic.hpp"
#include "reliability/ack/level.hpp"
#include "reliability/cursor/start.hpp"
#include "signing/topic_glob.hpp"

namespace weft::reliability::hub {

struct ConsumerSettings {
    std::string name;
    std::filesystem::path plugin;   ///< Either this
    std::vector<std::string> exec;  ///< or this: a program and its arguments; never a shell.
    bool isolate = false;           ///< The plugin runs in a process of its own.
    std::vector<signing::TopicGlob> globs;  ///< Full ones, at least one.
    bool enabled = true;
    bool durable = true;  ///< Its place is a consumer group in the journal.
    bool ordered = true;  ///< One message of a topic and publisher at a time, in order.
    unsigned workers = 1;
    std::optional<AckLevel> ack{};  ///< received or processed.
    unsigned max_attempts = 5;
    /// The pause after the first failed attempt, the second, ...; the last one again and again.
    std::vector<std::chrono::milliseconds> retry{};
    std::chrono::milliseconds timeout{30'000};  ///< Of one attempt.
    std::string dead_letter{};                  ///< Full topic; "": none.
    Start replay{};                             ///< Where a new cursor begins.
    /// Durable: what is more than this behind is passed over, counted and said. Else: what may wait
    /// in memory. 0: no bound (durable), fabric.high_water_mark (else).
    std::uint64_t backlog_count = 0;
    std::chrono::milliseconds backlog_age{};  ///< 0: no bound.
    std::uint64_t memory = 0;  ///< Bytes of address space of its process; 0: no limit.
    /// Of its own process, beside what every program gets (program_environment.hpp).
    std::vector<std::pair<std::string, std::string>> environment{};
    std::string settings_json = "{}";  ///< `settings` as one JSON object.
    std::string where;                 ///< "weft.d/50-hub.yaml:7", for sentences.

    [[nodiscard]] std::chrono::milliseconds pause_after(unsigned attempt) const;
    [[nodiscard]] std::vector<std::string> glob_texts() const;
    /// What makes it another consumer when the configuration is read again; `where` does not.
    friend bool operator==(const ConsumerSettings&, const ConsumerSettings&);
};

struct Settings {
    std::vector<ConsumerSettings> consumers;  ///< Those that are not enabled, too.
    std::filesystem::path state;              ///< The hub's own small files.
    std::string journal;                      ///< Where durable cursors are; "": nowhere.
};

/// Problems name file and line.
[[nodiscard]] Settings read_settings(const config::Configuration& configuration,
                                     config::Problems& problems);

}  // namespace weft::reliability::hub

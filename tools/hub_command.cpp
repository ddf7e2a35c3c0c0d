// weft hub: runs the consumers of the configuration.

#include "tools/hub_command.hpp"

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <system_error>
#include <vector>

#include "fabric/fabric.hpp"
#include "fabric/node/counters.hpp"
#include "reliability/hub/hub.hpp"
#include "reliability/hub/plugin_host_process.hpp"
#include "reliability/hub/status_file.hpp"
#include "tools/command.hpp"
#include "tools/duration_flag.hpp"
#include "tools/housekeeping.hpp"
#include "tools/journal_command.hpp"
#include "tools/ready_notice.hpp"
#include "tools/stop_signal.hpp"

namespace weft::tools {
namespace {

namespace hub = reliability::hub;
using std::chrono::milliseconds;
using Level = hub::Surroundings::Level;

constexpr milliseconds look_every{250};
/// Within the 5 s that a stop may take: what is left is for the last publishes.
constexpr milliseconds stop_patience{4000}, last_flush{500};

std::string lines_of(const std::vector<std::string>& lines) {
    std::string text;
    for (const std::string& line : lines) text += (text.empty() ? "" : "\n") + line;
    return text;
}

void require_runnable(const hub::Settings& settings) {
    const auto problems = hub::Hub::problems(settings);
    if (!problems.empty()) throw usage_error(lines_of(problems));
}

/// A hub and what changes it, one at a time.
class Running {
public:
    Running(Context& context, fabric::Fabric& fabric, const hub::Settings& settings)
        : fabric_(fabric),
          hub_(fabric, reliability_settings(context), settings, {own_program(), &log_line}) {
        auto file = hub::StatusFile::open(settings.state);
        if (file) {
            file_ = std::move(*file);
        } else {
            Context::warn(file.error());
        }
        status_.hub = fabric.settings().name;
        status_.pid = static_cast<std::uint64_t>(::getpid());
        status_.started_us = fabric.clock().utc_us();
    }

    [[nodiscard]] hub::Hub& hub() { return hub_; }

    void look() {
        const std::scoped_lock lock(mutex_);
        hub_.look();
        write_status();
    }

    /// Of a configuration that was read again: all of it is right, or nothing of it is taken.
    [[nodiscard]] std::vector<std::string> apply(const config::Configuration& configuration) {
        config::Problems problems;
        hub::Settings next = hub::read_settings(configuration, problems);
        std::vector<std::string> lines;
        for (const config::Problem& problem : problems) lines.push_back(problem.text());
        if (lines.empty()) lines = hub::Hub::problems(next);
        if (!lines.empty()) return lines;
        if (auto reloaded = fabric_.reload(configuration); !reloaded) return reloaded.error();
        const std::scoped_lock lock(mutex_);
        if (stopping_) return {};
        const auto applied = hub_.apply(std::move(next), stop_patience);
        say("started", applied.started);
        say("stopped", applied.stopped);
        say("restarted", applied.restarted);
        for (const std::string& why : applied.failed) Context::log(Context::Level::error, why);
        write_status();
        return {};
    }

    [[nodiscard]] hub::Hub::Stopped stop() {
        const std::scoped_lock lock(mutex_);
        stopping_ = true;
        write_status();
        return hub_.stop(stop_patience);
    }

private:
    static void say(const char* what, const std::vector<std::string>& names) {
        for (const std::string& name : names) {
            Context::info("consumer " + name + ": " + what + ", as the configuration says now");
        }
    }

    void write_status() {
        if (!file_) return;
        status_.written_us = fabric_.clock().utc_us();
        status_.stopping = stopping_;
        status_.consumers = hub_.status();
        if (!file_->write(status_) && !said_) {
            said_ = true;
            Context::warn("cannot write the hub's status file: " +
                          std::generic_category().message(errno));
        }
    }

    fabric::Fabric& fabric_;
    std::mutex mutex_;
    hub::Hub hub_;
    std::unique_ptr<hub::StatusFile> file_;
    hub::HubStatus status_;
    bool stopping_ = false, said_ = false;
};

void say_end(const std::vector<hub::ConsumerStatus>& consumers) {
    for (const hub::ConsumerStatus& c : consumers) {
        if (c.state == "disabled") continue;
        fabric::Counters counters;
        const auto add = [&](const char* what, std::uint64_t count) {
            counters.add("weft_hub_messages_total", c.name + "." + what, count);
        };
        add("done", c.feed.done);
        add("retried", c.feed.retried);
        add("given_up", c.feed.given_up);
        add("dead_unsaid", c.feed.dead_unsaid);
        add("lost", c.feed.lost);
        add("passed_over", c.feed.passed_over);
        add("dropped", c.feed.dropped);
        add("refused", c.feed.refused);
        add("late", c.feed.late);
        add("seen_again", c.feed.seen_again);
        add("unanswered", c.feed.unanswered);
        Context::say_counters(counters);
    }
}

int run_hub(Context& context, milliseconds ready_timeout) {
    const hub::Settings settings = hub_settings(context);
    require_runnable(settings);
    StopSignal stop;
    const auto fabric = open_fabric(context);
    auto running = std::make_unique<Running>(context, *fabric, settings);
    if (const auto failed = running->hub().start(); !failed.empty()) {
        static_cast<void>(running->stop());
        throw usage_error(lines_of(failed));
    }
    const auto deadline = std::chrono::steady_clock::now() + ready_timeout;
    std::string waits = running->hub().not_ready();
    while (!waits.empty() && std::chrono::steady_clock::now() < deadline &&
           stop.wait(milliseconds{10}) == StopSignal::Woken::timeout) {
        waits = running->hub().not_ready();
    }
    if (!waits.empty() && !stop.requested()) Context::warn(waits);
    running->look();
    say_ready();
    hub::Hub::Stopped left;
    {
        const Housekeeping housekeeping(
            context, stop,
            {[&](const config::Configuration& now) { return running->apply(now); }, {}});
        while (stop.wait(look_every) == StopSignal::Woken::timeout) running->look();
        notify_systemd("STOPPING=1");
        left = running->stop();
    }
    static_cast<void>(fabric->flush(last_flush));
    for (const std::string& line : left.left) Context::warn("left: " + line);
    if (left.left.empty()) Context::info("everything in hand was finished");
    say_end(running->hub().status());
    if (left.stuck != 0) {
        // Threads of a plugin are still in its code: nothing may be taken down under them.
        std::fflush(nullptr);
        std::_Exit(stop.exit_code());
    }
    return stop.exit_code();
}

/// Loads and starts what each consumer needs, and stops it again: no message is taken.
int check_hub(Context& context) {
    const hub::Settings settings = hub_settings(context);
    require_runnable(settings);
    const auto fabric = open_fabric(context);
    hub::HubSurroundings surroundings(*fabric, reliability_settings(context), &log_line);
    std::vector<std::string> wrong;
    for (const hub::ConsumerSettings& consumer : settings.consumers) {
        if (!consumer.enabled) {
            std::printf("%s: disabled\n", consumer.name.c_str());
            continue;
        }
        const auto host = hub::make_handler_host(consumer, surroundings, own_program());
        const auto started = host->start();
        std::printf("%s: %s\n", consumer.name.c_str(), started ? "ok" : "failed");
        if (!started)
            wrong.push_back(consumer.where + ": consumer '" + consumer.name +
                            "': " + started.error());
        host->stop(milliseconds{1000});
    }
    std::fflush(stdout);
    if (!wrong.empty()) throw usage_error(lines_of(wrong));
    return exit_done;
}

constexpr const char* footer =
    "Runs the consumers of hub.consumers, each with its own place, retries and workers:\n"
    "\n"
    "  hub:\n"
    "    consumers:\n"
    "      - name: builds                        # its cursor in the journal has this name\n"
    "        exec: [./on_commit.py]              # or plugin: ./builds.so\n"
    "        topics: [\"git.*\"]\n"
    "\n"
    "Its place is kept in a journal: `weft journal serve` (or a gateway), named in\n"
    "reliability.journals; durable: false does without, and hears what comes while it runs.\n"
    "A program reads one JSON message a line and answers `ok`, `retry REASON`, `drop REASON` or\n"
    "JSON to publish. docs/hub.md tells all. Prints `ready`; SIGTERM finishes what is in hand\n"
    "(5 s at most), SIGHUP reads the configuration again.\n"
    "Examples:  weft hub --check\n"
    "           weft hub --list\n"
    "           weft hub --consume 4711 --only builds";

}  // namespace

void log_line(Level level, const std::string& line) {
    switch (level) {
        case Level::debug:
            return Context::log(Context::Level::debug, line);
        case Level::info:
            return Context::log(Context::Level::info, line);
        case Level::warning:
            return Context::log(Context::Level::warn, line);
        case Level::error:
            return Context::log(Context::Level::error, line);
    }
}

std::unique_ptr<fabric::Fabric> open_fabric(Context& context) {
    fabric::FabricOptions options;
    options.warn = &Context::warn;
    options.source = "hub";
    options.kind = "hub";
    return fabric::Fabric::open(context.configuration(), options);
}

hub::Settings hub_settings(Context& context) {
    config::Problems problems;
    hub::Settings settings = hub::read_settings(context.configuration(), problems);
    Context::require_none(problems);
    return settings;
}

std::string own_program() {
    std::error_code error;
    const auto path = std::filesystem::read_symlink("/proc/self/exe", error);
    return error ? std::string{"weft"} : path.string();
}

void add_hub(CLI::App& app, Context& context) {
    CLI::App* command =
        app.add_subcommand("hub", "Run the configured consumers: plugins and executables");
    struct Flags {
        bool list = false, check = false, json = false;
        ConsumeFlags consume;
        milliseconds ready_timeout{5000};
    };
    auto flags = std::make_shared<Flags>();
    auto* list = command->add_flag("--list", flags->list,
                                   "Show the consumers: state, lag, attempts, last error");
    auto* check = command->add_flag("--check", flags->check,
                                    "See whether the configuration and every consumer loads");
    auto* consume = command
                        ->add_option("--consume", flags->consume.id,
                                     "Feed one stored message, by id, to one consumer")
                        ->type_name("ID");
    auto* only =
        command->add_option("--only", flags->consume.only, "That consumer")->type_name("NAME");
    command
        ->add_flag("--dry-run", flags->consume.dry_run,
                   "With --consume: show what it publishes, publish nothing")
        ->needs(consume);
    command->add_flag("--json", flags->json, "With --list: one JSON object a line")->needs(list);
    consume->needs(only);
    only->needs(consume);
    list->excludes(check)->excludes(consume);
    check->excludes(consume);
    add_duration(*command, "--ready-timeout", flags->ready_timeout,
                 "When to complain that a consumer gets no messages (default: 5s)");
    command->footer(footer);
    command->callback([&context, flags] {
        context.run = [&context, flags] {
            if (flags->list) return list_consumers(context, flags->json);
            if (flags->check) return check_hub(context);
            if (!flags->consume.id.empty()) return consume_one(context, flags->consume);
            return run_hub(context, flags->ready_timeout);
        };
    });

    CLI::App* isolated = app.add_subcommand("hub-plugin", "The process of an isolated plugin");
    isolated->group("");  // the hub starts it
    isolated->callback([&context] { context.run = [] { return hub::run_plugin_host(); }; });
}

}  // namespace weft::tools

#pragma once
// A fabric with a journal that `weft journal serve` keeps, and the commands around it.
// Threads: one. Ownership: everything that was started ends with the fixture.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "tests/integration/fabric_fixture.hpp"

namespace weft::testing {

class Journaled : public ::testing::Test {
protected:
    Journaled() {
        issue("journal.host1", {"--role", "journal", "--role", "ack", "--role", "publish"});
        fabric_.configure("reliability: { journals: [journal.host1], journal: { listen: 'tcp://" +
                          std::string{"127.0.0.1:"} + std::to_string(free_port()) + "' } }");
    }

    void issue(const std::string& name, const std::vector<std::string>& roles) {
        std::vector<std::string> arguments{"keys", "issue", name, "--publish", "**"};
        arguments.insert(arguments.end(), roles.begin(), roles.end());
        const Finished issued = fabric_.weft(arguments);
        if (issued.exit_code != 0) throw std::runtime_error(issued.err);
    }
    static std::vector<std::string> and_more(std::vector<std::string> arguments,
                                             const std::vector<std::string>& more) {
        arguments.insert(arguments.end(), more.begin(), more.end());
        return arguments;
    }
    /// Each has a memory of its own of what it has seen, as on a host of its own.
    static std::vector<std::string> serving(const std::string& name,
                                            const std::vector<std::string>& more = {}) {
        return and_more({"journal", "serve", "--ready-timeout", "20s", "--set", "name=" + name,
                         "--set", "fabric.replay.state=var/replay." + name},
                        more);
    }
    /// Records from now on.
    [[nodiscard]] Process serve(const std::vector<std::string>& more = {},
                                const std::string& name = "journal.host1") {
        Process journal = fabric_.start(serving(name, more));
        journal.wait_for_line(Stream::out, "ready");
        return journal;
    }
    static void stop(Process& process) {
        process.signal(SIGTERM);
        EXPECT_EQ(process.wait(), 0) << process.output();
    }

    static std::vector<std::string> publishing(const std::string& json,
                                               const std::string& timeout = "20s",
                                               const std::vector<std::string>& more = {}) {
        return and_more(
            {"publish", "deploy", "--json", json, "--durable", "--ack-timeout", timeout}, more);
    }
    Finished publish(const std::string& json, const std::string& timeout = "20s",
                     const std::vector<std::string>& more = {}) {
        return fabric_.weft(publishing(json, timeout, more));
    }
    /// Numbers as lines, for a durable `weft logger`.
    static std::string lines(int from, int to) {
        std::string text;
        for (int number = from; number <= to; ++number) text += std::to_string(number) + "\n";
        return text;
    }
    /// Acknowledged when it returns.
    void log_lines(const std::string& text) {
        const Finished done = fabric_.weft({"logger", "--durable", "--ack-timeout", "25s"}, text);
        if (done.exit_code != 0) throw std::runtime_error(done.err);
    }
    void log_numbers(int from, int to) { log_lines(lines(from, to)); }

    Finished journal(const std::string& command, const std::vector<std::string>& more = {},
                     const std::string& input = "") {
        return fabric_.weft(and_more({"journal", command}, more), input);
    }
    nlohmann::json info() {
        const Finished done = journal("info", {"--json"});
        if (done.exit_code != 0) throw std::runtime_error(done.err);
        return nlohmann::json::parse(done.out);
    }
    /// What `weft tail --from` prints until it has so many lines.
    std::vector<nlohmann::json> read_from(const std::string& start, std::size_t count,
                                          const std::vector<std::string>& more = {}) {
        const Finished done = fabric_.weft(
            and_more({"tail", "--from", start, "--count", std::to_string(count)}, more));
        if (done.exit_code != 0) throw std::runtime_error(done.err);
        return json_lines(done.out);
    }

    /// The numbers in the bodies of what log_numbers() published.
    static std::vector<int> numbers(const std::vector<nlohmann::json>& lines) {
        std::vector<int> numbers;
        for (const auto& line : lines) {
            if (line.contains("body"))
                numbers.push_back(std::stoi(line["body"]["log"].get<std::string>()));
        }
        return numbers;
    }
    static std::vector<std::uint64_t> journal_ids(const std::vector<nlohmann::json>& lines) {
        std::vector<std::uint64_t> ids;
        for (const auto& line : lines) {
            if (line.contains("journal_id")) ids.push_back(line["journal_id"]);
        }
        return ids;
    }
    template <class Number = int>
    static std::vector<Number> all_from_to(int from, int to) {
        std::vector<Number> numbers;
        for (int number = from; number <= to; ++number) {
            numbers.push_back(static_cast<Number>(number));
        }
        return numbers;
    }
    /// What a process has printed, once it is at least so much: it comes through a pipe.
    static std::vector<nlohmann::json> printed(const Process& process, std::size_t count) {
        const auto deadline = std::chrono::steady_clock::now() + patience;
        while (true) {
            auto lines = json_lines(process.out());
            if (lines.size() >= count) return lines;
            if (std::chrono::steady_clock::now() > deadline) {
                throw std::runtime_error("not so many lines\n" + process.output());
            }
            std::this_thread::yield();
        }
    }

    [[nodiscard]] std::filesystem::path store() const { return fabric_.dir() / "var/journal"; }

    Fabric fabric_;
};

}  // namespace weft::testing

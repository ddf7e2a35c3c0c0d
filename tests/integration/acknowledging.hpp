#pragma once
// Recipients that acknowledge, as real processes beside a fabric of `weft init`.
// Threads: one.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "tests/integration/fabric_fixture.hpp"

namespace weft::testing {

class Acknowledging : public ::testing::Test {
protected:
    Acknowledging() {
        for (const char* name : {"a", "b"}) issue(name);
    }

    void issue(const std::string& name) {
        const Finished issued = fabric_.weft({"keys", "issue", name, "--publish", "**"});
        if (issued.exit_code != 0) throw std::runtime_error(issued.err);
    }
    /// Each has a memory of its own of what it has seen, as on a host of its own.
    static std::vector<std::string> as(const std::string& name,
                                       const std::vector<std::string>& more = {}) {
        std::vector<std::string> arguments{"tail",  "--ack",
                                           "--set", "name=" + name,
                                           "--set", "fabric.replay.state=var/replay." + name};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return arguments;
    }
    /// Hears and acknowledges from now on.
    [[nodiscard]] Process recipient(const std::string& name,
                                    const std::vector<std::string>& more = {}) {
        std::vector<std::string> arguments = as(name, {"--ready-timeout", "20s"});
        arguments.insert(arguments.end(), more.begin(), more.end());
        Process tail = fabric_.start(arguments);
        tail.wait_for_line(Stream::err, "ready");
        return tail;
    }
    static std::vector<std::string> publishing(const std::string& recipients,
                                               const std::string& timeout,
                                               const std::vector<std::string>& more = {}) {
        std::vector<std::string> arguments{"publish",       "deploy",   "--data",  "x",
                                           "--recipients",  recipients, "--level", "processed",
                                           "--ack-timeout", timeout};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return arguments;
    }
    Finished publish(const std::string& recipients, const std::string& timeout,
                     const std::vector<std::string>& more = {}) {
        return fabric_.weft(publishing(recipients, timeout, more));
    }

    /// What a tail has printed, once it is at least so much: its output comes through a pipe.
    static std::vector<nlohmann::json> printed(const Process& tail, std::size_t count) {
        const auto deadline = std::chrono::steady_clock::now() + patience;
        while (true) {
            auto lines = json_lines(tail.out());
            if (lines.size() >= count) return lines;
            if (std::chrono::steady_clock::now() > deadline) {
                throw std::runtime_error("not so many lines\n" + tail.output());
            }
            std::this_thread::yield();
        }
    }
    static std::set<std::string> ids(const Process& tail, std::size_t count) {
        std::set<std::string> ids;
        for (const auto& message : printed(tail, count)) ids.insert(message["id"]);
        return ids;
    }

    Fabric fabric_;
};

}  // namespace weft::testing

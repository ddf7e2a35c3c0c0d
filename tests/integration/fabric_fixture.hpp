#pragma once
// A setup made by `weft init`, a relay on free ports, and the commands a user types against them.
// Threads: one. Ownership: everything that was started ends with the fixture.

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

namespace weft::testing {

class Fabric {
public:
    explicit Fabric(const std::string& name = "git.host1") {
        const Finished made =
            run({weft_program(), "init", "--dir", dir_.path().string(), "--name", name});
        if (made.exit_code != 0) throw std::runtime_error(made.err);
        configure("fabric: { relay: { inbound: 'tcp://127.0.0.1:" + std::to_string(free_port()) +
                  "', outbound: 'tcp://127.0.0.1:" + std::to_string(free_port()) + "' } }");
    }

    /// Later than what init wrote, so it wins.
    void configure(const std::string& yaml) {
        // In the order of their names, so with as many digits.
        write_text(dir_ / ("weft.d/" + std::to_string(9000 + ++files_) + ".yaml"), yaml + "\n");
    }

    [[nodiscard]] Process start(std::vector<std::string> arguments, ProcessOptions options = {}) {
        arguments.insert(arguments.begin(), weft_program());
        if (options.cwd.empty()) options.cwd = dir_.path();
        return Process::start(arguments, std::move(options));
    }
    [[nodiscard]] Finished weft(std::vector<std::string> arguments, const std::string& input = "") {
        arguments.insert(arguments.begin(), weft_program());
        return run(arguments, {.cwd = dir_.path(), .environment = {}, .stdin_text = input});
    }

    [[nodiscard]] Process relay(const std::vector<std::string>& more = {}) {
        std::vector<std::string> arguments{"relay"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        Process relay = start(arguments);
        relay.wait_for_line(Stream::out, "ready");
        return relay;
    }
    /// A tail that is ready: what is published from now on it prints.
    [[nodiscard]] Process tail(const std::vector<std::string>& more = {}) {
        std::vector<std::string> arguments{"tail"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        Process tail = start(arguments);
        tail.wait_for_line(Stream::err, "ready");
        return tail;
    }

    [[nodiscard]] const TempDir& dir() const { return dir_; }

private:
    TempDir dir_;
    int files_ = 0;
};

inline std::vector<nlohmann::json> json_lines(const std::string& text) {
    std::vector<nlohmann::json> lines;
    std::size_t begin = 0;
    while (begin < text.size()) {
        const std::size_t end = text.find('\n', begin);
        if (end == std::string::npos) break;
        lines.push_back(nlohmann::json::parse(text.substr(begin, end - begin)));
        begin = end + 1;
    }
    return lines;
}

}  // namespace weft::testing

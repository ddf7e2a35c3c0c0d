#pragma once
// A directory of a test's own with `weft` run in it. Whatever the commands print is searched for
// private keys at the end of the test (K3): those of every file that was there after any command.

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "fabric/message/json_form.hpp"
#include "fabric/message/value.hpp"
#include "signing/certificate.hpp"
#include "tests/support/key_canary.hpp"
#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

namespace weft::testing {

class CommandTest : public ::testing::Test {
protected:
    /// Runs `weft` in the directory; options.cwd is where, if it is given.
    Finished weft(std::vector<std::string> arguments, ProcessOptions options = {}) {
        arguments.insert(arguments.begin(), weft_program());
        if (options.cwd.empty()) options.cwd = dir_.path();
        Finished finished = run(arguments, std::move(options));
        remember(finished);
        return finished;
    }

    /// The same, and the test stops unless it ends with 0.
    Finished weft_done(std::vector<std::string> arguments, ProcessOptions options = {}) {
        std::string line = "weft";
        for (const std::string& argument : arguments) line += " " + argument;
        Finished finished = weft(std::move(arguments), std::move(options));
        if (finished.exit_code != 0) {
            throw std::runtime_error(line + " ended with " + std::to_string(finished.exit_code) +
                                     ": " + finished.err);
        }
        return finished;
    }

    /// One JSON value that a command printed.
    static fabric::Value json(const std::string& text) {
        auto value = fabric::from_json(text);
        if (!value) throw std::runtime_error("not JSON: " + value.error() + ": " + text);
        return std::move(*value);
    }

    static signing::UtcSeconds now() {
        return std::chrono::duration_cast<std::chrono::seconds>(
                   std::chrono::system_clock::now().time_since_epoch())
            .count();
    }

    void remember(const Finished& finished) {
        printed_ += finished.out + finished.err;
        canary_.learn(dir_.path());
    }

    void TearDown() override {
        EXPECT_EQ(canary_.count_in(printed_), 0U) << "K3: a private key was printed";
    }

    [[nodiscard]] std::filesystem::path path(std::string_view name) const { return dir_ / name; }

    TempDir dir_;
    KeyCanary canary_;
    std::string printed_;
};

}  // namespace weft::testing

// The README's first steps, as they stand there: a quickstart that rots is a failing test.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

namespace weft::testing {
namespace {

using ::testing::HasSubstr;

/// The n-th block of shell lines behind `heading`.
std::string shell_block(const std::string& text, const std::string& heading, int n) {
    std::size_t at = text.find(heading);
    if (at == std::string::npos) throw std::runtime_error("README has no " + heading);
    for (int i = 0; i < n; ++i) at = text.find("```sh\n", at) + 6;
    return text.substr(at, text.find("```", at) - at);
}

TEST(Readme, FirstStepsWorkAsTheyAreWritten) {
    const std::string readme = read_text(std::filesystem::path(WEFT_SOURCE_DIR) / "README.md");
    std::string first = shell_block(readme, "## First steps", 1);
    const std::string second = shell_block(readme, "## First steps", 2);
    ASSERT_THAT(first, HasSubstr("weft relay"));
    ASSERT_THAT(second, HasSubstr("weft tail"));
    const TempDir dir;
    const std::string bin = std::filesystem::path(weft_program()).parent_path().string();
    // Free ports in place of the default ones, which another test or a user may have.
    const std::map<std::string, std::string> environment = {
        {"PATH", bin + ":/usr/bin:/bin"},
        {"WEFT_FABRIC__RELAY__INBOUND", "tcp://127.0.0.1:" + std::to_string(free_port())},
        {"WEFT_FABRIC__RELAY__OUTBOUND", "tcp://127.0.0.1:" + std::to_string(free_port())}};

    Process terminal_1 = Process::start({"/bin/bash", "-ec", first},
                                        {.cwd = dir.path(), .environment = environment});
    terminal_1.wait_for_line(Stream::out, "ready");
    Process terminal_2 = Process::start({"/bin/bash", "-ec", second + "\nwait"},
                                        {.cwd = dir.path(), .environment = environment});

    terminal_2.wait_for_line(Stream::out, "git.host1 verified  {\"log\":\"hello\"}");
    terminal_2.wait_for_line(Stream::out, "\"hash\":\"2f1c9e\"");
}

}  // namespace
}  // namespace weft::testing

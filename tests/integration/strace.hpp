#pragma once
// Programs whose sync fails, because strace makes the system call fail. Threads: one.

#include <gtest/gtest.h>
#include <sys/types.h>

#include <csignal>
#include <fstream>
#include <string>
#include <vector>

#include "tests/support/process.hpp"

namespace weft::testing {

/// "" or why nothing can be traced here.
inline std::string no_strace() {
    if (run({"sh", "-c", "command -v strace"}).exit_code != 0) return "no strace";
    const bool may_trace = run({"strace", "-o", "/dev/null", "true"}).exit_code == 0;
    return may_trace ? "" : "strace may not trace here";
}

/// `error` is what fdatasync says, such as "EIO", at the `when`-th call of each thread: of these
/// programs only the journal's writer comes so far.
inline Process start_with_failing_sync(const std::vector<std::string>& program,
                                       const std::string& error, int when,
                                       const std::string& directory) {
    std::vector<std::string> line{
        "strace",
        "-f",
        "-qq",
        "-o",
        "/dev/null",
        "-e",
        "trace=fdatasync",
        "-e",
        "inject=fdatasync:error=" + error + ":when=" + std::to_string(when)};
    line.insert(line.end(), program.begin(), program.end());
    return Process::start(line, {.cwd = directory,
                                 // LeakSanitizer cannot trace what is traced.
                                 .environment = {{"ASAN_OPTIONS", "detect_leaks=0"}}});
}

/// strace keeps signals to itself.
inline void stop_traced(Process& strace) {
    const std::string pid = std::to_string(strace.pid());
    std::ifstream children("/proc/" + pid + "/task/" + pid + "/children");
    pid_t child = 0;
    children >> child;
    ASSERT_GT(child, 0);
    ::kill(child, SIGTERM);
    EXPECT_EQ(strace.wait(), 0) << strace.output();
}

}  // namespace weft::testing

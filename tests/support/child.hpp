#pragma once
// Starts one program: clean environment, own process group, three pipes.
// Threads: any. Errors: std::system_error; a program that cannot be executed is one, too.

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "tests/support/descriptor.hpp"

namespace weft::testing {

struct ChildPlan {
    std::vector<std::string> argv;
    std::filesystem::path cwd;   ///< Empty: ours.
    std::filesystem::path home;  ///< HOME, and what the XDG directories are below.
    std::map<std::string, std::string> environment;  ///< In addition.
};

/// Our ends of its pipes. Whoever has it kills the group and reaps the process.
struct Child {
    pid_t pid = -1;
    Descriptor in, out, err;
};

[[nodiscard]] Child start_child(const ChildPlan& plan);

}  // namespace weft::testing

#pragma once
// Results on standard output: written whole, or the command fails.
// Threads: one at a time.

#include <cstdio>
#include <string_view>

#include "tools/context.hpp"

namespace weft::tools {

/// Throws failure() if standard output does not take all of it: a full disk or a closed pipe must
/// not look like success.
inline void write_out(std::string_view text) {
    const std::size_t written = std::fwrite(text.data(), 1, text.size(), stdout);
    if (written != text.size() || std::fflush(stdout) != 0) {
        throw failure("standard output does not take what was to be printed");
    }
}

}  // namespace weft::tools

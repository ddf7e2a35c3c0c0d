#pragma once
// The process that is cut off: writers that append to a journal as fast as they can, and a line for
// each append that was acknowledged: "writer number messages first last".
// Threads: its own.

#include <cstdint>
#include <filesystem>

namespace weft::fault {

struct WritersOptions {
    std::filesystem::path path;
    std::uint64_t life = 1;
    std::uint64_t seed = 1;
    std::uint64_t writers = 8;
};

/// Opens the journal, prints "ready MS" and writes until it is killed, or an append fails, which
/// it says: "failed REASON". Returns the exit code.
int run_writers(const WritersOptions& options);

}  // namespace weft::fault

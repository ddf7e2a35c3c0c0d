#pragma once
// Cuts writers off at random, again and again, and looks each time whether the journal still has
// what it acknowledged.
// Threads: one. Errors: std::runtime_error where the experiment itself fails.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace weft::fault {

struct CutsOptions {
    std::filesystem::path program;    ///< This very program, which also is the writers.
    std::filesystem::path directory;  ///< For the journal, or the disk that holds it.
    bool power = false;               ///< Else kill -9.
    std::uint64_t cuts = 20;
    std::uint64_t seed = 1;
    std::function<void(std::uint64_t cut)> progress{};
};

struct CutsReport {
    std::uint64_t cuts = 0, acknowledged = 0;  ///< Messages.
    std::uint64_t lost = 0, altered = 0, out_of_order = 0;
    std::uint64_t slowest_open_ms = 0;
    std::vector<std::string> wrong;  ///< The first few.
    std::string skipped;             ///< Why nothing was done, or "".
    [[nodiscard]] bool good() const { return lost + altered + out_of_order == 0; }
    [[nodiscard]] std::string text() const;
};

[[nodiscard]] CutsReport run_cuts(const CutsOptions& options);

}  // namespace weft::fault

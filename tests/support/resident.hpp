#pragma once
// How much memory a process has resident, and whether that says anything in this build:
// AddressSanitizer keeps what was freed in quarantine, hundreds of MiB of it, and ThreadSanitizer
// keeps notes on each word that is used, so bounds on memory hold in the other builds only.

#include <fstream>
#include <stdexcept>
#include <string>

namespace weft::testing {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool resident_memory_is_what_is_used = false;
#else
inline constexpr bool resident_memory_is_what_is_used = true;
#endif

/// Throws once the process is gone.
inline long resident_kib(int pid) {
    std::ifstream status("/proc/" + std::to_string(pid) + "/status");
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with("VmRSS:")) return std::stol(line.substr(6));
    }
    throw std::runtime_error("no VmRSS in /proc");
}

}  // namespace weft::testing

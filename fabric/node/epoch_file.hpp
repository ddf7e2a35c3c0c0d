#pragma once
// A publisher's epoch: how often a publisher of this name has started, kept on disk so that it
// never repeats or goes back. (signer, epoch, topic, seq) names a message once and for all.
// Threads: safe between threads and processes: the file is locked while it is raised.

#include <cstdint>
#include <filesystem>
#include <string>
#include <tl/expected.hpp>

namespace weft::fabric {

/// Raises the number in the file, makes it durable, then returns it. A missing file starts at 1.
/// The error names the file and says what to do.
[[nodiscard]] tl::expected<std::uint64_t, std::string> next_epoch(
    const std::filesystem::path& file);

}  // namespace weft::fabric

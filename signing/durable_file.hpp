#pragma once
// Small files that are there whole or not at all: read in one piece under a limit, written beside
// their place, flushed to the disk, then renamed into it.
// Threads: every function from any thread.
// Errors: sentences that name the file and say what would be right.

#include <sys/types.h>

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "signing/secret.hpp"

namespace weft::signing {

enum class WhenFileExists { refuse, replace };

/// 1 to `bytes_max` bytes of a regular file, links followed. An empty file is an error: it is what
/// a full disk leaves (T6).
[[nodiscard]] tl::expected<std::string, std::string> read_file(const std::filesystem::path& file,
                                                               std::size_t bytes_max);

/// The same for secrets (K1): a regular file, not reached through a link, owned by our user, with
/// no permission for anybody else.
[[nodiscard]] tl::expected<Secret, std::string> read_private_file(const std::filesystem::path& file,
                                                                  std::size_t bytes_max);

/// Under a temporary name in the same directory, fsync, rename, fsync of the directory. Whoever
/// looks sees the old file or the new one, never a part. `mode` holds from the first moment.
[[nodiscard]] tl::expected<void, std::string> write_file(const std::filesystem::path& file,
                                                         std::string_view bytes, mode_t mode,
                                                         WhenFileExists when);

}  // namespace weft::signing

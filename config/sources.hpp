#pragma once
// Finds the files of a load and reads them.
// Threads: as safe as the file system.
#include <filesystem>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "config/problem.hpp"

namespace weft::config {

/// The name of a folder that holds layered files. Relative paths inside them start at its parent.
inline constexpr const char* layer_folder = "weft.d";

/// The *.yaml files of `folder` in the order of their names, as `folder/name`; hidden files are
/// left out, as a shell would. A folder that does not exist has none; one that cannot be read, or
/// is not a folder, is a problem. Relative paths start at `directory`.
[[nodiscard]] std::vector<std::filesystem::path> files_in(const std::filesystem::path& folder,
                                                          const std::filesystem::path& directory,
                                                          Problems& problems);

/// The files that one --config names: itself, or the files of its `weft.d`, or its own.
[[nodiscard]] std::vector<std::filesystem::path> files_of(const std::filesystem::path& path,
                                                          const std::filesystem::path& directory,
                                                          Problems& problems);

/// The bytes of a regular file of at most `bytes_max`; the error is a sentence.
[[nodiscard]] tl::expected<std::string, std::string> read_file(const std::filesystem::path& file,
                                                               std::size_t bytes_max);

}  // namespace weft::config

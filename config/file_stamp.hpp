#pragma once
// Which file stands at a path, and in which state: equal stamps mean that nobody has written,
// replaced or removed it in between.
// Threads: plain values; look() is as safe as the file system and takes no file descriptor.
#include <cstdint>
#include <filesystem>

namespace weft::config {

struct FileStamp {
    int error = 0;  ///< errno of the look; the rest is 0 then
    std::uint64_t device = 0, inode = 0, size = 0, mode = 0;
    std::int64_t modified_ns = 0, changed_ns = 0;

    /// Links are followed.
    [[nodiscard]] static FileStamp look(const std::filesystem::path& file);

    bool operator==(const FileStamp&) const = default;
};

}  // namespace weft::config

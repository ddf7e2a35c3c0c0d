#pragma once
// Disks that lose power: an ext4 file system in a file, shut down without flushing its log.
// Needs root and loop mounts, and takes a mount namespace of its own. Threads: one.

#include <filesystem>
#include <memory>
#include <string>
#include <tl/expected.hpp>

namespace weft::fault {

class LoopDisk {
public:
    /// Makes the file system and mounts it; the error says what this machine does not allow.
    [[nodiscard]] static tl::expected<std::unique_ptr<LoopDisk>, std::string> make(
        const std::filesystem::path& directory, std::size_t megabytes);
    ~LoopDisk();
    LoopDisk(const LoopDisk&) = delete;
    LoopDisk& operator=(const LoopDisk&) = delete;

    [[nodiscard]] const std::filesystem::path& mounted() const noexcept { return mount_; }
    /// From now on nothing reaches the disk: every write fails.
    void cut_power();
    /// After cut_power(), once nobody uses it: mounts what the disk has. Throws.
    void restore_power();

private:
    LoopDisk(std::filesystem::path image, std::filesystem::path mount)
        : image_(std::move(image)), mount_(std::move(mount)) {}
    std::filesystem::path image_, mount_;
    bool is_mounted_ = false;
};

}  // namespace weft::fault

#pragma once
// A small file beside a journal's own that says how far it has acknowledged. Written in place after
// each synced commit, never flushed: after kill -9 it is exact, after a power loss it may be older.
// What is recovered may be more than it says, never less: the end of a log that is damaged or cut
// off looks like one that was being written, and only this file knows the difference.
//
//   0                      8                16            24
//   | u64 sequence number  | u64 head       | 8 bytes of H("weft.acked", what stands before) |
//
// Threads: one at a time. Errors: a file that cannot be read as that says nothing; one that cannot
// be written keeps what it said.

#include <cstdint>
#include <filesystem>
#include <optional>

namespace weft::reliability {

class AcknowledgedFile {
public:
    struct Mark {
        std::uint64_t sequence = 0, head = 0;
    };

    /// `writable` false: write() does nothing.
    AcknowledgedFile(const std::filesystem::path& directory, bool writable);
    ~AcknowledgedFile();
    AcknowledgedFile(const AcknowledgedFile&) = delete;
    AcknowledgedFile& operator=(const AcknowledgedFile&) = delete;

    [[nodiscard]] static std::optional<Mark> read(const std::filesystem::path& directory);
    void write(Mark mark) noexcept;
    /// False: what stands under its name is not what was opened, since the directory was removed,
    /// moved or covered by another. True where nothing is written.
    [[nodiscard]] bool is_in_place() const noexcept;

private:
    const std::filesystem::path path_;
    int file_;
    std::uint64_t device_ = 0, inode_ = 0;
};

}  // namespace weft::reliability

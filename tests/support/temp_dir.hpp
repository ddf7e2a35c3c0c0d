#pragma once
// An empty directory of a test's own, removed with everything in it.
// Threads: one. Ownership: the directory goes with the object.
// Errors: a directory that cannot be made is a std::runtime_error.

#include <filesystem>
#include <string>
#include <string_view>

namespace weft::testing {

class TempDir {
public:
    TempDir();
    ~TempDir();
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;

    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
    [[nodiscard]] std::filesystem::path operator/(std::string_view name) const {
        return path_ / name;
    }

private:
    std::filesystem::path path_;
};

/// All bytes of a file; throws std::runtime_error if it cannot be read.
[[nodiscard]] std::string read_text(const std::filesystem::path& file);
/// Makes the directories above it, then the file, in place of what was there.
void write_text(const std::filesystem::path& file, std::string_view text);
/// One line for each file and directory below, sorted: relative path, type, mode, and the bytes of
/// a regular file as a hash. Two listings are equal if nothing changed.
[[nodiscard]] std::string listing_of(const std::filesystem::path& directory);

}  // namespace weft::testing

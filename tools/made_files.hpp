#pragma once
// What a command made so far, so that a command that fails half-way leaves nothing behind.
// Threads: one. Ownership: removes what it knows when it goes, unless keep() was called.

#include <filesystem>
#include <system_error>
#include <vector>

namespace weft::tools {

class MadeFiles {
public:
    MadeFiles() = default;
    MadeFiles(const MadeFiles&) = delete;
    MadeFiles& operator=(const MadeFiles&) = delete;
    ~MadeFiles() {
        std::error_code ignored;
        // Directories were made before what is in them; one that others have put files into stays.
        for (auto path = paths_.rbegin(); path != paths_.rend(); ++path) {
            std::filesystem::remove(*path, ignored);
        }
    }

    void add(const std::filesystem::path& path) { paths_.push_back(path); }
    /// Makes a directory and those above it, as far as they are missing. The error says why not.
    [[nodiscard]] std::error_code make_directories(const std::filesystem::path& directory);
    void keep() noexcept { paths_.clear(); }

private:
    std::vector<std::filesystem::path> paths_;
};

inline std::error_code MadeFiles::make_directories(const std::filesystem::path& directory) {
    std::error_code error;
    std::filesystem::path so_far;
    for (const std::filesystem::path& part : directory) {
        so_far /= part;
        if (part.empty()) continue;  // a slash at the end
        if (std::filesystem::create_directory(so_far, error)) add(so_far);
        if (error) return error;
        if (!std::filesystem::is_directory(so_far, error)) {
            return error ? error : std::make_error_code(std::errc::not_a_directory);
        }
    }
    return {};
}

}  // namespace weft::tools

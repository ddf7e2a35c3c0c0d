#pragma once
// Where a receiver keeps its ReplayState: `<directory>/<kind>.<n>`, n = 0 to 15. Each receiver that
// runs holds one of them, locked; the files of receivers that are gone are read by the next one.
//
// A file is overwritten in place by one write. A process that is killed leaves the old text, the
// new one, or one whose checksum does not hold. It is flushed to the disk once, when it is opened
// for the first message: what an earlier boot of the machine left open is not relied on.
//
// Threads: confined to one thread. Errors: sentences; who gets one goes on with memory only.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "fabric/node/replay_state.hpp"

namespace weft::fabric {

class ReplayFile {
public:
    static constexpr int slots_max = 16;

    /// What was found when a slot was taken.
    struct Found {
        std::unique_ptr<ReplayFile> file;  ///< Null: memory only, and `problem` says why.
        std::string problem;               ///< Also a file that was no state; "": all is well.
        std::optional<ReplayState> own;
        std::vector<ReplayState> others;  ///< Of receivers that are gone.
        /// Some file could not be understood: what was accepted up to now is not known.
        bool lost = false;
    };

    /// Makes the directory (0700) if need be and takes the first free slot. A state that was left
    /// open by an earlier boot of this machine may be older than what was accepted: its horizon
    /// becomes `now_us`. `kind` is a file name.
    [[nodiscard]] static Found open(const std::filesystem::path& directory, const std::string& kind,
                                    std::uint64_t now_us);
    ~ReplayFile();
    ReplayFile(const ReplayFile&) = delete;
    ReplayFile& operator=(const ReplayFile&) = delete;

    /// The first open state waits for the disk, others for nothing.
    [[nodiscard]] tl::expected<void, std::string> write(ReplayState state);
    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

private:
    ReplayFile(std::filesystem::path path, int fd, const ReplayState::Boot& boot)
        : path_(std::move(path)), fd_(fd), boot_(boot) {}

    const std::filesystem::path path_;
    const int fd_;
    const ReplayState::Boot boot_;
    bool flushed_ = false;
};

}  // namespace weft::fabric

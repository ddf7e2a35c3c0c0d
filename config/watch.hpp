#pragma once
// Loads the configuration again when its files have changed, while a process runs. look_at_files()
// looks, ReloadDecider decides, Watch puts both round load().
// Threads: look_at_files() is as safe as the file system; a decider and a Watch are confined to one
// thread.
// Errors: lines that name file and line, each set of them said once.
#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "config/configuration.hpp"
#include "config/file_stamp.hpp"
#include "config/load.hpp"
#include "config/problem.hpp"

namespace weft::config {

/// What a load would read at this moment.
struct FilesSeen {
    std::map<std::filesystem::path, FileStamp> files;
    std::set<std::filesystem::path> folders;  ///< those that are there
    std::string problems;                     ///< folders that could not be read, and why

    bool operator==(const FilesSeen&) const = default;
};
[[nodiscard]] FilesSeen look_at_files(const LoadOptions& options);

/// What no load should take for an intention: files that had content and are empty now, as a full
/// disk or an unfinished write leaves them, and folders that are gone with all their files. A file
/// that was removed from a folder was removed by somebody.
[[nodiscard]] Problems vanished_content(const FilesSeen& before, const FilesSeen& now);

/// When to load again, and what to say about a load that failed. Pure: what was seen comes in.
class ReloadDecider {
public:
    /// A change that never comes to rest is taken all the same, after so many looks.
    static constexpr int looks_for_rest = 3;
    /// What failed may have been this process, which had no file descriptor left: the same files
    /// are tried again, at every so many looks.
    static constexpr int looks_between_attempts = 4;

    explicit ReloadDecider(FilesSeen loaded) : loaded_(loaded), last_(std::move(loaded)) {}

    /// True: load now. A change is taken once two looks have seen the same, so that a file which is
    /// being written is not read half; `asked` (SIGHUP) takes it at once.
    [[nodiscard]] bool on_look(const FilesSeen& now, bool asked);
    /// What was seen before that load is in force now.
    void on_loaded(FilesSeen seen);
    /// That load failed and the old state stays. Returns the lines that have not been said.
    [[nodiscard]] std::vector<std::string> on_failed(FilesSeen seen,
                                                     std::vector<std::string> problems);
    [[nodiscard]] const FilesSeen& loaded() const noexcept { return loaded_; }

private:
    FilesSeen loaded_, last_;
    std::optional<FilesSeen> failed_;
    std::vector<std::string> said_;
    int unsettled_ = 0, since_attempt_ = 0;
};

class Watch {
public:
    /// `loaded`: what look_at_files() saw before the configuration in force was loaded.
    Watch(LoadOptions options, FilesSeen loaded)
        : options_(std::move(options)), decider_(std::move(loaded)) {}

    /// Puts a configuration in force, whole or not at all; returns why not, or nothing.
    using Apply = std::function<std::vector<std::string>(const Configuration&)>;
    struct Outcome {
        bool applied = false;
        std::vector<std::string> problems;  ///< not said before; the old state stays in force
    };
    /// A few stat calls: call it about four times a second.
    [[nodiscard]] Outcome look(bool asked, const Apply& apply);

private:
    LoadOptions options_;
    ReloadDecider decider_;
};

}  // namespace weft::config

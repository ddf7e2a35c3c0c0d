#include "fabric/node/replay_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <system_error>
#include <utility>

namespace weft::fabric {
namespace {

/// With room for what stands around the state itself.
constexpr std::size_t text_bytes_max = ReplayState::bytes_max + 64;

std::string because(int error) {
    return std::generic_category().message(error);
}

/// The same for all processes until the machine starts again; zero where that cannot be told, and
/// then every start looks the same.
ReplayState::Boot boot_id() {
    ReplayState::Boot boot{};
    std::ifstream in("/proc/sys/kernel/random/boot_id");
    std::string text;
    in >> text;
    std::erase(text, '-');
    for (std::size_t i = 0; i < text.size(); ++i) {
        boot[i % boot.size()] = static_cast<char>(boot[i % boot.size()] * 31 + text[i]);
    }
    return boot;
}

/// A descriptor with the lock, -1 if another process holds it, -2 with errno for anything else.
int open_locked(const std::filesystem::path& path) {
    const int fd =
        ::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    if (fd < 0) return -2;
    struct stat status {};
    int error = 0;
    if (::fstat(fd, &status) != 0) {
        error = errno;
    } else if (!S_ISREG(status.st_mode)) {
        error = EINVAL;
    } else if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
        error = errno;
    }
    if (error == 0) return fd;
    ::close(fd);
    errno = error;
    return error == EWOULDBLOCK ? -1 : -2;
}

/// Nothing for a file that is empty: it was just made.
std::optional<std::string> text_of(int fd) {
    struct stat status {};
    if (::fstat(fd, &status) != 0 || status.st_size <= 0) return std::nullopt;
    std::string text(std::min(static_cast<std::size_t>(status.st_size), text_bytes_max), '\0');
    std::size_t have = 0;
    while (have < text.size()) {
        const ssize_t got =
            ::pread(fd, text.data() + have, text.size() - have, static_cast<off_t>(have));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        have += static_cast<std::size_t>(got);
    }
    text.resize(have);
    return text;
}

bool flush_directory(const std::filesystem::path& directory) {
    const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return false;
    const bool done = ::fsync(fd) == 0;
    ::close(fd);
    return done;
}

}  // namespace

ReplayFile::Found ReplayFile::open(const std::filesystem::path& directory, const std::string& kind,
                                   std::uint64_t now_us) {
    Found found;
    const auto memory_only = [](const std::string& why) {
        return "replay protection is kept in memory only, and does not survive a restart: " + why;
    };
    std::error_code error;
    if (std::filesystem::create_directories(directory, error)) {
        std::filesystem::permissions(directory, std::filesystem::perms::owner_all, error);
    }
    const ReplayState::Boot boot = boot_id();
    std::string why;
    for (int slot = 0; slot < slots_max; ++slot) {
        const auto path = directory / (kind + "." + std::to_string(slot));
        // Further slots are only read; whoever makes them is their first owner.
        if (found.file && !std::filesystem::exists(path, error)) continue;
        const int fd = open_locked(path);
        if (fd == -1) continue;
        if (fd == -2) {
            if (why.empty()) why = "'" + path.string() + "' cannot be written: " + because(errno);
            continue;
        }
        std::optional<ReplayState> state;
        if (const auto text = text_of(fd)) {
            state = replay_state_from(*text);
            if (!state) {
                found.lost = true;
                found.problem = "'" + path.string() +
                                "' is no replay state or is damaged; what was published before "
                                "now is refused";
            }
        }
        if (state && !state->closed && state->boot != boot) {
            state->horizon_us = std::max(state->horizon_us, now_us);
        }
        if (!found.file) {
            found.file.reset(new ReplayFile(path, fd, boot));
            found.own = std::move(state);
        } else {
            if (state) found.others.push_back(std::move(*state));
            ::close(fd);
        }
    }
    if (!found.file) {
        if (why.empty()) {
            why = "all " + std::to_string(slots_max) + " files '" +
                  (directory / (kind + ".N")).string() + "' are in use by other processes";
        } else {
            why += " (make its directory writable, or set fabric.replay.state)";
        }
        found.problem = memory_only(why);
    }
    return found;
}

ReplayFile::~ReplayFile() {
    ::close(fd_);
}

tl::expected<void, std::string> ReplayFile::write(ReplayState state) {
    state.boot = boot_;
    const std::string text = to_bytes(state);
    std::size_t done = 0;
    while (done < text.size()) {
        const ssize_t put =
            ::pwrite(fd_, text.data() + done, text.size() - done, static_cast<off_t>(done));
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0) {
            return tl::make_unexpected("'" + path_.string() +
                                       "' cannot be written: " + because(errno));
        }
        done += static_cast<std::size_t>(put);
    }
    // What a longer state left behind it is ignored. Once in its life it must be on the disk that
    // the file is open: else a power loss could bring back the closed one of the life before.
    if (!state.closed && !std::exchange(flushed_, true)) {
        if (::fdatasync(fd_) != 0 || !flush_directory(path_.parent_path())) {
            return tl::make_unexpected("'" + path_.string() +
                                       "' cannot be flushed: " + because(errno));
        }
    }
    return {};
}

}  // namespace weft::fabric

#include "fabric/node/epoch_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <system_error>

namespace weft::fabric {
namespace {

// 20 digits and a newline, always: the file is overwritten in place by one write of one sector, so
// it holds the old number or the new one, whatever happens.
constexpr std::size_t record_bytes = 21;

class File {
public:
    explicit File(const std::filesystem::path& path)
        : fd_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)) {}
    ~File() {
        if (fd_ >= 0) ::close(fd_);
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    [[nodiscard]] int fd() const noexcept { return fd_; }

private:
    int fd_;
};

bool make_durable(const std::filesystem::path& directory) {
    const int fd =
        ::open(directory.empty() ? "." : directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return false;
    const bool done = ::fsync(fd) == 0;
    ::close(fd);
    return done;
}

tl::unexpected<std::string> failed(const std::filesystem::path& file, const std::string& what) {
    return tl::make_unexpected("epoch file " + file.string() + ": " + what);
}

/// What errno says; unlike strerror(), from any thread.
std::string reason() {
    return std::generic_category().message(errno);
}

}  // namespace

tl::expected<std::uint64_t, std::string> next_epoch(const std::filesystem::path& path) {
    const File file(path);
    if (file.fd() < 0) {
        return failed(path, reason() +
                                " (a publisher counts its starts there: make its directory "
                                "writable)");
    }
    while (::flock(file.fd(), LOCK_EX) != 0) {
        if (errno != EINTR) return failed(path, "cannot be locked: " + reason());
    }
    std::array<char, record_bytes + 1> text{};
    const ssize_t got = ::pread(file.fd(), text.data(), text.size(), 0);
    if (got < 0) return failed(path, reason());
    std::uint64_t epoch = 0;
    if (got > 0) {
        const auto [end, error] = std::from_chars(text.data(), text.data() + got, epoch);
        const char* const newline = text.data() + record_bytes - 1;
        if (error != std::errc{} || got != record_bytes || end != newline || *newline != '\n') {
            return failed(path,
                          "does not hold one number of 20 digits; if it is damaged, write a "
                          "number higher than any used before");
        }
    }
    if (++epoch == 0) return failed(path, "the counter is at its end");
    const std::string digits = std::to_string(epoch);
    const std::string record = std::string(record_bytes - 1 - digits.size(), '0') + digits + "\n";
    if (::pwrite(file.fd(), record.data(), record.size(), 0) !=
            static_cast<ssize_t>(record.size()) ||
        ::fdatasync(file.fd()) != 0) {
        return failed(path, "cannot be written: " + reason());
    }
    // A file that was just made is not there after a power loss unless its directory says so.
    if (got == 0 && !make_durable(path.parent_path())) {
        return failed(path, "its directory cannot be written: " + reason());
    }
    return epoch;
}

}  // namespace weft::fabric

#include "signing/durable_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <system_error>

#include "signing/digest.hpp"
#include "signing/sodium.hpp"

namespace weft::signing {
namespace {

class Descriptor {
public:
    explicit Descriptor(int fd) : fd_(fd) {}
    ~Descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    [[nodiscard]] int get() const { return fd_; }

private:
    int fd_;
};

std::string because(int error) {
    return std::generic_category().message(error);
}

std::string quoted(const std::filesystem::path& file) {
    return "'" + file.string() + "'";
}

auto failed(const std::filesystem::path& file, std::string_view what, int error) {
    return tl::make_unexpected(quoted(file) + " " + std::string(what) + ": " + because(error) +
                               ".");
}

/// Reads to the end. -1: errno says why. More than `bytes_max`: it returns bytes_max + 1.
ssize_t read_all(int fd, char* out, std::size_t bytes_max) {
    std::size_t have = 0;
    while (have <= bytes_max) {
        const ssize_t got = ::read(fd, out + have, bytes_max + 1 - have);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return -1;
        if (got == 0) break;
        have += static_cast<std::size_t>(got);
    }
    return static_cast<ssize_t>(have);
}

bool write_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t put = ::write(fd, bytes.data(), bytes.size());
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(put));
    }
    return true;
}

/// What is wrong with the size, or "".
std::string size_error(const std::filesystem::path& file, ssize_t bytes, std::size_t bytes_max) {
    if (bytes == 0) {
        return quoted(file) + " is empty; put back a good copy or make it again.";
    }
    if (static_cast<std::size_t>(bytes) > bytes_max) {
        return quoted(file) + " is larger than " + std::to_string(bytes_max) +
               " bytes, so it cannot be what its name says.";
    }
    return {};
}

std::string octal(mode_t mode) {
    std::array<char, 8> text{};
    std::snprintf(text.data(), text.size(), "%04o", mode & 07777U);
    return text.data();
}

std::string private_error(const std::filesystem::path& file, const struct stat& status) {
    if (status.st_uid != ::geteuid()) {
        return quoted(file) + " belongs to user id " + std::to_string(status.st_uid) +
               ", but this process runs as user id " + std::to_string(::geteuid()) +
               "; a private key must belong to the user who uses it (see chown).";
    }
    if ((status.st_mode & 077U) != 0) {
        return quoted(file) + " can be reached by other users (mode " + octal(status.st_mode) +
               "); run: chmod 600 " + file.string();
    }
    return {};
}

std::filesystem::path directory_of(const std::filesystem::path& file) {
    return file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
}

/// Hidden, so that nothing takes it for what it will become.
std::filesystem::path temporary_name(const std::filesystem::path& file) {
    std::array<char, 8> random;
    random_bytes(random.data(), random.size());
    return directory_of(file) /
           ("." + file.filename().string() + ".tmp-" + hex({random.data(), random.size()}));
}

/// 0, or what errno said.
int write_and_flush(const std::filesystem::path& file, std::string_view bytes, mode_t mode) {
    const Descriptor out(
        ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
    if (out.get() < 0) return errno;
    if (!write_all(out.get(), bytes) || ::fsync(out.get()) != 0) return errno;
    return 0;
}

int rename_into_place(const std::filesystem::path& from, const std::filesystem::path& to,
                      WhenFileExists when) {
    if (when == WhenFileExists::replace) {
        return ::rename(from.c_str(), to.c_str()) == 0 ? 0 : errno;
    }
    if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return 0;
    if (errno != EINVAL && errno != ENOSYS) return errno;
    // A file system without that flag: a second name is refused just as well if one is there.
    if (::link(from.c_str(), to.c_str()) != 0) return errno;
    ::unlink(from.c_str());
    return 0;
}

int flush_directory(const std::filesystem::path& directory) {
    const Descriptor opened(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (opened.get() < 0 || ::fsync(opened.get()) != 0) return errno;
    return 0;
}

}  // namespace

tl::expected<std::string, std::string> read_file(const std::filesystem::path& file,
                                                 std::size_t bytes_max) {
    // O_NONBLOCK: a named pipe must be refused, not waited for.
    const Descriptor in(::open(file.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    struct stat status {};
    if (in.get() < 0 || ::fstat(in.get(), &status) != 0) {
        return failed(file, "cannot be read", errno);
    }
    if (!S_ISREG(status.st_mode)) {
        return tl::make_unexpected(quoted(file) + " is not a regular file; it must be one.");
    }
    if (status.st_size > 0 && static_cast<std::size_t>(status.st_size) > bytes_max) {
        return tl::make_unexpected(size_error(file, status.st_size, bytes_max));
    }
    // One byte more than its size, so that a file that grows meanwhile is noticed.
    const auto expected = static_cast<std::size_t>(status.st_size);
    std::string bytes(expected + 1, '\0');
    const ssize_t count = read_all(in.get(), bytes.data(), expected);
    if (count < 0) return failed(file, "cannot be read", errno);
    if (std::string error = size_error(file, count, bytes_max); !error.empty()) {
        return tl::make_unexpected(std::move(error));
    }
    if (static_cast<std::size_t>(count) > expected) {
        return tl::make_unexpected(quoted(file) + " is being written just now; try again.");
    }
    bytes.resize(static_cast<std::size_t>(count));
    return bytes;
}

tl::expected<Secret, std::string> read_private_file(const std::filesystem::path& file,
                                                    std::size_t bytes_max) {
    const Descriptor in(
        ::open(file.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    if (in.get() < 0 && errno == ELOOP) {
        return tl::make_unexpected(quoted(file) +
                                   " is a symbolic link; a private key must be a regular file in "
                                   "its own place.");
    }
    struct stat status {};
    if (in.get() < 0 || ::fstat(in.get(), &status) != 0) {
        return failed(file, "cannot be read", errno);
    }
    if (!S_ISREG(status.st_mode)) {
        return tl::make_unexpected(quoted(file) +
                                   " is not a regular file; a private key must be one.");
    }
    if (std::string error = private_error(file, status); !error.empty()) {
        return tl::make_unexpected(std::move(error));
    }
    Secret bytes(bytes_max + 1);
    const ssize_t count = read_all(in.get(), bytes.data(), bytes_max);
    if (count < 0) return failed(file, "cannot be read", errno);
    if (std::string error = size_error(file, count, bytes_max); !error.empty()) {
        return tl::make_unexpected(std::move(error));
    }
    bytes.shrink_to(static_cast<std::size_t>(count));
    return bytes;
}

tl::expected<void, std::string> write_file(const std::filesystem::path& file,
                                           std::string_view bytes, mode_t mode,
                                           WhenFileExists when) {
    const std::filesystem::path temporary = temporary_name(file);
    int error = write_and_flush(temporary, bytes, mode);
    if (error == 0) error = rename_into_place(temporary, file, when);
    if (error != 0) {
        ::unlink(temporary.c_str());
        if (error == EEXIST) {
            return tl::make_unexpected(quoted(file) +
                                       " is there already and was not touched; remove it first or "
                                       "choose another name.");
        }
        return failed(file, "cannot be written", error);
    }
    error = flush_directory(directory_of(file));
    if (error != 0) return failed(file, "is written, but its directory cannot be flushed", error);
    return {};
}

}  // namespace weft::signing

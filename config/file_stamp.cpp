#include "config/file_stamp.hpp"

#include <sys/stat.h>

#include <cerrno>

namespace weft::config {

FileStamp FileStamp::look(const std::filesystem::path& file) {
    FileStamp stamp;
    struct stat status {};
    if (::stat(file.c_str(), &status) != 0) {
        stamp.error = errno;
        return stamp;
    }
    const auto nanoseconds = [](const timespec& time) {
        return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
    };
    stamp.device = status.st_dev;
    stamp.inode = status.st_ino;
    stamp.size = static_cast<std::uint64_t>(status.st_size);
    stamp.mode = status.st_mode;
    stamp.modified_ns = nanoseconds(status.st_mtim);
    stamp.changed_ns = nanoseconds(status.st_ctim);
    return stamp;
}

}  // namespace weft::config

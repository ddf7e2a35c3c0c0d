#include "tests/fault/journal_cuts/disk.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <vector>

#include "tests/support/process.hpp"

namespace weft::fault {
namespace {

/// EXT4_IOC_SHUTDOWN, and its flag: do not flush the log.
constexpr unsigned long shutdown_request = 0x8004587d;
constexpr std::uint32_t without_log_flush = 2;

/// "" or why it did not work, also where there is no such program.
std::string command(const std::vector<std::string>& argv) {
    try {
        const testing::Finished done = testing::run(argv);
        return done.exit_code == 0 ? "" : argv.front() + ": " + done.err;
    } catch (const std::runtime_error& error) {
        return error.what();
    }
}

}  // namespace

tl::expected<std::unique_ptr<LoopDisk>, std::string> LoopDisk::make(
    const std::filesystem::path& directory, std::size_t megabytes) {
    if (::geteuid() != 0) return tl::make_unexpected(std::string{"loop mounts need root"});
    // In a mount namespace of our own: one that somebody else makes meanwhile would hold a copy,
    // and with it the file system that was shut down.
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr)) {
        return tl::make_unexpected(std::string{"no mount namespace: "} + std::strerror(errno));
    }
    std::unique_ptr<LoopDisk> disk(new LoopDisk(directory / "disk.img", directory / "mounted"));
    std::filesystem::create_directories(disk->mount_);
    std::string wrong =
        command({"truncate", "-s", std::to_string(megabytes) + "M", disk->image_.string()});
    if (wrong.empty()) wrong = command({"/usr/sbin/mkfs.ext4", "-q", "-F", disk->image_.string()});
    if (wrong.empty()) {
        wrong = command({"mount", "-o", "loop", disk->image_.string(), disk->mount_.string()});
    }
    if (!wrong.empty()) return tl::make_unexpected(wrong);
    disk->is_mounted_ = true;
    return disk;
}

LoopDisk::~LoopDisk() {
    if (is_mounted_) ::umount2(mount_.c_str(), MNT_DETACH);
}

void LoopDisk::cut_power() {
    const int file = ::open(mount_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    std::uint32_t flags = without_log_flush;
    const int done = file < 0 ? -1 : ::ioctl(file, shutdown_request, &flags);
    const int error = errno;
    if (file >= 0) ::close(file);
    if (done != 0) {
        throw std::runtime_error(std::string{"cannot shut the file system down: "} +
                                 std::strerror(error));
    }
}

void LoopDisk::restore_power() {
    std::string wrong = command({"umount", mount_.string()});
    is_mounted_ = !wrong.empty();
    if (wrong.empty()) {
        wrong = command({"mount", "-o", "loop", image_.string(), mount_.string()});
        is_mounted_ = wrong.empty();
    }
    if (!wrong.empty()) throw std::runtime_error(wrong);
}

}  // namespace weft::fault

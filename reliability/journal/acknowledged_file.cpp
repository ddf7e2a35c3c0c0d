#include "reliability/journal/acknowledged_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <string>

#include "signing/digest.hpp"
#include "signing/wire.hpp"

namespace weft::reliability {
namespace {

constexpr std::size_t file_bytes = 24;

std::filesystem::path file_in(const std::filesystem::path& directory) {
    return directory / "ACKNOWLEDGED";
}

std::string text_of(AcknowledgedFile::Mark mark) {
    std::string text = signing::WireWriter().u64(mark.sequence).u64(mark.head).take();
    const signing::Digest digest = signing::TaggedHash("weft.acked").add(text).finish();
    return text.append(signing::bytes_of(digest).substr(0, 8));
}

}  // namespace

AcknowledgedFile::AcknowledgedFile(const std::filesystem::path& directory, bool writable)
    : path_(file_in(directory)),
      file_(writable ? ::open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644) : -1) {
    struct stat own {};
    if (file_ < 0 || ::fstat(file_, &own) != 0) return;
    device_ = own.st_dev;
    inode_ = own.st_ino;
}

AcknowledgedFile::~AcknowledgedFile() {
    if (file_ >= 0) ::close(file_);
}

std::optional<AcknowledgedFile::Mark> AcknowledgedFile::read(
    const std::filesystem::path& directory) {
    const int file = ::open(file_in(directory).c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return std::nullopt;
    std::array<char, file_bytes> bytes{};
    const ssize_t count = ::read(file, bytes.data(), bytes.size());
    ::close(file);
    if (count != static_cast<ssize_t>(bytes.size())) return std::nullopt;
    const std::string_view text(bytes.data(), bytes.size());
    signing::WireReader reader(text);
    Mark mark;
    mark.sequence = reader.u64();
    mark.head = reader.u64();
    if (text_of(mark) != text) return std::nullopt;
    return mark;
}

void AcknowledgedFile::write(Mark mark) noexcept {
    if (file_ < 0) return;
    const std::string text = text_of(mark);
    // A write that fails leaves the older mark, which is still true.
    [[maybe_unused]] const ssize_t written = ::pwrite(file_, text.data(), text.size(), 0);
}

bool AcknowledgedFile::is_in_place() const noexcept {
    if (inode_ == 0) return true;
    struct stat now {};
    return ::stat(path_.c_str(), &now) == 0 && now.st_dev == device_ && now.st_ino == inode_;
}

}  // namespace weft::reliability

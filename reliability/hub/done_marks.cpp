#include "reliability/hub/done_marks.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace weft::reliability::hub {
namespace {

constexpr std::uint64_t magic = 0x7765'6674'6d61'0001U;  // "weftma", version 1
using Cell = std::atomic<std::uint64_t>;
static_assert(Cell::is_always_lock_free && sizeof(Cell) == sizeof(std::uint64_t));

std::string reason(int error) {
    return std::generic_category().message(error);
}

}  // namespace

// Every store is visible in the file at once to whoever maps it next, in the order in which one
// thread made them: the entry first, then the count that includes it.
struct DoneMarks::Layout {
    Cell magic_and_version, epoch, from, to;
    std::array<Cell, workers_max> in_hand;
    std::array<Cell, entries_max> done;
};

tl::expected<std::unique_ptr<DoneMarks>, std::string> DoneMarks::open(
    const std::filesystem::path& directory, const std::string& consumer) {
    const auto failed = [](const std::filesystem::path& path, const std::string& what) {
        return tl::make_unexpected("cannot use " + path.string() + ": " + what);
    };
    std::error_code made;
    std::filesystem::create_directories(directory, made);
    if (made) return failed(directory, made.message() + "; hub.state names the directory");
    for (unsigned slot = 0; slot < slots_max; ++slot) {
        const auto path = directory / (consumer + "." + std::to_string(slot) + ".marks");
        const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0) return failed(path, reason(errno));
        if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
            const int error = errno;
            ::close(fd);
            if (error == EWOULDBLOCK) continue;
            return failed(path, reason(error));
        }
        // Room on the disk now, or a later store would end the process.
        if (const int error = ::posix_fallocate(fd, 0, sizeof(Layout)); error != 0) {
            ::close(fd);
            return failed(path, reason(error));
        }
        void* mapped = ::mmap(nullptr, sizeof(Layout), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (mapped == MAP_FAILED) {
            const int error = errno;
            ::close(fd);
            return failed(path, reason(error));
        }
        return std::unique_ptr<DoneMarks>(new DoneMarks(fd, static_cast<Layout*>(mapped), slot));
    }
    return tl::make_unexpected("all " + std::to_string(slots_max) + " places of consumer '" +
                               consumer + "' in " + directory.string() +
                               " are taken by running hubs; give them other directories by "
                               "hub.state");
}

DoneMarks::~DoneMarks() {
    ::munmap(layout_, sizeof(Layout));
    ::close(fd_);
}

DoneMarks::Left DoneMarks::left(std::uint64_t epoch) const {
    Left left;
    const std::uint64_t from = layout_->from, to = layout_->to;
    // A file that is new, or that something else has written into, says nothing.
    if (layout_->magic_and_version != magic || layout_->epoch != epoch) return left;
    if (to < from || to - from > entries_max) return left;
    for (std::uint64_t at = from; at < to; ++at) {
        // No message has number 0: that part of the file was cut off, and is new.
        const std::uint64_t id = layout_->done[at % entries_max];
        if (id != 0) left.done.push_back(id);
    }
    for (const Cell& id : layout_->in_hand) {
        if (id != 0) left.in_hand.push_back(id);
    }
    return left;
}

void DoneMarks::begin(std::uint64_t epoch) {
    layout_->magic_and_version = 0;
    layout_->from = 0;
    layout_->to = 0;
    for (Cell& id : layout_->in_hand) id = 0;
    layout_->epoch = epoch;
    layout_->magic_and_version = magic;
}

void DoneMarks::in_hand(std::size_t worker, std::uint64_t id) {
    layout_->in_hand[worker] = id;
}

bool DoneMarks::done(std::uint64_t id) {
    const std::uint64_t to = layout_->to;
    if (to - layout_->from >= entries_max) return false;
    layout_->done[to % entries_max] = id;
    layout_->to = to + 1;
    return true;
}

void DoneMarks::settle(std::size_t count) {
    layout_->from += count;
}

std::size_t DoneMarks::unsettled() const {
    return layout_->to - layout_->from;
}

}  // namespace weft::reliability::hub

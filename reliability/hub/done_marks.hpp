#pragma once
// What a durable consumer has done and the journal has not yet been told, in a small file that is
// mapped into memory: it outlives kill -9 at the cost of a store, and is no more durable than the
// page cache (after a loss of power the messages come again).
//
// One file is one member of the consumer's group: who has it locked is that member. So a hub that
// starts again after a crash takes the same file, settles what it finds in it, and is the same
// member.
//
//     <state>/<consumer>.<slot>.marks, of u64 in the machine's byte order:
//     magic and version | journal epoch | done from | done to | in hand, workers_max entries |
//     done, entries_max entries, as a ring
//
// Threads: done_at() and begin_at() by the worker of that number; done() by a lock of the caller's;
//          settle() by one thread. Errors: sentences.

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <tl/expected.hpp>
#include <vector>

namespace weft::reliability::hub {

class DoneMarks {
public:
    static constexpr std::size_t entries_max = 16'384, workers_max = 1024;
    static constexpr unsigned slots_max = 64;

    /// Takes the first of the consumer's files that nobody has.
    [[nodiscard]] static tl::expected<std::unique_ptr<DoneMarks>, std::string> open(
        const std::filesystem::path& directory, const std::string& consumer);
    ~DoneMarks();
    DoneMarks(const DoneMarks&) = delete;
    DoneMarks& operator=(const DoneMarks&) = delete;

    [[nodiscard]] unsigned slot() const noexcept { return slot_; }

    /// What the one before us left: done and not told, and in hand when it ended. Nothing of
    /// another epoch: those numbers mean other messages.
    struct Left {
        std::vector<std::uint64_t> done, in_hand;
    };
    [[nodiscard]] Left left(std::uint64_t epoch) const;
    /// Forgets all, and is about this epoch from now on.
    void begin(std::uint64_t epoch);

    /// Worker `worker` has `id` in hand; 0: nothing.
    void in_hand(std::size_t worker, std::uint64_t id);
    /// False: there is no room; settle() first.
    [[nodiscard]] bool done(std::uint64_t id);
    /// The oldest `count` have been told.
    void settle(std::size_t count);
    [[nodiscard]] std::size_t unsettled() const;

private:
    struct Layout;
    DoneMarks(int fd, Layout* layout, unsigned slot) : fd_(fd), layout_(layout), slot_(slot) {}
    int fd_;
    Layout* layout_;
    unsigned slot_;
};

}  // namespace weft::reliability::hub

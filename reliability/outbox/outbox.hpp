#pragma once
// What a publisher has said yes to and no journal has acknowledged yet, on disk: after a crash it
// is submitted again. No network inside: pending() says what is left to be done.
//
// Promises: a message that add() has answered is in pending() until settle() was called for it,
//           also over kill -9 and power loss. A settled one may come back after a power loss:
//           submitting twice does no harm. Damage to one record costs that record, and is named.
// How:      one file that grows, flushed once for all that wait (outbox_record.hpp), rewritten when
//           most of it is settled. A tail that a crash cut off is cut away.
// Threads:  every function from any thread.
// Limits:   the file, at most `bytes_max`, twice that while it is rewritten; 16 MiB a message. Full
//           is an error. One process at a time: the directory is locked.
// Errors:   sentences that name the file and say what to do. After a failed flush nothing can be
//           added any more until the outbox is opened anew: what the disk has is not known.

#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <unordered_map>
#include <utility>
#include <vector>

#include "reliability/outbox/outbox_record.hpp"

namespace weft::reliability {

class Outbox {
public:
    static constexpr std::uint64_t bytes_least = std::uint64_t{64} << 10;

    /// Makes the directory (0700) if need be.
    [[nodiscard]] static tl::expected<std::unique_ptr<Outbox>, std::string> open(
        const std::filesystem::path& directory, std::uint64_t bytes_max);
    ~Outbox();
    Outbox(const Outbox&) = delete;
    Outbox& operator=(const Outbox&) = delete;

    struct Error {
        enum class Reason { full, too_large, disk, broken };
        Reason reason;
        std::string sentence;
    };
    /// Returns once it is durable. A message that is there already is only waited for.
    [[nodiscard]] tl::expected<void, Error> add(const OutboxMessage& message);
    /// The first half of add(): written, not yet durable. wait() for what it returns is the other.
    using Ticket = std::uint64_t;
    [[nodiscard]] tl::expected<Ticket, Error> append(const OutboxMessage& message);
    [[nodiscard]] tl::expected<void, Error> wait(Ticket ticket);

    /// Room that is held for one message until this is gone, so that append() does not find the
    /// outbox full. Must be gone before the outbox is.
    class Room {
    public:
        Room() = default;
        Room(Room&& other) noexcept
            : outbox_(std::exchange(other.outbox_, nullptr)), bytes_(other.bytes_) {}
        Room& operator=(Room&& other) noexcept {
            std::swap(outbox_, other.outbox_);
            std::swap(bytes_, other.bytes_);
            return *this;
        }
        ~Room() {
            if (outbox_ != nullptr) outbox_->let_go(bytes_);
        }

    private:
        friend class Outbox;
        Room(Outbox& outbox, std::size_t bytes) : outbox_(&outbox), bytes_(bytes) {}
        Outbox* outbox_ = nullptr;
        std::size_t bytes_ = 0;
    };
    [[nodiscard]] tl::expected<Room, Error> hold_room(std::size_t topic_bytes,
                                                      std::size_t content_bytes);
    /// Into the room that was held for this very message.
    [[nodiscard]] tl::expected<Ticket, Error> append(const OutboxMessage& message, Room room);
    /// A journal has it. False: it is not here (any more). What cannot be written is only forgotten
    /// by this process, and comes back after a restart.
    bool settle(const fabric::MessageId& id);

    /// In the order of add(), those after `after` (0: all), whole messages of at most `bytes`
    /// together, at least one if there is one.
    struct Pending {
        std::uint64_t place = 0;  ///< For `after`.
        OutboxMessage message;
    };
    [[nodiscard]] std::vector<Pending> pending(std::uint64_t after, std::size_t bytes);

    /// One message that is not settled, without its bytes.
    struct Kept {
        std::uint64_t place = 0;  ///< Rises in the order of add().
        fabric::MessageId id;
        std::size_t bytes = 0;
    };
    [[nodiscard]] std::vector<Kept> kept() const;
    [[nodiscard]] std::optional<Kept> find(const fabric::MessageId& id) const;
    /// Nothing if it is settled, or damaged: then it is named and forgotten.
    [[nodiscard]] std::optional<OutboxMessage> read(const Kept& kept);

    struct Stats {
        std::size_t messages = 0;      ///< Not settled.
        std::uint64_t live_bytes = 0;  ///< Theirs.
        std::uint64_t file_bytes = 0;
        std::uint64_t damaged = 0;  ///< Stretches that were passed over.
        std::uint64_t flushes = 0, rewrites = 0;
    };
    [[nodiscard]] Stats stats() const;
    /// What was found damaged, at most 100 sentences; then only counted.
    [[nodiscard]] std::vector<std::string> problems() const;
    /// For sentences: "outbox '<file>'".
    [[nodiscard]] std::string named() const { return "outbox '" + file().string() + "'"; }

private:
    struct Place {
        std::uint64_t offset = 0;
        std::size_t bytes = 0;
        fabric::MessageId id;
    };
    Outbox(std::filesystem::path directory, std::uint64_t bytes_max, int lock_fd)
        : directory_(std::move(directory)), bytes_max_(bytes_max), lock_fd_(lock_fd) {}
    [[nodiscard]] std::filesystem::path file() const { return directory_ / "messages"; }
    [[nodiscard]] std::string load();
    void read_records(std::string_view bytes);
    void damaged(std::uint64_t offset, std::uint64_t bytes);
    void remember(std::uint64_t offset, std::size_t bytes, const fabric::MessageId& id);
    void forget(const fabric::MessageId& id);
    [[nodiscard]] tl::expected<void, Error> write_record(std::string_view record);
    void let_go(std::size_t room_bytes);
    [[nodiscard]] tl::expected<void, Error> make_room(std::size_t bytes,
                                                      std::unique_lock<std::mutex>& lock);
    [[nodiscard]] tl::expected<void, Error> fits_at_all(std::size_t bytes,
                                                        std::size_t topic_bytes) const;
    [[nodiscard]] tl::expected<Ticket, Error> append_here(const std::string& record,
                                                          const fabric::MessageId& id);
    [[nodiscard]] bool worth_rewriting() const noexcept;
    [[nodiscard]] std::string rewrite(std::unique_lock<std::mutex>& lock);
    [[nodiscard]] std::string read_back(const Place& place) const;

    const std::filesystem::path directory_;
    const std::uint64_t bytes_max_;
    const int lock_fd_;

    mutable std::mutex mutex_;  // guards what follows
    std::condition_variable flushed_;
    int fd_ = -1;
    std::uint64_t end_ = 0;  // of the file
    std::uint64_t next_place_ = 1;
    std::map<std::uint64_t, Place> places_;  // in the order of add()
    std::unordered_map<fabric::MessageId, std::uint64_t> by_id_;
    std::uint64_t live_bytes_ = 0;
    std::uint64_t held_bytes_ = 0;  // of rooms
    Ticket appended_ = 0, durable_ = 0;
    bool flushing_ = false;
    std::string broken_;
    Stats counted_;
    std::vector<std::string> problems_;
};

}  // namespace weft::reliability

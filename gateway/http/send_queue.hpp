#pragma once
// What waits to be sent to one reader: shared bytes, bounded. Producers of any thread put, one
// thread takes batches: the io thread, or whoever was told to wake it and does the work instead.
// Nothing is copied: a thousand readers share one buffer.
// Threads: any; take() and taken() by one at a time.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "gateway/http/exchange.hpp"

namespace weft::gateway {

class SendQueue {
public:
    /// Tells its function whether the item was sent: false at the latest when it goes.
    class Sent {
    public:
        Sent() = default;
        explicit Sent(std::function<void(bool)> tell) : tell_(std::move(tell)) {}
        Sent(Sent&& other) noexcept : tell_(std::exchange(other.tell_, nullptr)) {}
        Sent& operator=(Sent&& other) noexcept {
            if (this == &other) return *this;
            say(false);
            tell_ = std::exchange(other.tell_, nullptr);
            return *this;
        }
        ~Sent() { say(false); }
        void say(bool all_taken) noexcept {
            if (auto tell = std::exchange(tell_, nullptr)) tell(all_taken);
        }
        explicit operator bool() const noexcept { return static_cast<bool>(tell_); }

    private:
        std::function<void(bool)> tell_;
    };
    struct Item {
        SharedBytes bytes;
        bool is_text = false;  ///< For WebSockets.
        Sent sent{};
        std::uint8_t control = 0;  ///< The opcode of a WebSocket's control frame; 0: it is none.
    };
    enum class Put {
        queued,    ///< The io thread has been told before and will come.
        wake,      ///< Queued; tell the io thread.
        closed,    ///< Nothing is taken any more.
        overflow,  ///< This was too much: it is closed now, and the io thread must be told.
    };

    /// At most `bytes_max` wait, what the operating system has not taken included. One item may be
    /// larger than that if nothing else waits.
    explicit SendQueue(std::size_t bytes_max) : bytes_max_(bytes_max) {}

    [[nodiscard]] Put put(Item item);
    /// No more is put; what waits is sent. True: tell the io thread.
    [[nodiscard]] bool end() { return end(std::nullopt); }
    /// The same, with a last word behind what waits.
    [[nodiscard]] bool end(std::optional<Item> last);
    /// The last word at once, in the place of what waits.
    [[nodiscard]] bool end_instead(Item last);
    /// Lets go of everything.
    void close();

    /// At most `count_max` items, oldest first. None: put() and end() ask for a wake-up again.
    [[nodiscard]] std::vector<Item> take(std::size_t count_max);
    /// The same, into a batch that is empty and keeps its memory. False: there is none, and from
    /// then on somebody else may be at the batch.
    [[nodiscard]] bool take(std::size_t count_max, std::vector<Item>& batch);
    /// The operating system has the last batch, of `bytes`.
    void taken(std::size_t bytes);

    /// end() was called and everything was taken.
    [[nodiscard]] bool finished() const;
    [[nodiscard]] bool closed() const;   ///< Also once end() was called.
    [[nodiscard]] bool cut_off() const;  ///< By an overflow or close().
    [[nodiscard]] std::size_t queued() const;

private:
    mutable std::mutex mutex_;
    std::deque<Item> items_;
    const std::size_t bytes_max_;
    std::size_t queued_ = 0;
    bool awake_ = true;  ///< The io thread takes first when the head of the answer is out.
    bool ended_ = false;
    bool closed_ = false;
};

}  // namespace weft::gateway

#pragma once
// The only crossing between requests and the fabric with its journal: publish, read, wait. A
// translator holds nothing else, so everything that it promises rests on the journal's ids.
//
// Threads:   every function from any thread, none blocks. Callbacks run once each, in any thread,
//            also before the call returns; they must not block or throw.
// Ownership: events keep the bytes of their messages; holding one holds the page that it is from.
// Limits:    requests that wait for a worker, and waiters, are bounded; beyond, the answer is
//            `busy` and Woken::full at once.
// Stop:      what is under way is answered `stopped`, and so is everything after.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "fabric/message/message.hpp"
#include "fabric/message/message_id.hpp"
#include "gateway/principal.hpp"
#include "reliability/ack/level.hpp"
#include "reliability/ack/outcome.hpp"
#include "reliability/ack/recipients.hpp"
#include "reliability/journal/journal.hpp"

namespace weft::gateway {

struct BridgeError {
    enum class Kind : std::uint8_t {
        invalid,      ///< The caller's fault: a topic, a header, a limit.
        not_granted,  ///< The gateway's own certificate, or the policy, does not allow the topic.
        too_large,
        busy,              ///< A queue is full; try again.
        journal_away,      ///< The journal or the fabric is not there; try again.
        disk_full,         ///< Nothing was stored; goes on by itself once there is room.
        not_acknowledged,  ///< Sent, but too few recipients said so.
        stopped,
    };
    Kind kind;
    std::string sentence;
    /// not_acknowledged alone: what each of the recipients said.
    std::shared_ptr<const reliability::Outcome> outcome{};
    std::optional<fabric::MessageId> id{};  ///< Where the message may have left all the same.
};
[[nodiscard]] std::string_view name_of(BridgeError::Kind kind) noexcept;

template <class T>
using BridgeResult = tl::expected<T, BridgeError>;

struct PublishRequest {
    enum class Mode : std::uint8_t {
        fire_and_forget,  ///< Handed to the fabric; nobody says that it arrived.
        durable,          ///< Answered once it is on the disk of our own journal.
        acknowledged,     ///< Answered once `recipients` have acknowledged, or not in time.
    };
    std::string topic;                              ///< Full.
    std::string body;                               ///< As published; never looked at.
    std::string content_type = "application/json";  ///< "": `body` is msgpack.
    /// `via` is set by the bridge; one among these is `invalid` (H3).
    std::vector<std::pair<std::string, std::string>> headers{};
    std::optional<fabric::MessageId> parent{};
    Mode mode = Mode::durable;
    reliability::Recipients recipients{};
    reliability::AckLevel level = reliability::AckLevel::received;
    std::optional<std::chrono::milliseconds> ack_timeout{};
};

struct Published {
    fabric::MessageId id;
    std::optional<reliability::JournalId> journal_id{};     ///< Mode durable.
    std::shared_ptr<const reliability::Outcome> outcome{};  ///< Mode acknowledged.
};

/// A message of the journal whose proof held.
struct StoredEvent {
    reliability::JournalId id = 0;
    std::uint64_t stored_us = 0;  ///< When the journal stored it; rises with the ids.
    fabric::Message message;
    bool revoked_later = false;
};

struct ReadRequest {
    /// Rising: what follows `after`. newest: the newest that follow it, by falling ids.
    enum class Order : std::uint8_t { rising, newest };

    reliability::Position after{};  ///< Beyond the head: an empty page.
    reliability::TopicFilter filter{};
    std::uint64_t messages = 1000;  ///< At least 1.
    /// Of contents, about; one event is given whatever it has. Events beyond come with the next
    /// page; of Order::newest the older ones do not come at all.
    std::size_t bytes = std::size_t{8} << 20;
    std::uint64_t stored_since_us = 0;            ///< Nothing that was stored before this time.
    reliability::JournalId through = UINT64_MAX;  ///< Nothing after this id.
    Order order = Order::rising;
    /// Asked of each event before it counts; called by a worker. Empty: all.
    std::function<bool(const StoredEvent&)> keep{};
};

struct EventPage {
    std::vector<StoredEvent> events;
    /// Read on from here (Order::rising); without `at_head` there may be more at once.
    reliability::Position next{};
    /// The watermark: everything up to it that was asked for and is not in a gap is on this page
    /// or before it, if `at_head`.
    reliability::JournalId head = 0;
    bool at_head = false;
    /// Trimmed or expired before the first event, and after the position that was asked for.
    std::optional<reliability::JournalGap> gap{};
    /// The last id after the position that `stored_since_us` hides; 0: it hides none.
    reliability::JournalId hidden_through = 0;
    std::uint64_t refused = 0;  ///< Messages whose proof did not hold: left out, counted, logged.
};

enum class Woken : std::uint8_t {
    stored,  ///< Something that matches may have been stored after the id: read.
    timeout,
    full,  ///< Too many wait already: answer with what there is.
    stopped,
};

class FabricBridge {
public:
    virtual ~FabricBridge() = default;

    using OnPublished = std::function<void(BridgeResult<Published>)>;
    virtual void publish(const Principal& who, PublishRequest request, OnPublished done) = 0;

    using OnPage = std::function<void(BridgeResult<EventPage>)>;
    /// Answers when `messages` or `bytes` are there, or everything up to the watermark has been
    /// looked at. Long reads take turns with others.
    virtual void read(ReadRequest request, OnPage done) = 0;

    /// The head, if it is certain without a read that nothing that matches was stored after
    /// `after` up to it: what most polls are answered by. Nothing: read.
    [[nodiscard]] virtual std::optional<reliability::JournalId> nothing_after(
        reliability::JournalId /*after*/, const reliability::TopicFilter& /*filter*/) {
        return std::nullopt;
    }

    using Ticket = std::uint64_t;  ///< 0: nothing waits. They rise from call to call.
    using OnWoken = std::function<void(Woken)>;
    /// Says once that a topic of the filter got a message after `after`, at once if it has already.
    virtual Ticket wait(reliability::JournalId after, const reliability::TopicFilter& filter,
                        std::chrono::milliseconds timeout, OnWoken done) = 0;
    /// Drops the waiter; its callback is not called any more, unless it is being called now.
    virtual void forget(Ticket ticket) = 0;

    /// Epoch, low-water mark, head and size, as last known.
    [[nodiscard]] virtual reliability::JournalInfo journal() = 0;
    /// "", or a sentence: why nothing can be published durably or read now.
    [[nodiscard]] virtual std::string not_ready() = 0;
};

}  // namespace weft::gateway

#pragma once
// Publishes signed messages. Any number of threads call publish(); one sender thread owns the
// socket and sends what has gathered, in order, under one signature a batch.
//
// Promises: the order of one thread's messages of one topic is kept. A message is signed once and
//           sent once (fire and forget). What nobody subscribed to is neither signed nor sent, and
//           is counted. While the relay is away messages wait in a bounded queue.
// Threads:  every function from any thread; not while the destructor runs.

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "fabric/message/body.hpp"
#include "fabric/message/message_id.hpp"
#include "fabric/node/outgoing_queue.hpp"
#include "fabric/transport/clock.hpp"
#include "fabric/transport/transport.hpp"
#include "signing/identity.hpp"
#include "signing/trust_store.hpp"

namespace weft::fabric {

struct PublisherSettings {
    enum class Mode { relay, bind };
    Mode mode = Mode::relay;
    std::string relay_inbound;           ///< Mode::relay: where to connect.
    std::vector<std::string> endpoints;  ///< Mode::bind: the first that is free is bound.
    std::string source;                  ///< Stands in each message's header: UTF-8, 255 bytes.
    std::string ack_root;     ///< Topics that begin with it are for ACKs alone (A7); "": none are.
    std::uint64_t epoch = 0;  ///< Start counter; see epoch_file.hpp.
    std::size_t content_bytes_max = std::size_t{4} * 1024 * 1024;
    /// How long publish() waits for room in the sending queue before it fails.
    std::chrono::milliseconds room_timeout{5000};
    /// How long close() and the destructor wait until what was accepted has been handed over.
    std::chrono::milliseconds close_timeout{1000};
    /// Mode::relay: how long messages are kept back after the relay was away, so that its
    /// subscribers are back before anything is taken for unwanted. Not after the first connection.
    std::chrono::milliseconds relink_hold = reconnect_after_max + std::chrono::milliseconds{200};
    /// Called about four times a second by the sender's thread; must not block.
    std::function<void()> on_tick;
    /// Asked as often, by the same thread: what to sign with from now on instead of this, or null.
    using RenewIdentity =
        std::function<std::shared_ptr<const signing::Identity>(const signing::Identity&)>;
    RenewIdentity renew_identity;
};

/// Is shown a message before it leaves: for who must know its bytes, or send it again.
/// Threads: called by the thread that publishes, while it publishes.
class SealedMessageHook {
public:
    struct Sealed {
        const MessageId& id;
        std::uint64_t epoch, seq;
        std::string_view topic, content;  ///< Views end with the call.
        const signing::Digest& digest;
    };
    virtual ~SealedMessageHook() = default;
    /// The content will have so many bytes. What it throws comes out of publish(), and nothing is
    /// sent.
    virtual void prepare(std::size_t content_bytes) = 0;
    /// The bytes as they will be sent, and not before this returns.
    virtual void on_sealed(const Sealed& sealed) noexcept = 0;
};

struct PublishOptions {
    /// The message that caused this one. Nothing: the one that this thread is handling
    /// (current_message.hpp), if there is one. MessageId{}: none in any case.
    std::optional<MessageId> parent;
    std::vector<std::pair<std::string_view, std::string_view>> headers;
    signing::Kind kind = signing::Kind::message;
    std::string_view ack{};  ///< A request for ACKs: one msgpack object, see reliability/ack.
    /// With a hook the message is kept until its turn comes, also if nobody has subscribed yet; it
    /// needs a publisher that signs (asserted).
    SealedMessageHook* hook = nullptr;
    /// How long to wait for room in the sending queue, at most the publisher's own room_timeout.
    std::optional<std::chrono::milliseconds> room_timeout{};
};

struct PublishError {
    enum class Reason {
        invalid_topic,
        invalid_header,
        not_granted,
        signer_refused,
        too_large,
        too_many_topics,
        queue_full,
        stopped,
    };
    Reason reason;
    std::string sentence;
};

/// What publish() throws; what try_publish() returns.
class PublishFailed : public std::runtime_error {
public:
    explicit PublishFailed(PublishError error)
        : std::runtime_error(error.sentence), error_(std::move(error)) {}
    [[nodiscard]] const PublishError& error() const noexcept { return error_; }

private:
    PublishError error_;
};

struct FlushResult {
    bool complete = false;  ///< Every message accepted before the call has left, and every peer
                            ///< said that it has taken what was sent to it.
    std::size_t peers = 0;  ///< Relays or subscribers that had to answer; 0: nobody was there, so
                            ///< nothing was sent.
    std::size_t answered = 0;
    std::string sentence;  ///< Why it is not complete.
};

struct PublisherStats {
    std::uint64_t accepted = 0;          ///< Messages taken by publish(), sent or unwanted.
    std::uint64_t sent = 0;              ///< Messages handed to the transport.
    std::uint64_t unwanted = 0;          ///< Nobody had subscribed: neither signed nor sent.
    std::uint64_t refused_full = 0;      ///< publish() failed for want of room.
    std::uint64_t dropped_at_close = 0;  ///< Accepted, but not handed over by close().
    std::uint64_t runs = 0, signatures = 0;
    std::uint64_t tail_beacons = 0;  ///< Neither accepted nor sent; see beacon.hpp.
    std::size_t peers = 0;
};

class Publisher {
public:
    /// `identity` null: messages go out unsigned (signing.sign: false). `trust` may be null; with
    /// it our own certificate, globs and policy are checked before anything is sent (T2).
    /// The error says which endpoint could not be bound or connected, and why, or what is wrong
    /// with the source.
    [[nodiscard]] static tl::expected<std::unique_ptr<Publisher>, std::string> open(
        Transport& transport, const Clock& clock, PublisherSettings settings,
        std::shared_ptr<const signing::Identity> identity,
        std::shared_ptr<signing::TrustStore> trust);
    ~Publisher();
    Publisher(const Publisher&) = delete;
    Publisher& operator=(const Publisher&) = delete;

    /// `topic` is a full topic. Throws PublishFailed.
    MessageId publish(std::string_view topic, const Body& body, const PublishOptions& options = {});
    [[nodiscard]] tl::expected<MessageId, PublishError> try_publish(
        std::string_view topic, BodyView body, const PublishOptions& options = {});

    /// A message that a hook was shown, once more and under the number that it has. False if that
    /// is not possible now: no room, closed, or our certificate may not say it any more.
    [[nodiscard]] bool send_again(std::string_view topic, std::string_view content,
                                  const signing::Digest& digest);

    /// What is signed with now; null if nothing is. It changes when the files do.
    [[nodiscard]] std::shared_ptr<const signing::Identity> identity() const;
    /// Raised by each change of identity(): cheap to ask.
    [[nodiscard]] std::uint64_t identity_generation() const noexcept;
    /// Why our own certificate may not sign this kind now, or "".
    [[nodiscard]] std::string signer_refusal(signing::Kind kind) const;

    /// Waits until everything accepted so far has been taken by every peer, at most `timeout`.
    [[nodiscard]] FlushResult flush(std::chrono::milliseconds timeout);
    /// True as soon as somebody has subscribed to this topic; false after `timeout`.
    [[nodiscard]] bool wait_for_subscriber(std::string_view topic,
                                           std::chrono::milliseconds timeout);
    /// True as soon as the relay (Mode::relay) or any peer (Mode::bind) is connected.
    [[nodiscard]] bool wait_for_peer(std::chrono::milliseconds timeout);

    /// From now on publish() fails with `stopped`, also where it waits for room; what was accepted
    /// still goes out. Not a destructor's business: flush() may follow.
    void stop_taking();
    /// Takes nothing more: publish() fails with `stopped`. Hands over what it took, for at most
    /// close_timeout, and ends the sender's thread; stats() then says what was dropped. The
    /// destructor does the same. Not from on_tick.
    void close();

    [[nodiscard]] PublisherStats stats() const;
    /// Mode::bind: the endpoint with its real port; "" in Mode::relay.
    [[nodiscard]] const std::string& bound() const noexcept;
    [[nodiscard]] const PublisherSettings& settings() const noexcept;

private:
    struct Core;
    explicit Publisher(std::unique_ptr<Core> core);
    std::unique_ptr<Core> core_;
};

}  // namespace weft::fabric

#pragma once
// A received message: what it says, who signed it, and the very bytes it came in.
// Threads:   immutable, but for mark_replayed() of whoever took it out of a journal; copies share
// the bytes and may go to any thread. Ownership: views that it returns live as long as this Message
// or any copy of it.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "fabric/message/codec.hpp"
#include "fabric/message/message_id.hpp"
#include "fabric/message/value.hpp"
#include "signing/certificate.hpp"
#include "signing/digest.hpp"

namespace weft::fabric {

/// One ZeroMQ message as it arrived; shared by the messages of its run.
class RunBytes {
public:
    RunBytes() = default;
    /// Copies the three frames, side by side.
    RunBytes(std::string_view the_topic, std::string_view the_contents, std::string_view the_proof);

    std::string_view topic, contents, proof;
    std::shared_ptr<const signing::Certificate> signer;  ///< Null if unsigned.
    bool verified = false;

private:
    std::unique_ptr<char[]> bytes_;
};

class Message {
public:
    Message(std::shared_ptr<const RunBytes> run, DecodedContent content, std::string_view raw,
            const signing::Digest& digest)
        : run_(std::move(run)), content_(std::move(content)), raw_(raw), digest_(digest) {}

    [[nodiscard]] std::string_view topic() const noexcept { return run_->topic; }
    [[nodiscard]] const MessageId& id() const noexcept { return content_.header.id; }
    [[nodiscard]] std::uint64_t epoch() const noexcept { return content_.header.epoch; }
    [[nodiscard]] std::uint64_t seq() const noexcept { return content_.header.seq; }
    /// The publisher's clock, microseconds since 1970-01-01 UTC.
    [[nodiscard]] std::uint64_t time_us() const noexcept { return content_.header.time_us; }
    [[nodiscard]] std::string_view source() const noexcept { return content_.header.source; }
    /// "application/msgpack" where the header leaves it empty.
    [[nodiscard]] std::string_view content_type() const noexcept;
    [[nodiscard]] bool body_is_msgpack() const noexcept {
        return content_.header.content_type.empty();
    }
    [[nodiscard]] const std::optional<MessageId>& parent() const noexcept {
        return content_.header.parent;
    }
    /// The request for acknowledgements as msgpack; "" if there is none. See reliability/ack.
    [[nodiscard]] std::string_view ack_request() const noexcept { return content_.header.ack; }
    [[nodiscard]] const HeaderList& headers() const noexcept { return content_.header.headers; }
    /// The value of one header, or nothing.
    [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const noexcept;

    /// The body's bytes: msgpack where body_is_msgpack(), else as published.
    [[nodiscard]] std::string_view body() const noexcept { return content_.body; }
    /// The body as a value: msgpack or JSON decoded, other text as a string, else bytes.
    [[nodiscard]] Value value() const;

    /// The name on the certificate whose signature holds; "" if nobody signed.
    [[nodiscard]] std::string_view signer() const noexcept {
        return run_->signer ? std::string_view{run_->signer->name()} : std::string_view{};
    }
    [[nodiscard]] const std::shared_ptr<const signing::Certificate>& certificate() const noexcept {
        return run_->signer;
    }
    /// True if the proof held and the trust store vouches for the signer and this topic.
    [[nodiscard]] bool verified() const noexcept { return run_->verified; }

    /// It came out of a journal instead of live, and may be older than live ones may (P3).
    [[nodiscard]] bool replayed() const noexcept { return replayed_; }
    /// Its number there, where that is known.
    [[nodiscard]] const std::optional<std::uint64_t>& journal_id() const noexcept {
        return journal_id_;
    }
    void mark_replayed(std::optional<std::uint64_t> journal_id) noexcept {
        replayed_ = true;
        journal_id_ = journal_id;
    }

    [[nodiscard]] std::string_view content() const noexcept { return raw_; }
    [[nodiscard]] const signing::Digest& digest() const noexcept { return digest_; }
    [[nodiscard]] const std::shared_ptr<const RunBytes>& run() const noexcept { return run_; }

private:
    std::shared_ptr<const RunBytes> run_;
    DecodedContent content_;
    std::string_view raw_;
    signing::Digest digest_;
    std::optional<std::uint64_t> journal_id_;
    bool replayed_ = false;
};

}  // namespace weft::fabric

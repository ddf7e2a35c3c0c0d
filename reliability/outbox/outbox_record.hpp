#pragma once
// The file of an outbox, <directory>/messages. Integers are big-endian.
//
//   file:    "weft outbox 1\n" padded with zeros to 16 bytes, then records
//   record:  "WOX1" | u32 length of the payload | payload | first 8 bytes of H("weft.outbox", all
//            that stands before)
//   payload: u8 1 | message id (16) | u64 epoch | u64 seq | digest M (32) | u8 length, topic |
//            content                                                     (a message to be stored)
//            u8 2 | message id (16)                                      (it was acknowledged)
//
// A record that is damaged is passed over: the next one is found by its mark and its checksum.
// Threads: pure functions. Ownership: views into the caller's bytes.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "fabric/message/message_id.hpp"
#include "signing/digest.hpp"

namespace weft::reliability {

inline constexpr std::size_t outbox_head_bytes = 16;
inline constexpr std::size_t outbox_frame_bytes = 16;  ///< Of a record around its payload.
inline constexpr std::size_t outbox_payload_bytes_max = std::size_t{16} << 20;

/// A message as it was signed and sent.
struct OutboxMessage {
    fabric::MessageId id;
    std::uint64_t epoch = 0, seq = 0;
    signing::Digest digest{};
    std::string topic, content;
    friend bool operator==(const OutboxMessage&, const OutboxMessage&) = default;
};

[[nodiscard]] std::string outbox_head();
[[nodiscard]] std::string encode_outbox_message(const OutboxMessage& message);
[[nodiscard]] std::string encode_outbox_settled(const fabric::MessageId& id);
/// Bytes that encode_outbox_message() gives.
[[nodiscard]] std::size_t outbox_bytes_of(std::string_view topic,
                                          std::string_view content) noexcept;
[[nodiscard]] std::size_t outbox_bytes_of(std::size_t topic_bytes,
                                          std::size_t content_bytes) noexcept;

struct OutboxRecord {
    enum class Is { message, settled } is;
    fabric::MessageId id;
    std::size_t bytes = 0;  ///< With its frame.
};
/// The record that `bytes` begins with; nothing if it is damaged or not whole.
[[nodiscard]] std::optional<OutboxRecord> read_outbox_record(std::string_view bytes);
/// The same, and the message itself; nothing also where it is no message.
[[nodiscard]] std::optional<OutboxMessage> read_outbox_message(std::string_view bytes);
/// Where in `bytes`, after its first byte, the next whole record begins; npos: nowhere. The length
/// that stands at the front is believed if a whole record follows there: a text that looks like a
/// record, inside of one that is damaged, is not taken for one then.
[[nodiscard]] std::size_t find_outbox_record(std::string_view bytes);

}  // namespace weft::reliability

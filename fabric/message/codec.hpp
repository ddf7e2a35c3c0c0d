#pragma once
// The content of a message: one msgpack array of two, [header, body].
//
//   header: array of 9 (readers accept up to 64 and ignore what they do not know):
//     0 id            bin 16, UUIDv7
//     1 epoch         uint, start counter of the publisher
//     2 seq           uint, from 1, per (signer, epoch, topic)
//     3 time          uint, microseconds since 1970-01-01 UTC
//     4 source        str, at most 255 bytes: the program that speaks, in its own words
//     5 content type  str, at most 255 bytes; "" means that the body is msgpack
//     6 parent        nil or bin 16: the message that caused this one
//     7 ack           nil, or the request for acknowledgements (reliability)
//     8 headers       nil or map of str to str, at most 64 entries
//   body: any msgpack object where the content type is "", else bin.
//
// A publisher writes the integers 1 to 3 in full width, so that the header's place never moves.
// The bytes are encoded once; they are what is signed, sent, stored and replayed (S1).
// Threads: pure functions.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "fabric/message/message_id.hpp"

namespace weft::fabric {

inline constexpr std::size_t text_field_bytes_max = 255;
inline constexpr std::size_t header_positions_max = 64;
inline constexpr std::size_t headers_max = 64;
inline constexpr std::size_t header_value_bytes_max = 4096;
inline constexpr std::size_t msgpack_depth_max = 32;

using HeaderList = std::vector<std::pair<std::string_view, std::string_view>>;

/// Views into the content that was decoded, or into what the caller encodes from.
struct ContentHeader {
    MessageId id;
    std::uint64_t epoch = 0;
    std::uint64_t seq = 0;
    std::uint64_t time_us = 0;
    std::string_view source;
    std::string_view content_type;  ///< "": msgpack
    std::optional<MessageId> parent;
    std::string_view ack;  ///< The raw msgpack of position 7; empty for nil.
    HeaderList headers;
};

struct DecodedContent {
    ContentHeader header;
    std::string_view body;  ///< msgpack bytes of the body where the content type is "", else the
                            ///< bytes themselves.
};

/// Bytes that encode_content() will write: known before, so that room is claimed first.
[[nodiscard]] std::size_t encoded_size(const ContentHeader& header, std::string_view body);
/// Writes exactly encoded_size() bytes to `out`. `body` must be valid msgpack where the content
/// type is "" (see check_msgpack); limits must hold (see content_error).
void encode_content(const ContentHeader& header, std::string_view body, char* out);

/// What is wrong with a header that is about to be encoded, as a sentence; "" if nothing is.
[[nodiscard]] std::string content_error(const ContentHeader& header);

/// Foreign bytes, so every limit is checked: depth, counts, lengths, and that the array fills the
/// content exactly. The error is a sentence; `decoded` is then unspecified. Nothing is allocated
/// but the list of headers and, for a body that is not one text or blob, a walker's fixed stack.
[[nodiscard]] tl::expected<void, std::string> decode_content(std::string_view content,
                                                             DecodedContent& decoded);

/// "" if `bytes` is exactly one msgpack object of allowed depth and sizes.
[[nodiscard]] std::string check_msgpack(std::string_view bytes);

}  // namespace weft::fabric

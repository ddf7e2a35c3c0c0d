#pragma once
// The body of a message on a consumer's dead_letter topic: what a consumer could not process, so
// that people can read it and machines can bring it back untouched. One msgpack map:
//
//   weft_dead_letter   1, the first key
//   consumer, hub      who gave it up, and the name on the hub's certificate
//   reason, attempts   why, after how many deliveries
//   died               RFC 3339
//   journal_id         its number in the journal, or nil
//   message            for people: id, topic, signer, time, content_type, and body as a value; or
//                      body_left_out, its bytes, where it is large or nested too deep
//   run                for machines: topic, contents, proof: the signed frames, the other messages
//                      of the run left out by their digests, as a journal does; and digest, by
//                      which the message is found. Where that is too much for one message, content
//                      alone and proof_left_out, a sentence; or content_left_out, too.
//
// Threads:   pure functions. Ownership: what is restored keeps its bytes.
// Limits:    body_shown_max, and what is said to fit into one message.
// Errors:    a sentence: bodies are foreign.

#include <cstdint>
#include <optional>
#include <string>
#include <tl/expected.hpp>

#include "fabric/message/body.hpp"
#include "fabric/message/message.hpp"
#include "reliability/journal/stored_verifier.hpp"

namespace weft::reliability::hub {

/// A body with more bytes than this stands in `run` only.
inline constexpr std::size_t body_shown_max = std::size_t{64} * 1024;
/// What a dead letter leaves of the limit of a content to its header.
inline constexpr std::size_t letter_header_bytes = std::size_t{32} * 1024;

struct Death {
    std::string consumer, hub, reason;
    unsigned attempts = 0;
    std::string died;  ///< RFC 3339: fabric::rfc3339().
    std::optional<std::uint64_t> journal_id;
    friend bool operator==(const Death&, const Death&) = default;
};

/// `content_bytes_max`: the fabric's limit of one content.
[[nodiscard]] fabric::Body encode_dead_letter(
    const Death& death, const fabric::Message& message,
    std::size_t content_bytes_max = signing::Limits{}.content_bytes_max);

/// Whether this message says that it is one. Reads its first key only.
[[nodiscard]] bool is_dead_letter(const fabric::Message& letter);

struct RestoredLetter {
    Death death;
    fabric::Message message;  ///< Its journal_id() is that of the letter; it is replayed().
    bool proof_left_out = false;
};

/// Without a verifier nobody is believed: verified() is false and signer() empty. With one, what
/// it refuses, and what has no proof, is an error; judged as it stood at `at_us` (T8), which is
/// the time at which the letter was stored or, where that is not known, published.
[[nodiscard]] tl::expected<RestoredLetter, std::string> decode_dead_letter(
    const fabric::Message& letter, StoredVerifier* verifier = nullptr, std::uint64_t at_us = 0);

}  // namespace weft::reliability::hub

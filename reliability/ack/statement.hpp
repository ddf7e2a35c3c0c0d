#pragma once
// What an acknowledgement (ACK) states, the msgpack body of a message of kind 1 on the topic
// `<prefix>.<environment>.ack.<publisher name>`:
//
//   array of 8 (readers accept more and ignore what they do not know):
//     0 recipient     str, the name on the certificate that signs this ACK
//     1 level         uint, see level.hpp; 0 rejected
//     2 reason        str, at most 1,024 bytes: why it was rejected, else ""
//     3 message id    bin 16
//     4 digest        bin 32, M of the message as it was received
//     5 publisher     bin 32, fingerprint of the certificate that signed the message
//     6 nonce         bin 16, of the request
//     7 epoch         uint, of the message's header
//     8 also          bin, may be left out: further messages of the same publisher (position 5) of
//                     which the same is said, each 72 bytes: id (16), digest (32), nonce (16),
//                     epoch (u64, big-endian). At most 1,024.
//
// Positions 3 to 8 say for which publish it counts, and for no other (A2).
// Threads: pure functions. Ownership: decoded texts are views into the body.

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "fabric/message/message_id.hpp"
#include "reliability/ack/level.hpp"
#include "reliability/ack/request.hpp"
#include "signing/digest.hpp"

namespace weft::reliability {

inline constexpr std::size_t reason_bytes_max = 1024;

/// The publish that an ACK is about.
struct AckSubject {
    fabric::MessageId id;
    signing::Digest digest{};
    signing::Digest publisher{};  ///< Fingerprint.
    Nonce nonce{};
    std::uint64_t epoch = 0;
    friend bool operator==(const AckSubject&, const AckSubject&) = default;
};

inline constexpr std::size_t also_max = 1024;

struct AckStatement {
    std::string_view recipient;
    AckLevel level = AckLevel::received;
    std::string_view reason;
    AckSubject subject;
    std::string_view also{};  ///< Position 8 as it is; see append_also() and also_subject().

    [[nodiscard]] std::size_t also_count() const noexcept;
};

/// Of the same publisher as the statement's own subject (asserted by encode_statement() to be
/// whole, and at most also_max).
void append_also(const AckSubject& subject, std::string& also);
/// One of them; `i` is less than also_count().
[[nodiscard]] AckSubject also_subject(const AckStatement& statement, std::size_t i);

/// A reason as it will be sent: bytes that are not UTF-8 are escaped (\xNN), and what is too long
/// is cut behind a whole character and ends in "…". Looks at no more of it than it keeps.
[[nodiscard]] std::string fitting_reason(std::string_view reason);

/// `recipient` is a valid name (asserted); the reason is made to fit.
[[nodiscard]] std::string encode_statement(const AckStatement& statement);
/// Foreign bytes: every limit is checked. The error is a sentence.
[[nodiscard]] tl::expected<void, std::string> decode_statement(std::string_view body,
                                                               AckStatement& statement);

}  // namespace weft::reliability

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
//
// Positions 3 to 7 say for which publish it counts, and for no other (A2).
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

struct AckStatement {
    std::string_view recipient;
    AckLevel level = AckLevel::received;
    std::string_view reason;
    AckSubject subject;
};

/// A reason as it will be sent: bytes that are not UTF-8 are escaped (\xNN), and what is too long
/// is cut behind a whole character and ends in "…". Looks at no more of it than it keeps.
[[nodiscard]] std::string fitting_reason(std::string_view reason);

/// `recipient` is a valid name (asserted); the reason is made to fit.
[[nodiscard]] std::string encode_statement(const AckStatement& statement);
/// Foreign bytes: every limit is checked. The error is a sentence.
[[nodiscard]] tl::expected<void, std::string> decode_statement(std::string_view body,
                                                               AckStatement& statement);

}  // namespace weft::reliability

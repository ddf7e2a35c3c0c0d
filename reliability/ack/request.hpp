#pragma once
// The request for acknowledgements, position 7 of a content's header: it is signed with the
// message, so that nobody can ask in the publisher's name, and each recipient knows until when it
// is wanted.
//
//   array of 4 (readers accept more and ignore what they do not know):
//     0 nonce        bin 16, fresh random bytes for each publish (A2)
//     1 level        uint, see level.hpp: 1 received, 2 stored, 3 processed
//     2 timeout      uint, microseconds after the header's time: the deadline
//     3 recipients   array of str, 1 to 64 names of certificates, in no order
//
// Who is required and how many of them are enough is the publisher's own business: it is not sent.
// Threads: pure functions. Ownership: decoded names are views into the bytes.

#include <array>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "reliability/ack/level.hpp"

namespace weft::reliability {

using Nonce = std::array<char, 16>;

/// A request's deadline is at most this long after its message.
inline constexpr std::chrono::microseconds ack_timeout_max = std::chrono::hours{24};

struct AckRequest {
    Nonce nonce{};
    AckLevel level = AckLevel::received;
    std::chrono::microseconds timeout{};
    std::vector<std::string_view> recipients;

    [[nodiscard]] bool names(std::string_view recipient) const noexcept;
};

/// The limits hold (asserted), and the recipients are valid names.
[[nodiscard]] std::string encode_request(const AckRequest& request);
/// Foreign bytes: every limit is checked. The error is a sentence.
[[nodiscard]] tl::expected<void, std::string> decode_request(std::string_view bytes,
                                                             AckRequest& request);

/// Nonces are random: any eight bytes of one are a hash.
struct NonceHash {
    [[nodiscard]] std::size_t operator()(const Nonce& nonce) const noexcept {
        std::size_t hash = 0;
        std::memcpy(&hash, nonce.data(), sizeof hash);
        return hash;
    }
};

}  // namespace weft::reliability

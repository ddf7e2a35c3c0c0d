#pragma once
// Bytes that tests of requests and statements are made of.

#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "reliability/ack/request.hpp"
#include "signing/digest.hpp"

namespace weft::reliability {

/// 00 01 02 … 0f
inline Nonce counted_nonce() {
    Nonce nonce{};
    for (std::size_t i = 0; i < nonce.size(); ++i) nonce[i] = static_cast<char>(i);
    return nonce;
}

/// msgpack: that many bytes `fill`, fewer than 256.
inline std::string bin(std::size_t bytes, char fill = 'x') {
    return "\xC4" + std::string(1, static_cast<char>(bytes)) + std::string(bytes, fill);
}

inline signing::Digest digest_of(std::uint8_t fill) {
    signing::Digest digest{};
    digest.fill(fill);
    return digest;
}

/// "" or why it was refused.
inline std::string error_of(const tl::expected<void, std::string>& result) {
    return result ? "" : result.error();
}

}  // namespace weft::reliability

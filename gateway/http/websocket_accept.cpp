#include "gateway/http/websocket_accept.hpp"

#include <array>

#include <openssl/sha.h>

#include "signing/sodium.hpp"

namespace weft::gateway {

std::string websocket_accept(std::string_view key) {
    // SHA-1 is what RFC 6455 asks for; nothing depends on its strength.
    const std::string both = std::string{key} + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    std::array<unsigned char, SHA_DIGEST_LENGTH> digest{};
    const auto* bytes = reinterpret_cast<const unsigned char*>(both.data());
    SHA1(bytes, both.size(), digest.data());
    return signing::to_base64({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

}  // namespace weft::gateway

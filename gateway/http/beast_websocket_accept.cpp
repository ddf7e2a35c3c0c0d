#include "gateway/http/beast_websocket_accept.hpp"

#include <array>

#include <boost/uuid/detail/sha1.hpp>

#include "signing/sodium.hpp"

namespace weft::gateway {

std::string websocket_accept(std::string_view key) {
    // SHA-1 is what RFC 6455 asks for; nothing depends on its strength.
    static constexpr std::string_view fixed = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    boost::uuids::detail::sha1 hash;
    hash.process_bytes(key.data(), key.size());
    hash.process_bytes(fixed.data(), fixed.size());
    unsigned int words[5] = {};
    hash.get_digest(words);
    std::string digest;
    for (const unsigned int word : words) {
        for (unsigned shift = 32; shift > 0; shift -= 8) {
            digest += static_cast<char>(word >> (shift - 8));
        }
    }
    return signing::to_base64(digest);
}

}  // namespace weft::gateway

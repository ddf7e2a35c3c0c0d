#include "gateway/esub/cluster/token_hash.hpp"

#include "signing/digest.hpp"

namespace weft::gateway::esub {

std::string token_hash(std::string_view key, std::string_view token) {
    if (token.empty()) return "";
    signing::TaggedHash hash("esub token");
    hash.add_prefixed(key).add_prefixed(token);
    return signing::hex(signing::bytes_of(hash.finish()));
}

bool same_hash(std::string_view one, std::string_view other) noexcept {
    if (one.size() != other.size()) return false;
    unsigned char differs = 0;
    for (std::size_t i = 0; i < one.size(); ++i) {
        differs = static_cast<unsigned char>(
            differs | (static_cast<unsigned char>(one[i]) ^ static_cast<unsigned char>(other[i])));
    }
    return differs == 0;
}

}  // namespace weft::gateway::esub

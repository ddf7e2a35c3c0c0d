#include "reliability/cursor/message_key.hpp"

#include "signing/certificate.hpp"
#include "signing/digest.hpp"
#include "signing/proof.hpp"

namespace weft::reliability {

std::uint64_t MessageKeys::of(std::string_view topic, std::string_view proof) {
    const auto fields = signing::read_proof(proof);
    const std::string_view certificate = fields ? fields->certificate : proof;
    if (certificate != certificate_ || name_.empty()) {
        const auto read = signing::Certificate::read_unverified(certificate);
        name_ = read ? (*read)->name() : std::string{certificate};
        certificate_ = certificate;
    }
    const signing::Digest digest =
        signing::TaggedHash("weft.group.key").add_prefixed(topic).add(name_).finish();
    std::uint64_t key = 0;
    for (std::size_t i = 0; i < sizeof key; ++i) key = key << 8 | digest[i];
    return key;
}

}  // namespace weft::reliability

// A certificate's fields, read behind a genuine signature of the CA: a mistake of the CA must not
// crash a reader, and what is accepted is written back to the same bytes.

#include <cassert>
#include <string>

#include "tests/fuzz/fixed_world.hpp"
#include "tests/fuzz/targets.hpp"

namespace weft::fuzz {
namespace {

const FixedAuthority& authority() {
    static const FixedAuthority one;
    return one;
}

std::string written_again(const signing::Certificate& certificate) {
    signing::WireWriter tbs;
    tbs.bytes("WFC1").u8(1).u8(certificate.roles()).u64(certificate.serial());
    tbs.i64(certificate.not_before()).i64(certificate.not_after()).array(certificate.issuer());
    tbs.array(certificate.key()).array(certificate.curve_key());
    tbs.u8(static_cast<std::uint8_t>(certificate.name().size())).bytes(certificate.name());
    tbs.u8(static_cast<std::uint8_t>(certificate.globs().size()));
    for (const signing::TopicGlob& glob : certificate.globs()) {
        tbs.u8(static_cast<std::uint8_t>(glob.text().size())).bytes(glob.text());
    }
    return tbs.take();
}

}  // namespace

void certificate(std::string_view input) {
    // As it came: nobody signed it.
    const auto forged = signing::Certificate::verify(input, {authority().public_half});
    assert(!forged);
    static_cast<void>(signing::Certificate::read_unverified(input));

    const std::string bytes = authority().signed_by_me("weft1.cert", input);
    const auto verified = signing::Certificate::verify(bytes, {authority().public_half});
    const auto read = signing::Certificate::read_unverified(bytes);
    if (verified) {
        assert(read && (*read)->fingerprint() == (*verified)->fingerprint());
        assert((*verified)->bytes() == bytes && written_again(**verified) == input);
        assert(signing::name_error((*verified)->name()).empty());
    } else if (verified.error().reason != signing::Refusal::issuer_unknown) {
        assert(!read && read.error().reason == verified.error().reason);
        assert(verified.error().reason != signing::Refusal::certificate_signature_bad);
    }

    if (const auto ca = signing::CertificateAuthorityKey::read(input)) {
        assert(ca->bytes() == input);
    }
}

}  // namespace weft::fuzz

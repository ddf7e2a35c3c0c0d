#pragma once
// A world of trust that is the same in every run, so that signed bytes can stand in a corpus: keys
// from fixed seeds, certificates with fixed serials, one CA and its empty list.
// Threads: one. Errors: what cannot be set up aborts with a sentence of must().

#include <memory>
#include <string>
#include <vector>

#include "signing/key_file.hpp"
#include "signing/wire.hpp"
#include "tests/support/signing_fixture.hpp"

namespace weft::fuzz {

inline constexpr signing::UtcSeconds fixed_now = support::SigningFixture::now;

inline signing::KeyPair fixed_key(char letter) {
    return signing::KeyPair::from_seed(std::string(signing::KeyPair::seed_bytes, letter));
}

struct FixedAuthority {
    signing::KeyPair key = fixed_key('C');
    signing::CertificateAuthorityKey public_half{"root", key.public_key()};

    /// A signature over `body`, as the CA gives one.
    [[nodiscard]] std::string signed_by_me(std::string_view tag, std::string_view body) const {
        const signing::Signature signature = key.sign(signing::signed_bytes(tag, body));
        return std::string(body).append(signing::bytes_of(signature));
    }

    [[nodiscard]] support::Identity certify(char seed, std::string_view name, std::uint8_t roles,
                                            std::string_view glob) const {
        auto key_pair = std::make_shared<const signing::KeyPair>(fixed_key(seed));
        signing::WireWriter tbs;
        tbs.bytes("WFC1").u8(1).u8(roles).u64(static_cast<std::uint64_t>(seed));
        tbs.i64(fixed_now - 1000).i64(fixed_now + 1000).array(public_half.id());
        tbs.array(key_pair->public_key()).array(signing::PublicKey{});
        tbs.u8(static_cast<std::uint8_t>(name.size())).bytes(name);
        tbs.u8(1).u8(static_cast<std::uint8_t>(glob.size())).bytes(glob);
        auto certificate =
            signing::Certificate::verify(signed_by_me("weft1.cert", tbs.take()), {public_half});
        if (!certificate) throw std::runtime_error(certificate.error().detail);
        return {std::move(key_pair), std::move(*certificate)};
    }

    [[nodiscard]] std::shared_ptr<signing::TrustStore> trust() const {
        const support::TemporaryDirectory directory;
        const auto write = [&](const std::filesystem::path& file, signing::ArmorLabel label,
                               std::string_view content) {
            support::must(
                signing::write_armored_file(file, label, content, signing::WhenFileExists::refuse));
        };
        write(signing::authority_file(directory.path(), "root"), signing::ArmorLabel::ca,
              public_half.bytes());
        const std::string list = signing::RevocationList::unsigned_bytes(
            public_half.id(), 1, fixed_now - 1000, fixed_now + 1000, {});
        write(signing::revocation_list_file(directory.path(), "root"),
              signing::ArmorLabel::revocation_list, signed_by_me("weft1.list", list));
        signing::TrustSettings settings;
        settings.directory = directory.path();
        return support::must(signing::TrustStore::open(settings));
    }
};

}  // namespace weft::fuzz

#pragma once
// Certificates of a SigningFixture as files of its directory, where CURVE looks for them.
// Threads: one. Errors: std::runtime_error.

#include <filesystem>

#include "signing/armor.hpp"
#include "signing/identity.hpp"
#include "signing/key_file.hpp"
#include "tests/support/signing_fixture.hpp"

namespace weft::support {

inline std::filesystem::path file_of(const SigningFixture& world, const std::string& name) {
    return signing::certificate_file(world.directory(), name);
}

/// Puts `<name>.cert` there, as `name` or under another file name.
inline void put_certificate(const SigningFixture& world, const Identity& who,
                            const std::string& file_name = "") {
    must(signing::write_armored_file(file_of(world, file_name.empty() ? who.name() : file_name),
                                     signing::ArmorLabel::certificate, who.certificate->bytes(),
                                     signing::WhenFileExists::replace));
}

/// An identity with these roles, its certificate in place.
inline Identity citizen(const SigningFixture& world, const std::string& name,
                        std::initializer_list<signing::Role> roles) {
    SigningFixture::IdentityRequest request;
    request.roles = roles_of(roles);
    Identity who = world.identity(name, request);
    put_certificate(world, who);
    return who;
}

}  // namespace weft::support

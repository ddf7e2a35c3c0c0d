#pragma once
// What the tests of key directories share, beside tests/support: files as an operator would have
// them, and what is in them. Nothing here reads a clock; the time of day is `noon`.

#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "signing/authority.hpp"
#include "signing/certificate.hpp"
#include "signing/key_pair.hpp"
#include "tests/support/signing_fixture.hpp"

namespace weft::signing::testing {

using support::globs_of;
using support::must;
using support::roles_of;
using support::TemporaryDirectory;

inline TopicGlob glob(const std::string& text) {
    return must(TopicGlob::parse(text));
}

inline std::string content_of(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

inline void overwrite(const std::filesystem::path& file, std::string_view content) {
    std::ofstream(file, std::ios::binary | std::ios::trunc) << content;
}

inline std::vector<std::string> names_in(const std::filesystem::path& directory) {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
        names.push_back(entry.path().filename().string());
    }
    return names;
}

inline constexpr UtcSeconds noon = 1'750'000'000;
inline constexpr UtcSeconds hour = 3'600;

/// Publishes and acknowledges everything, from an hour before noon to an hour after.
inline CertificateRequest request_for(std::string name) {
    CertificateRequest request;
    request.name = std::move(name);
    request.roles = roles_of({Role::publish, Role::ack});
    request.globs = globs_of({"**"});
    request.not_before = noon - hour;
    request.not_after = noon + hour;
    request.key = KeyPair::from_seed(std::string(32, 'k')).public_key();
    return request;
}

inline Authority new_authority(const std::string& name = "root") {
    return must(Authority::create(name));
}

inline std::shared_ptr<const Certificate> certificate_of(const Authority& authority,
                                                         const CertificateRequest& request) {
    auto read = Certificate::verify(must(authority.issue(request)), {authority.public_half()});
    if (!read) throw std::invalid_argument(read.error().detail);
    return std::move(*read);
}

/// In force at noon, for two days.
inline RevocationListRequest list_number(std::uint64_t number,
                                         std::vector<Revocation> revocations = {}) {
    return {number, noon - hour, noon + 48 * hour, std::move(revocations)};
}

inline void write_list(const Authority& authority, const std::filesystem::path& directory,
                       const RevocationListRequest& request) {
    must(authority.write_list(directory, authority.sign_list(request)));
}

/// `.ca`, `.ca-key` and an empty list, number 1.
inline Authority authority_in(const std::filesystem::path& directory,
                              const std::string& name = "root") {
    Authority authority = new_authority(name);
    must(authority.save(directory));
    write_list(authority, directory, list_number(1));
    return authority;
}

}  // namespace weft::signing::testing

#include "signing/authority.hpp"

#include <algorithm>

#include "signing/key_file.hpp"
#include "signing/sodium.hpp"
#include "signing/wire.hpp"

namespace weft::signing {
namespace {

constexpr std::size_t authority_bytes_max = 4 + 1 + 32 + 1 + Certificate::name_bytes_max;

std::filesystem::path file_of(const std::filesystem::path& directory, std::string_view name,
                              std::string_view ending) {
    return directory / std::string(name).append(ending);
}

std::string sign_under(const KeyPair& key, std::string_view tag, std::string bytes) {
    return bytes.append(bytes_of(key.sign(signed_bytes(tag, bytes))));
}

std::string request_error(const CertificateRequest& request) {
    if (std::string error = name_error(request.name); !error.empty()) return error;
    if (request.globs.size() > Certificate::globs_max) {
        return "a certificate has at most 32 globs; " + std::to_string(request.globs.size()) +
               " were asked for";
    }
    if ((request.roles & ~all_roles) != 0) return "one of the roles is not known";
    if (request.not_before > request.not_after) {
        return "the certificate would end before it begins";
    }
    return {};
}

std::uint64_t random_serial() {
    std::uint64_t serial = 0;
    random_bytes(reinterpret_cast<char*>(&serial), sizeof serial);
    return serial;
}

}  // namespace

std::filesystem::path authority_file(const std::filesystem::path& directory,
                                     std::string_view name) {
    return file_of(directory, name, ".ca");
}

std::filesystem::path authority_key_file(const std::filesystem::path& directory,
                                         std::string_view name) {
    return file_of(directory, name, ".ca-key");
}

std::filesystem::path revocation_list_file(const std::filesystem::path& directory,
                                           std::string_view name) {
    return file_of(directory, name, ".revoked");
}

tl::expected<CertificateAuthorityKey, std::string> read_authority_file(
    const std::filesystem::path& file) {
    const auto content = read_armored_file(file, ArmorLabel::ca, authority_bytes_max);
    if (!content) return tl::make_unexpected(content.error());
    auto authority = CertificateAuthorityKey::read(*content);
    if (!authority) {
        return tl::make_unexpected("'" + file.string() + "' is not usable: " + authority.error() +
                                   ".");
    }
    return authority;
}

tl::expected<RevocationList, std::string> read_revocation_list_file(
    const std::filesystem::path& file, const CertificateAuthorityKey& authority) {
    const auto content =
        read_armored_file(file, ArmorLabel::revocation_list, RevocationList::bytes_max);
    if (!content) return tl::make_unexpected(content.error());
    auto list = RevocationList::verify(*content, authority);
    if (!list) {
        return tl::make_unexpected("'" + file.string() + "' is not usable: " + list.error() + ".");
    }
    return list;
}

tl::expected<Authority, std::string> Authority::create(std::string name) {
    if (std::string error = name_error(name); !error.empty()) {
        return tl::make_unexpected(std::move(error));
    }
    KeyPair key = KeyPair::generate();
    CertificateAuthorityKey public_half{std::move(name), key.public_key()};
    return Authority(std::move(public_half), std::move(key));
}

tl::expected<Authority, std::string> Authority::load(const std::filesystem::path& directory,
                                                     std::string_view name) {
    if (std::string error = name_error(name); !error.empty()) {
        return tl::make_unexpected(std::move(error));
    }
    const auto key_file = authority_key_file(directory, name);
    auto public_half = read_authority_file(authority_file(directory, name));
    if (!public_half) return tl::make_unexpected(public_half.error());
    auto key = read_key_file(key_file, ArmorLabel::ca_key);
    if (!key) return tl::make_unexpected(key.error());
    if (key->public_key() != public_half->key) {
        return tl::make_unexpected("'" + key_file.string() + "' and '" +
                                   authority_file(directory, name).string() +
                                   "' do not belong together; put back the pair.");
    }
    return Authority(std::move(*public_half), std::move(*key));
}

tl::expected<void, std::string> Authority::save(const std::filesystem::path& directory,
                                                WhenFileExists when) const {
    // The key first: whoever sees the public half may count on a key being there.
    auto written =
        write_key_file(authority_key_file(directory, public_.name), key_, ArmorLabel::ca_key, when);
    if (!written) return written;
    return write_armored_file(authority_file(directory, public_.name), ArmorLabel::ca,
                              public_.bytes(), when);
}

tl::expected<std::string, std::string> Authority::issue(const CertificateRequest& request) const {
    if (std::string error = request_error(request); !error.empty()) {
        return tl::make_unexpected(std::move(error));
    }
    WireWriter writer;
    writer.bytes("WFC1").u8(1).u8(request.roles).u64(random_serial());
    writer.i64(request.not_before).i64(request.not_after);
    writer.array(public_.id()).array(request.key).array(request.curve_key);
    writer.u8(static_cast<std::uint8_t>(request.name.size())).bytes(request.name);
    writer.u8(static_cast<std::uint8_t>(request.globs.size()));
    for (const TopicGlob& glob : request.globs) {
        writer.u8(static_cast<std::uint8_t>(glob.text().size())).bytes(glob.text());
    }
    std::string certificate = sign_under(key_, "weft1.cert", writer.take());
    if (certificate.size() > Certificate::bytes_max) {
        return tl::make_unexpected(
            "the certificate would have " + std::to_string(certificate.size()) +
            " bytes; at most 4096 are allowed, so name fewer or shorter globs");
    }
    return certificate;
}

std::string Authority::sign_list(const RevocationListRequest& request) const {
    return sign_under(
        key_, "weft1.list",
        RevocationList::unsigned_bytes(public_.id(), request.number, request.this_update,
                                       request.next_update, request.revocations));
}

tl::expected<void, std::string> Authority::write_list(const std::filesystem::path& directory,
                                                      std::string_view list_bytes) const {
    return write_armored_file(revocation_list_file(directory, public_.name),
                              ArmorLabel::revocation_list, list_bytes, WhenFileExists::replace);
}

tl::expected<RevocationList, std::string> Authority::read_list(
    const std::filesystem::path& directory) const {
    return read_revocation_list_file(revocation_list_file(directory, public_.name), public_);
}

}  // namespace weft::signing

#include "signing/identity.hpp"

#include <system_error>

#include "signing/curve_key.hpp"
#include "signing/key_file.hpp"

namespace weft::signing {
namespace {

std::string text_of(const Refused& refused) {
    std::string text(sentence_for(refused.reason));
    if (!refused.detail.empty()) text += " (" + refused.detail + ")";
    return text;
}

auto unusable(const std::filesystem::path& file, const std::string& why) {
    return tl::make_unexpected("'" + file.string() + "' is not usable: " + why);
}

/// Revocation and time, not roles: what this certificate is for is the caller's business.
std::optional<Refused> refusal_now(const Trust& trust, const Certificate& certificate,
                                   UtcSeconds now) {
    auto refused = trust.judge_signer(certificate, Kind::beacon, now);
    if (refused && refused->reason == Refusal::role_missing) return std::nullopt;
    return refused;
}

}  // namespace

std::filesystem::path key_file(const std::filesystem::path& directory, std::string_view name) {
    return directory / std::string(name).append(".key");
}

std::filesystem::path certificate_file(const std::filesystem::path& directory,
                                       std::string_view name) {
    return directory / std::string(name).append(".cert");
}

tl::expected<std::shared_ptr<const Certificate>, std::string> read_certificate_file(
    const std::filesystem::path& file) {
    const auto content = read_armored_file(file, ArmorLabel::certificate, Certificate::bytes_max);
    if (!content) return tl::make_unexpected(content.error());
    auto certificate = Certificate::read_unverified(*content);
    if (!certificate) return unusable(file, text_of(certificate.error()));
    return std::move(*certificate);
}

tl::expected<Identity, std::string> load_identity(const std::filesystem::path& directory,
                                                  std::string_view name) {
    if (const std::string error = name_error(name); !error.empty()) {
        return tl::make_unexpected(error + '.');
    }
    const auto certificate_path = certificate_file(directory, name);
    auto certificate = read_certificate_file(certificate_path);
    if (!certificate) return tl::make_unexpected(certificate.error());
    if ((*certificate)->name() != name) {
        return unusable(certificate_path, "it is the certificate of '" + (*certificate)->name() +
                                              "', not of '" + std::string(name) + "'.");
    }
    auto key = read_key_file(key_file(directory, name), ArmorLabel::signing_key);
    if (!key) return tl::make_unexpected(key.error());
    if (key->public_key() != (*certificate)->key()) {
        return unusable(certificate_path, "it is for another key than the one in '" +
                                              key_file(directory, name).string() +
                                              "'; put back the pair, or issue "
                                              "both again with `weft keys issue`.");
    }
    return Identity{std::make_shared<const KeyPair>(std::move(*key)), std::move(*certificate)};
}

tl::expected<Identity, std::string> load_identity(const std::filesystem::path& directory,
                                                  std::string_view name, const Trust& trust,
                                                  UtcSeconds now) {
    auto identity = load_identity(directory, name);
    if (!identity) return identity;
    const auto file = certificate_file(directory, name);
    auto verified = Certificate::verify(identity->certificate->bytes(), trust.authorities());
    if (!verified) return unusable(file, text_of(verified.error()));
    if (const auto refused = refusal_now(trust, **verified, now)) {
        return unusable(file, text_of(*refused));
    }
    identity->certificate = std::move(*verified);
    return identity;
}

tl::expected<Identity, std::string> issue_identity(const std::filesystem::path& directory,
                                                   const Authority& authority,
                                                   CertificateRequest request,
                                                   WhenFileExists when) {
    auto key = std::make_shared<const KeyPair>(KeyPair::generate());
    request.key = key->public_key();
    request.curve_key = CurveKeyPair::of(*key).public_key;
    const auto bytes = authority.issue(request);
    if (!bytes) return tl::make_unexpected(bytes.error() + '.');
    auto certificate = Certificate::verify(*bytes, {authority.public_half()});
    if (!certificate) return tl::make_unexpected(text_of(certificate.error()));

    const auto certificate_path = certificate_file(directory, request.name);
    std::error_code ignored;
    if (when == WhenFileExists::refuse && std::filesystem::exists(certificate_path, ignored)) {
        // Before the key is written, or a refused attempt would leave a key without certificate.
        return tl::make_unexpected("'" + certificate_path.string() +
                                   "' is there already and was not touched; remove it first or "
                                   "choose another name.");
    }
    auto written =
        write_key_file(key_file(directory, request.name), *key, ArmorLabel::signing_key, when);
    if (written) {
        written = write_armored_file(certificate_path, ArmorLabel::certificate, *bytes, when);
    }
    if (!written) return tl::make_unexpected(written.error());
    return Identity{std::move(key), std::move(*certificate)};
}

}  // namespace weft::signing

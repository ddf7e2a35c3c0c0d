#include "signing/certificate.hpp"

#include <algorithm>

#include "signing/wire.hpp"

namespace weft::signing {
namespace {

constexpr std::string_view certificate_magic = "WFC1";
constexpr std::string_view ca_magic = "WCA1";
constexpr std::uint8_t suite = 1;
constexpr std::size_t signature_bytes = std::tuple_size_v<Signature>;

struct RoleName {
    Role role;
    std::string_view name;
};
constexpr std::array<RoleName, 5> role_names{{{Role::publish, "publish"},
                                              {Role::ack, "ack"},
                                              {Role::journal, "journal"},
                                              {Role::gateway, "gateway"},
                                              {Role::relay, "relay"}}};

auto refuse(Refusal reason, std::string detail = {}) {
    return tl::make_unexpected(Refused{reason, std::move(detail)});
}

}  // namespace

std::string_view name_of(Role role) noexcept {
    for (const RoleName& known : role_names) {
        if (known.role == role) return known.name;
    }
    return "unknown";
}

std::optional<Role> role_named(std::string_view name) noexcept {
    for (const RoleName& known : role_names) {
        if (known.name == name) return known.role;
    }
    return std::nullopt;
}

std::string roles_text(std::uint8_t roles) {
    std::string text;
    for (const RoleName& known : role_names) {
        if ((roles & static_cast<std::uint8_t>(known.role)) == 0) continue;
        if (!text.empty()) text += ',';
        text += known.name;
    }
    return text;
}

std::string name_error(std::string_view name) {
    if (name.empty()) return "a name needs at least one character";
    if (name.size() > Certificate::name_bytes_max) {
        return "a name has at most 200 bytes; this one has " + std::to_string(name.size());
    }
    const auto allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
    };
    if (!std::all_of(name.begin(), name.end(), allowed)) {
        return "a name has only lower-case letters, digits, '-', '_' and '.'; '" + escape(name) +
               "' has something else";
    }
    if (name.front() == '.' || name.back() == '.' || name.find("..") != std::string_view::npos) {
        return "in a name each dot stands between two other characters; in '" + escape(name) +
               "' one does not";
    }
    return {};
}

IssuerId CertificateAuthorityKey::id() const {
    const Digest digest = TaggedHash("weft1.ca")
                              .add({reinterpret_cast<const char*>(key.data()), key.size()})
                              .finish();
    IssuerId id;
    std::copy_n(digest.begin(), id.size(), id.begin());
    return id;
}

std::string CertificateAuthorityKey::bytes() const {
    return WireWriter()
        .bytes(ca_magic)
        .u8(suite)
        .array(key)
        .u8(static_cast<std::uint8_t>(name.size()))
        .bytes(name)
        .take();
}

tl::expected<CertificateAuthorityKey, std::string> CertificateAuthorityKey::read(
    std::string_view bytes) {
    WireReader reader(bytes);
    if (reader.bytes(ca_magic.size()) != ca_magic) {
        return tl::make_unexpected("it does not start with the mark of a CA's public key");
    }
    if (const std::uint8_t found = reader.u8(); !reader.failed() && found != suite) {
        return tl::make_unexpected("its signature suite is " + std::to_string(found) +
                                   "; only suite 1 is known");
    }
    CertificateAuthorityKey authority;
    reader.array(authority.key);
    authority.name = reader.bytes(reader.u8());
    if (reader.failed()) return tl::make_unexpected("it ends too early");
    if (reader.remaining() != 0) return tl::make_unexpected("something follows after its end");
    if (std::string error = name_error(authority.name); !error.empty()) {
        return tl::make_unexpected("its name is not valid: " + error);
    }
    return authority;
}

/// Reads one certificate's fields. The only maker of Certificates.
class CertificateReader {
public:
    using Result = tl::expected<std::shared_ptr<const Certificate>, Refused>;

    static std::string_view without_signature(std::string_view bytes) {
        return bytes.substr(0, bytes.size() - signature_bytes);
    }

    /// What stands before the name: enough to choose the CA, nothing of it believed yet.
    static tl::expected<IssuerId, Refused> issuer_of(std::string_view bytes) {
        if (bytes.size() > Certificate::bytes_max) {
            return refuse(Refusal::certificate_too_large,
                          std::to_string(bytes.size()) + " bytes; at most 4096 are allowed");
        }
        if (bytes.size() < signature_bytes) {
            return refuse(Refusal::certificate_malformed, "it ends before its signature");
        }
        WireReader reader(without_signature(bytes));
        if (reader.bytes(certificate_magic.size()) != certificate_magic) {
            return refuse(Refusal::certificate_malformed, "it does not start with WFC1");
        }
        if (const std::uint8_t found = reader.u8(); !reader.failed() && found != suite) {
            return refuse(Refusal::suite_of_certificate_unknown, "suite " + std::to_string(found));
        }
        IssuerId issuer{};
        reader.bytes(1 + 3 * 8);  // roles, serial, not before, not after
        reader.array(issuer);
        if (reader.failed()) return refuse(Refusal::certificate_malformed, "it ends too early");
        return issuer;
    }

    /// After issuer_of() accepted the same bytes.
    static Result read(std::string_view bytes) {
        const std::string_view tbs = without_signature(bytes);
        std::shared_ptr<Certificate> certificate(new Certificate);
        WireReader reader(tbs);
        reader.bytes(certificate_magic.size() + 1);
        certificate->roles_ = reader.u8();
        certificate->serial_ = reader.u64();
        certificate->not_before_ = reader.i64();
        certificate->not_after_ = reader.i64();
        reader.array(certificate->issuer_);
        reader.array(certificate->key_);
        reader.array(certificate->curve_key_);
        certificate->name_ = reader.bytes(reader.u8());
        if (std::string wrong = read_globs(reader, certificate->globs_); !wrong.empty()) {
            return refuse(Refusal::certificate_malformed, std::move(wrong));
        }
        if (std::string wrong = fields_error(*certificate, reader); !wrong.empty()) {
            return refuse(Refusal::certificate_malformed, std::move(wrong));
        }
        certificate->bytes_ = bytes;
        certificate->fingerprint_ = TaggedHash("weft1.certfp").add(tbs).finish();
        return certificate;
    }

private:
    static std::string read_globs(WireReader& reader, std::vector<TopicGlob>& globs) {
        const std::size_t count = reader.u8();
        if (count > Certificate::globs_max) {
            return "it has " + std::to_string(count) + " globs; at most 32 are allowed";
        }
        for (std::size_t i = 0; i < count && !reader.failed(); ++i) {
            const std::string_view text = reader.bytes(reader.u8());
            if (reader.failed()) break;
            auto glob = TopicGlob::parse(text);
            if (!glob) return "its glob '" + escape(text) + "' is not valid: " + glob.error();
            globs.push_back(std::move(*glob));
        }
        return {};
    }

    static std::string fields_error(const Certificate& certificate, const WireReader& reader) {
        if (reader.failed()) return "it ends too early";
        if (reader.remaining() != 0) return "something stands between its last glob and signature";
        if (std::string error = name_error(certificate.name_); !error.empty()) return error;
        if ((certificate.roles_ & ~all_roles) != 0) return "it has roles that are not known";
        if (certificate.not_before_ > certificate.not_after_) {
            return "its validity ends before it begins";
        }
        return {};
    }
};

tl::expected<std::shared_ptr<const Certificate>, Refused> Certificate::verify(
    std::string_view bytes, const std::vector<CertificateAuthorityKey>& authorities) {
    const auto issuer = CertificateReader::issuer_of(bytes);
    if (!issuer) return tl::make_unexpected(issuer.error());
    const auto authority =
        std::find_if(authorities.begin(), authorities.end(),
                     [&](const CertificateAuthorityKey& known) { return known.id() == *issuer; });
    if (authority == authorities.end()) {
        return refuse(Refusal::issuer_unknown,
                      "issuer " + hex({reinterpret_cast<const char*>(issuer->data()), 16}));
    }
    const std::string_view tbs = CertificateReader::without_signature(bytes);
    if (!verify_signature(bytes.substr(tbs.size()), signed_bytes("weft1.cert", tbs),
                          authority->key)) {
        return refuse(Refusal::certificate_signature_bad, "issuer " + authority->name);
    }
    return CertificateReader::read(bytes);
}

tl::expected<std::shared_ptr<const Certificate>, Refused> Certificate::read_unverified(
    std::string_view bytes) {
    if (const auto issuer = CertificateReader::issuer_of(bytes); !issuer) {
        return tl::make_unexpected(issuer.error());
    }
    return CertificateReader::read(bytes);
}

bool Certificate::grants(std::string_view topic) const {
    return std::any_of(globs_.begin(), globs_.end(),
                       [&](const TopicGlob& glob) { return glob.matches(topic); });
}

Cid Certificate::cid() const noexcept {
    Cid cid;
    std::copy_n(fingerprint_.begin(), cid.size(), cid.begin());
    return cid;
}

}  // namespace weft::signing

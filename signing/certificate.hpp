#pragma once
// A certificate: who somebody is, which key is theirs, and which topics they may publish.
// Wire format (security-design section 3), integers big-endian:
//
//   tbs:  "WFC1" | u8 suite=1 | u8 roles | u64 serial | i64 not_before | i64 not_after |
//         issuer id (16) | Ed25519 key (32) | Curve25519 key (32, zero if none) |
//         u8 length, name | u8 count <= 32 | count times: u8 length, publish glob
//   certificate: tbs | Ed25519 signature (64) by the CA over "weft1.cert" padded to 16, then tbs
//
// Threads: values; immutable once made.

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "signing/digest.hpp"
#include "signing/refusal.hpp"
#include "signing/signature.hpp"
#include "signing/topic_glob.hpp"

namespace weft::signing {

using IssuerId = std::array<std::uint8_t, 16>;  ///< First 16 bytes of H("weft1.ca", CA key).
using Cid = std::array<std::uint8_t, 16>;       ///< First 16 bytes of the fingerprint.
using UtcSeconds = std::int64_t;                ///< Seconds since 1970-01-01 UTC.

enum class Role : std::uint8_t { publish = 1, ack = 2, journal = 4, gateway = 8, relay = 16 };
inline constexpr std::uint8_t all_roles = 31;  ///< Other bits make a certificate malformed.
[[nodiscard]] std::string_view name_of(Role role) noexcept;
[[nodiscard]] std::optional<Role> role_named(std::string_view name) noexcept;
/// "publish,ack", in the order of the bits.
[[nodiscard]] std::string roles_text(std::uint8_t roles);

/// A CA's public half, as `keys/<name>.ca` holds it.
struct CertificateAuthorityKey {
    std::string name;
    PublicKey key{};
    [[nodiscard]] IssuerId id() const;

    // What the file holds: "WCA1" | u8 suite=1 | Ed25519 key (32) | u8 length, name
    [[nodiscard]] std::string bytes() const;
    /// The error is a sentence without the file's name.
    [[nodiscard]] static tl::expected<CertificateAuthorityKey, std::string> read(
        std::string_view bytes);
};

class Certificate {
public:
    static constexpr std::size_t bytes_max = 4096;
    static constexpr std::size_t globs_max = 32;
    static constexpr std::size_t name_bytes_max = 200;

    /// Checks the CA's signature over the raw bytes first, then reads the fields (T1). Says nothing
    /// of time or revocation: those are judged at each use (T8).
    [[nodiscard]] static tl::expected<std::shared_ptr<const Certificate>, Refused> verify(
        std::string_view bytes, const std::vector<CertificateAuthorityKey>& authorities);
    /// Reads the fields without believing them: for `weft keys show` and for `--no-validate`.
    [[nodiscard]] static tl::expected<std::shared_ptr<const Certificate>, Refused> read_unverified(
        std::string_view bytes);

    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] bool has(Role role) const noexcept {
        return (roles_ & static_cast<std::uint8_t>(role)) != 0;
    }
    [[nodiscard]] std::uint8_t roles() const noexcept { return roles_; }
    [[nodiscard]] std::uint64_t serial() const noexcept { return serial_; }
    [[nodiscard]] UtcSeconds not_before() const noexcept { return not_before_; }
    [[nodiscard]] UtcSeconds not_after() const noexcept { return not_after_; }
    [[nodiscard]] const IssuerId& issuer() const noexcept { return issuer_; }
    [[nodiscard]] const PublicKey& key() const noexcept { return key_; }
    [[nodiscard]] const PublicKey& curve_key() const noexcept { return curve_key_; }
    [[nodiscard]] const std::vector<TopicGlob>& globs() const noexcept { return globs_; }
    /// True if one of the globs matches. No globs: may publish nothing (T2).
    [[nodiscard]] bool grants(std::string_view topic) const;
    [[nodiscard]] const std::string& bytes() const noexcept { return bytes_; }
    [[nodiscard]] const Digest& fingerprint() const noexcept { return fingerprint_; }
    [[nodiscard]] Cid cid() const noexcept;

private:
    Certificate() = default;
    friend class CertificateReader;

    std::string bytes_, name_;
    std::uint8_t roles_ = 0;
    std::uint64_t serial_ = 0;
    UtcSeconds not_before_ = 0, not_after_ = 0;
    IssuerId issuer_{};
    PublicKey key_{}, curve_key_{};
    std::vector<TopicGlob> globs_;
    Digest fingerprint_{};
};

/// Lower-case letters, digits, '-', '_' and '.', 1 to 200 bytes; a dot stands between others, so
/// that a name can be part of a topic. Returns what is wrong, or "".
[[nodiscard]] std::string name_error(std::string_view name);

}  // namespace weft::signing

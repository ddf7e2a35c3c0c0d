#pragma once
// Which certificates of one CA are no longer to be believed. Integers big-endian:
//
//   "WRL1" | u8 suite=1 | issuer id (16) | u64 number | i64 this update | i64 next update |
//   u32 count | count times, serials strictly rising: u64 serial, i64 revoked at, u8 reason |
//   Ed25519 signature (64) by the CA over "weft1.list" padded to 16, then all before it
//
// Threads: values; const use from any thread.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "signing/certificate.hpp"

namespace weft::signing {

/// Numbers above these are kept as they are: a reason that is not known here revokes all the same.
enum class RevocationReason : std::uint8_t {
    unspecified = 0,
    key_compromised = 1,
    superseded = 2,
    retired = 3,
};
[[nodiscard]] std::string_view name_of(RevocationReason reason) noexcept;  ///< "key_compromised"
[[nodiscard]] std::optional<RevocationReason> reason_named(std::string_view name) noexcept;

struct Revocation {
    std::uint64_t serial = 0;
    UtcSeconds revoked_at = 0;
    RevocationReason reason = RevocationReason::unspecified;
    friend bool operator==(const Revocation&, const Revocation&) = default;
};

class RevocationList {
public:
    /// About 1.8 million entries.
    static constexpr std::size_t bytes_max = std::size_t{32} * 1024 * 1024;

    /// Checks the signature over the raw bytes first, then reads the fields. The error is a
    /// sentence without the file's name. Says nothing of time.
    [[nodiscard]] static tl::expected<RevocationList, std::string> verify(
        std::string_view bytes, const CertificateAuthorityKey& authority);

    /// What the CA signs: everything before the signature. Sorts; of two entries with one serial
    /// the earlier one stays.
    [[nodiscard]] static std::string unsigned_bytes(const IssuerId& issuer, std::uint64_t number,
                                                    UtcSeconds this_update, UtcSeconds next_update,
                                                    std::vector<Revocation> revocations);

    /// Null if the certificate with this serial is not revoked. Logarithmic.
    [[nodiscard]] const Revocation* find(std::uint64_t serial) const noexcept;

    [[nodiscard]] const IssuerId& issuer() const noexcept { return issuer_; }
    [[nodiscard]] std::uint64_t number() const noexcept {
        return number_;
    }  ///< Never goes back (T3).
    [[nodiscard]] UtcSeconds this_update() const noexcept { return this_update_; }
    [[nodiscard]] UtcSeconds next_update() const noexcept { return next_update_; }
    [[nodiscard]] const std::vector<Revocation>& revocations() const noexcept {
        return revocations_;
    }

private:
    RevocationList() = default;

    IssuerId issuer_{};
    std::uint64_t number_ = 0;
    UtcSeconds this_update_ = 0, next_update_ = 0;
    std::vector<Revocation> revocations_;
};

}  // namespace weft::signing

#pragma once
// A directory of keys as an operator sees it: its CAs with their lists, its certificates, and what
// is to be thought of each. Reads public files only, and writes nothing: a TrustStore would note
// the list numbers it has seen, and would give nothing at all if one file is broken.
// Threads: one. Ownership: values.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "signing/authority.hpp"
#include "signing/certificate.hpp"
#include "signing/revocation_list.hpp"

namespace weft::tools {

inline constexpr signing::UtcSeconds hour_seconds = 3'600;
inline constexpr signing::UtcSeconds day_seconds = 24 * hour_seconds;

[[nodiscard]] signing::UtcSeconds utc_now();
/// "2026-11-21T02:43:29Z". Times before 1970 are shown as 1970, those after 9999 as 9999.
[[nodiscard]] std::string time_text(signing::UtcSeconds time);
/// 16 hexadecimal digits, everywhere.
[[nodiscard]] std::string serial_text(std::uint64_t serial);
/// The same back; nothing else than 16 digits is a serial.
[[nodiscard]] std::optional<std::uint64_t> read_serial(std::string_view text);

struct KnownAuthority {
    signing::CertificateAuthorityKey key;
    std::optional<signing::RevocationList> list;  ///< None if it is missing or broken.
    bool has_key_here = false;  ///< Its private key stands in this directory, too.
};

struct FoundCertificate {
    std::filesystem::path file;
    std::shared_ptr<const signing::Certificate> certificate;
};

enum class CertificateState { valid, not_yet_valid, expired, revoked, not_believed };
[[nodiscard]] std::string_view name_of(CertificateState state) noexcept;

struct Verdict {
    CertificateState state;
    std::string sentence;
};

struct KeyDirectory {
    std::filesystem::path path;
    std::vector<KnownAuthority> authorities;     ///< By name.
    std::vector<FoundCertificate> certificates;  ///< By file name.
    std::vector<std::string> problems;           ///< A sentence for each file that is not usable.

    /// Throws failure() if the directory itself cannot be read.
    [[nodiscard]] static KeyDirectory read(const std::filesystem::path& directory);

    /// What receivers that trust this directory would think. Revoked comes before expired: that is
    /// what an operator must know. Policy and topics are not looked at.
    [[nodiscard]] Verdict judge(const signing::Certificate& certificate,
                                signing::UtcSeconds now) const;
    /// Null if no CA here issued it.
    [[nodiscard]] const KnownAuthority* issuer_of(const signing::Certificate& certificate) const;
};

/// Makes commands that change one directory wait for each other: two revocations at once must not
/// both become list number 5. Held until the object goes. Throws failure().
class DirectoryLock {
public:
    explicit DirectoryLock(const std::filesystem::path& directory);
    ~DirectoryLock();
    DirectoryLock(const DirectoryLock&) = delete;
    DirectoryLock& operator=(const DirectoryLock&) = delete;

private:
    int fd_;
};

}  // namespace weft::tools

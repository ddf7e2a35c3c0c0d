#pragma once
// A certificate authority: the key that signs certificates and revocation lists, and nothing else.
// Threads: const use from any thread. Ownership: holds its key in locked memory; moves only.
// Errors: sentences that name the file or field and say what would be right.

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "signing/certificate.hpp"
#include "signing/durable_file.hpp"
#include "signing/key_pair.hpp"
#include "signing/revocation_list.hpp"

namespace weft::signing {

inline constexpr std::string_view default_authority_name = "root";

/// What a certificate shall say. Its serial is random.
struct CertificateRequest {
    std::string name;
    std::uint8_t roles = 0;        ///< Sum of Role.
    std::vector<TopicGlob> globs;  ///< None: may publish nothing (T2).
    UtcSeconds not_before = 0, not_after = 0;
    PublicKey key{};
    PublicKey curve_key{};  ///< Zero if it has none.
};

struct RevocationListRequest {
    std::uint64_t number = 1;  ///< Above that of the list before (T3).
    UtcSeconds this_update = 0, next_update = 0;
    std::vector<Revocation> revocations;  ///< In any order.
};

class Authority {
public:
    /// A new one with a fresh key, in memory only. The error says what is wrong with the name.
    [[nodiscard]] static tl::expected<Authority, std::string> create(
        std::string name = std::string(default_authority_name));
    /// Reads `<directory>/<name>.ca-key` and `<name>.ca`, which must belong together.
    [[nodiscard]] static tl::expected<Authority, std::string> load(
        const std::filesystem::path& directory, std::string_view name = default_authority_name);
    /// Writes both files, the key first. Neither may exist unless `when` says so.
    [[nodiscard]] tl::expected<void, std::string> save(
        const std::filesystem::path& directory, WhenFileExists when = WhenFileExists::refuse) const;

    [[nodiscard]] const CertificateAuthorityKey& public_half() const noexcept { return public_; }

    /// Certificate bytes. The error is a sentence about the request.
    [[nodiscard]] tl::expected<std::string, std::string> issue(
        const CertificateRequest& request) const;
    /// Signed list bytes.
    [[nodiscard]] std::string sign_list(const RevocationListRequest& request) const;

    /// Puts a signed list into `<directory>/<name>.revoked`, in place of the one before.
    [[nodiscard]] tl::expected<void, std::string> write_list(const std::filesystem::path& directory,
                                                             std::string_view list_bytes) const;
    /// Reads and verifies `<directory>/<name>.revoked`.
    [[nodiscard]] tl::expected<RevocationList, std::string> read_list(
        const std::filesystem::path& directory) const;

private:
    Authority(CertificateAuthorityKey public_half, KeyPair key)
        : public_(std::move(public_half)), key_(std::move(key)) {}

    CertificateAuthorityKey public_;
    KeyPair key_;
};

/// Where the files of CA `name` stand in a key directory.
[[nodiscard]] std::filesystem::path authority_file(const std::filesystem::path& directory,
                                                   std::string_view name);
[[nodiscard]] std::filesystem::path authority_key_file(const std::filesystem::path& directory,
                                                       std::string_view name);
[[nodiscard]] std::filesystem::path revocation_list_file(const std::filesystem::path& directory,
                                                         std::string_view name);

/// Reads the public half of a CA.
[[nodiscard]] tl::expected<CertificateAuthorityKey, std::string> read_authority_file(
    const std::filesystem::path& file);
/// Reads and verifies a list. Times and the number are not judged.
[[nodiscard]] tl::expected<RevocationList, std::string> read_revocation_list_file(
    const std::filesystem::path& file, const CertificateAuthorityKey& authority);

}  // namespace weft::signing

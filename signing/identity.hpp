#pragma once
// Who this process is: a private key and the certificate that goes with it, `<name>.key` and
// `<name>.cert` in the key directory. One directory may hold several.
// Threads: every function from any thread; an Identity is shared by its pointers.
// Errors: sentences that name the file and say what would be right.

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "signing/authority.hpp"
#include "signing/certificate.hpp"
#include "signing/durable_file.hpp"
#include "signing/key_pair.hpp"
#include "signing/trust_store.hpp"

namespace weft::signing {

struct Identity {
    std::shared_ptr<const KeyPair> key;
    std::shared_ptr<const Certificate> certificate;
};

/// Reads both files and checks that they belong together and are of this name, but asks nobody
/// whether the certificate is believed: for a process that does not validate.
[[nodiscard]] tl::expected<Identity, std::string> load_identity(
    const std::filesystem::path& directory, std::string_view name);

/// The same, and `trust` must believe the certificate now: known CA, valid, not revoked. Said at
/// our own start, because every receiver would refuse what we sign.
[[nodiscard]] tl::expected<Identity, std::string> load_identity(
    const std::filesystem::path& directory, std::string_view name, const Trust& trust,
    UtcSeconds now);

/// Makes a key and lets `authority` certify it. `request.key` and `request.curve_key` are filled
/// in here. Writes the key, then the certificate. Refuses if one of them is there already, unless
/// `when` says otherwise.
[[nodiscard]] tl::expected<Identity, std::string> issue_identity(
    const std::filesystem::path& directory, const Authority& authority, CertificateRequest request,
    WhenFileExists when = WhenFileExists::refuse);

[[nodiscard]] std::filesystem::path key_file(const std::filesystem::path& directory,
                                             std::string_view name);
[[nodiscard]] std::filesystem::path certificate_file(const std::filesystem::path& directory,
                                                     std::string_view name);

/// Reads `file` and its fields without believing them.
[[nodiscard]] tl::expected<std::shared_ptr<const Certificate>, std::string> read_certificate_file(
    const std::filesystem::path& file);

}  // namespace weft::signing

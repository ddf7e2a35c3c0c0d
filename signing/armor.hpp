#pragma once
// How keys, certificates and lists stand in files: base64 between two lines that say what it is.
//
//   -----BEGIN WEFT CERTIFICATE-----
//   (base64, 64 characters a line)
//   -----END WEFT CERTIFICATE-----
//
// Strict on reading: the label must be the expected one, nothing stands before or after, and no
// character outside the alphabet.
// Threads: pure functions. Errors: sentences without the file's name, to go behind it.

#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "signing/secret.hpp"

namespace weft::signing {

enum class ArmorLabel { signing_key, certificate, ca_key, ca, revocation_list };

/// "WEFT SIGNING KEY" and so on.
[[nodiscard]] std::string_view text_of(ArmorLabel label) noexcept;

[[nodiscard]] std::string armor(ArmorLabel label, std::string_view content);
[[nodiscard]] tl::expected<std::string, std::string> unarmor(ArmorLabel label,
                                                             std::string_view text);

/// The same for keys: neither the text nor the content passes through unlocked memory.
[[nodiscard]] Secret armor_secret(ArmorLabel label, const Secret& content);
[[nodiscard]] tl::expected<Secret, std::string> unarmor_secret(ArmorLabel label,
                                                               const Secret& text);

}  // namespace weft::signing

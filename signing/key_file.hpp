#pragma once
// Private and public files of a key directory (rule K1). A private key's content is
// "WSK1" | u8 suite=1 | u8 sealed=0 | Ed25519 seed (32); its label tells a CA's key from others.
// Threads: every function from any thread.
// Errors: sentences that name the file and say what would be right.

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "signing/armor.hpp"
#include "signing/durable_file.hpp"
#include "signing/key_pair.hpp"

namespace weft::signing {

/// `label` is signing_key or ca_key (asserted).
[[nodiscard]] tl::expected<KeyPair, std::string> read_key_file(const std::filesystem::path& file,
                                                               ArmorLabel label);
/// The same from the text of such a file. The error is a sentence without a name and a full stop,
/// to go behind one.
[[nodiscard]] tl::expected<KeyPair, std::string> read_key_text(const Secret& text,
                                                               ArmorLabel label);
/// Mode 0600 from the first moment.
[[nodiscard]] tl::expected<void, std::string> write_key_file(const std::filesystem::path& file,
                                                             const KeyPair& key, ArmorLabel label,
                                                             WhenFileExists when);

/// The content of an armored public file; `content_bytes_max` bounds it before it is read.
[[nodiscard]] tl::expected<std::string, std::string> read_armored_file(
    const std::filesystem::path& file, ArmorLabel label, std::size_t content_bytes_max);
/// Mode 0644, less what the umask forbids.
[[nodiscard]] tl::expected<void, std::string> write_armored_file(const std::filesystem::path& file,
                                                                 ArmorLabel label,
                                                                 std::string_view content,
                                                                 WhenFileExists when);

}  // namespace weft::signing

#pragma once
// One JSON form for what `weft keys list` and `weft keys show` say.
// Threads: pure functions.

#include "fabric/message/value.hpp"
#include "tools/key_directory.hpp"

namespace weft::tools {

/// Lower-case hexadecimal digits of a key, id or fingerprint.
template <class Bytes>
[[nodiscard]] std::string hex_of(const Bytes& bytes);

[[nodiscard]] fabric::Value certificate_value(const KeyDirectory& directory,
                                              const FoundCertificate& found,
                                              signing::UtcSeconds now);
[[nodiscard]] fabric::Value authority_value(const KnownAuthority& authority,
                                            signing::UtcSeconds now);

}  // namespace weft::tools

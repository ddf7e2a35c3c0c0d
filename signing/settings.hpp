#pragma once
// The `signing:` section of the configuration, read once at start and again on SIGHUP.
// Threads: a plain value; read_settings() is confined to the thread that owns the Section.
// Errors: problems go to the Section, with the place in the file; look at them before using what
// is returned.

#include <filesystem>

#include "config/section.hpp"
#include "signing/trust_store.hpp"

namespace weft::signing {

struct Settings {
    bool sign = true;      ///< false: publish without proofs.
    bool validate = true;  ///< false: take unsigned messages and ask nobody (D2: say so aloud).
    std::filesystem::path directory;  ///< Keys, certificates, lists; absolute. Also in `trust`.
    TrustSettings trust;
};

/// `section` is `signing`. Rule T4: with `nitpicky` an expired revocation list refuses, too, unless
/// `revocation_expired: warn` is written out.
[[nodiscard]] Settings read_settings(const config::Section& section);

}  // namespace weft::signing

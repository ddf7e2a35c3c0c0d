#pragma once
// Who may connect to whom on encrypted connections (rule N1). Pure: a snapshot of certificates and
// the time come in, a decision goes out.
// Threads: pure functions.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "signing/curve_directory.hpp"
#include "signing/refusal.hpp"

namespace weft::fabric {

/// The side of a socket that others connect to. What comes in by `inbound` is sent on to everybody,
/// so it takes a role that speaks; `outbound` only gives, and `answers` gives what is asked for.
enum class Door { inbound, outbound, answers };
[[nodiscard]] std::string_view name_of(Door door) noexcept;

/// Whether to tell the peer that it need not come back (ZAP's 400), or to let it try again (300).
enum class Entry { allowed, try_again, never };

struct EntryDecision {
    Entry entry = Entry::try_again;
    std::shared_ptr<const signing::Certificate> who;  ///< Null if no certificate has the key.
    std::optional<signing::Refused> refused;          ///< Set unless allowed.
};

/// May the holder of this Curve key come in by this door now? One good certificate is enough.
[[nodiscard]] EntryDecision judge_entry(const signing::CurveCertificates& certificates,
                                        const signing::PublicKey& curve_key, Door door,
                                        signing::UtcSeconds now);

/// The certificate of a server that one may connect to now, or a sentence that says why there is
/// none and what to do.
using Server = tl::expected<std::shared_ptr<const signing::Certificate>, std::string>;
[[nodiscard]] Server server_named(const signing::CurveCertificates& certificates,
                                  std::string_view name, signing::UtcSeconds now);
/// The same for the relay: `name`, or, if that is empty, the only one with the role relay.
[[nodiscard]] Server relay_named(const signing::CurveCertificates& certificates,
                                 std::string_view name, signing::UtcSeconds now);

}  // namespace weft::fabric

#pragma once
// Decides whether a run may be believed: shape, certificate, proof, then what the signer may say.
// Nothing inside a content is parsed here (S1).

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "signing/certificate.hpp"
#include "signing/proof.hpp"
#include "signing/refusal.hpp"
#include "signing/trust_store.hpp"

namespace weft::signing {

struct RunItem {
    std::string_view content;  ///< Into the caller's contents frame; empty if left out.
    Digest digest;             ///< M. All zero where nothing was hashed (an unsigned message).
    bool present;
};

/// What verify() fills; keep one and use it again, so that nothing is allocated per run.
struct VerifiedRun {
    Kind kind = Kind::message;
    std::shared_ptr<const Certificate> signer;  ///< Null for an unsigned message.
    bool verified = false;                      ///< True only if trust was asked and said yes.
    bool revoked_later = false;                 ///< Mode::stored: not any more, but it was.
    std::vector<RunItem> items;
};

/// Which connection frames came from, for the budget of failed proofs (C5).
struct Peer {
    std::string_view name;  ///< Address or endpoint; at most 4,096 are remembered.
    std::uint32_t failures_per_second = 200;  ///< 0: no check is paid for at all.
};

struct VerifierStats {
    std::uint64_t roots_cached = 0, root_hits = 0, root_misses = 0, roots_evicted = 0;
    std::uint64_t cache_flushes = 0;  ///< New trust generations seen (C4).
    /// What was paid: contents hashed, and certificates and roots given to Ed25519. Neither moves
    /// for a message that is refused for its shape (S6).
    std::uint64_t contents_hashed = 0, signatures_checked = 0;
};

/// Threads: confined to one receiving thread; the TrustStore may be shared.
class Verifier {
public:
    enum class Mode {
        validate,   ///< Believe only what the trust store vouches for.
        integrity,  ///< `validate: false`: signed runs must still be unaltered under the
                    ///< certificate that they carry; unsigned ones pass; `verified` stays false
                    ///< (D2).
        stored,     ///< As validate, for what a journal gives: `now` is the time at which it
                    ///< stored the run, and a revocation counts only if it was not later (T8).
    };

    static constexpr std::size_t roots_per_signer_max = 64;
    static constexpr std::size_t roots_max = 65'536;
    static constexpr std::size_t certificates_max = 4'096;

    /// `trust` may be null in Mode::integrity.
    Verifier(std::shared_ptr<TrustStore> trust, Mode mode, Limits limits = {});
    ~Verifier();
    Verifier(const Verifier&) = delete;
    Verifier& operator=(const Verifier&) = delete;

    /// Fills `run` when it returns a value and empties it when it returns a refusal, so that
    /// nothing refused can be read (S1). Costs one hash a content and a few a run if the root,
    /// certificate and topic are known; one or two Ed25519 checks if not. A peer that spent its
    /// budget gets no further check, but runs under roots that are already cached still pass. `now`
    /// is for validity and revocation, `steady_ms` for the budget of failures only.
    [[nodiscard]] tl::expected<void, Refused> verify(const RunFrames& frames, const Peer& peer,
                                                     UtcSeconds now, std::uint64_t steady_ms,
                                                     VerifiedRun& run);
    [[nodiscard]] VerifierStats stats() const noexcept;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace weft::signing

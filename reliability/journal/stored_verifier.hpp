#pragma once
// Verifies what a journal gives, as a receiver verifies what comes over the fabric: a journal is
// believed about ids and times, not about who published what. Each run is judged by the time at
// which it was stored (T8): whoever was revoked before that is refused, whoever was revoked later
// is accepted and marked.
//
// Threads:   confined to one; the trust store may be shared. The callbacks run within verify().
// Ownership: messages keep `bytes` (Page::bytes) and copy nothing.
// Cost:      with the root of a run known one hash a message; an Ed25519 check a batch.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "fabric/message/message.hpp"
#include "reliability/journal/journal.hpp"
#include "signing/trust_store.hpp"
#include "signing/verifier.hpp"

namespace weft::reliability {

struct VerifiedMessage {
    JournalId id = 0;
    std::uint64_t stored_us = 0;
    const fabric::Message& message;
    bool revoked_later = false;  ///< Its signer's certificate is revoked now, and was not then.
};

/// Ids from `first` to `last` were not believed: a run, or one message of it.
struct StoredRefusal {
    JournalId first = 0, last = 0;
    signing::Refused why;
};

class StoredVerifier {
public:
    using OnMessage = std::function<void(const VerifiedMessage&)>;
    using OnRefused = std::function<void(const StoredRefusal&)>;

    /// `trust` null (signing.validate is off): signed runs must be unaltered, and nobody is
    /// believed.
    explicit StoredVerifier(std::shared_ptr<signing::TrustStore> trust,
                            signing::Limits limits = {});

    /// The messages from `from` to `to` of the run, in their order, or why not. Only messages
    /// (kind 0) are given: anything else in a journal is refused as `kind_unknown`.
    void verify(const StoredRun& run, const std::shared_ptr<const void>& bytes,
                const OnMessage& on_message, const OnRefused& on_refused);
    /// Every run of the page.
    void verify(const Page& page, const OnMessage& on_message, const OnRefused& on_refused);

    [[nodiscard]] signing::VerifierStats stats() const noexcept { return verifier_.stats(); }

private:
    [[nodiscard]] std::optional<signing::Refused> judge(const StoredRun& run);

    signing::Verifier verifier_;
    signing::VerifiedRun verified_;
};

}  // namespace weft::reliability

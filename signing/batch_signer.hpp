#pragma once
// Signs what a sender drained: one tree over its runs, one Ed25519 signature, one proof a run.
// One message alone is a batch of one run of one message: there is no second way to sign.

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "signing/certificate.hpp"
#include "signing/key_pair.hpp"
#include "signing/merkle.hpp"
#include "signing/proof.hpp"

namespace weft::signing {

/// One run: the digests of its messages in order. They carry topic and content (message_digest).
struct RunToSign {
    Kind kind = Kind::message;
    std::span<const Digest> digests;  ///< 1 to run_messages_max (asserted).
};

/// Threads: confined to the sender's thread; keeps scratch buffers between calls.
class BatchSigner {
public:
    /// The certificate is the one of `key` (asserted).
    BatchSigner(std::shared_ptr<const KeyPair> key, std::shared_ptr<const Certificate> certificate);

    /// `proofs` becomes one proof frame a run, in the order given. 1 to batch_runs_max runs
    /// (asserted). The strings' memory is used again.
    void sign(std::span<const RunToSign> runs, std::vector<std::string>& proofs);

    [[nodiscard]] const Certificate& certificate() const noexcept { return *certificate_; }

private:
    std::shared_ptr<const KeyPair> key_;
    std::shared_ptr<const Certificate> certificate_;
    std::vector<Digest> leaves_;
    MerkleTree tree_;
    std::string path_;
};

}  // namespace weft::signing

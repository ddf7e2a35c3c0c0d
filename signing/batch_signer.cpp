#include "signing/batch_signer.hpp"

#include <cassert>
#include <utility>

namespace weft::signing {

BatchSigner::BatchSigner(std::shared_ptr<const KeyPair> key,
                         std::shared_ptr<const Certificate> certificate)
    : key_(std::move(key)), certificate_(std::move(certificate)) {
    assert(key_ && certificate_ && key_->public_key() == certificate_->key());
    leaves_.reserve(batch_runs_max);
}

void BatchSigner::sign(std::span<const RunToSign> runs, std::vector<std::string>& proofs) {
    assert(!runs.empty() && runs.size() <= batch_runs_max);
    const Cid cid = certificate_->cid();
    const auto n = static_cast<std::uint16_t>(runs.size());
    leaves_.clear();
    for (std::uint16_t i = 0; i < n; ++i) {
        leaves_.push_back(leaf_digest(cid, i, n, run_digest(cid, runs[i].kind, runs[i].digests)));
    }
    tree_.build(cid, leaves_);
    const Signature signature =
        key_->sign(bytes_of(signed_root(certificate_->fingerprint(), n, tree_.root())));

    proofs.resize(n);
    for (std::uint16_t i = 0; i < n; ++i) {
        path_.clear();
        tree_.append_path(i, path_);
        write_proof({.kind = runs[i].kind,
                     .i = i,
                     .n = n,
                     .k = static_cast<std::uint16_t>(runs[i].digests.size()),
                     .signature = bytes_of(signature),
                     .path = path_,
                     .certificate = certificate_->bytes()},
                    proofs[i]);
    }
}

}  // namespace weft::signing

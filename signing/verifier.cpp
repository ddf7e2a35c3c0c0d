#include "signing/verifier.hpp"

#include <algorithm>
#include <cassert>
#include <optional>
#include <utility>

#include "signing/certificate_cache.hpp"
#include "signing/failure_budget.hpp"
#include "signing/key_pair.hpp"
#include "signing/merkle.hpp"
#include "signing/proved_roots.hpp"
#include "signing/root_cache.hpp"
#include "signing/topic_glob.hpp"
#include "signing/tree_cache.hpp"

namespace weft::signing {

namespace {

constexpr std::size_t topic_bytes_max = TopicGlob::bytes_max;

using Judgement = std::optional<Refused>;  // Nothing: believed so far.

std::string too_many_bytes(std::size_t bytes, std::size_t bytes_max) {
    return std::to_string(bytes) + " bytes, at most " + std::to_string(bytes_max) + " are allowed";
}

void forget(VerifiedRun& run) noexcept {
    run.kind = Kind::message;
    run.signer.reset();
    run.verified = false;
    run.revoked_later = false;
    run.items.clear();
}

Judgement judge_topic_frame(std::string_view topic) {
    if (topic.size() > topic_bytes_max) {
        return Refused{Refusal::topic_invalid, too_many_bytes(topic.size(), topic_bytes_max)};
    }
    if (const std::string error = topic_error(topic); !error.empty()) {
        return Refused{Refusal::topic_invalid, "\"" + escape(topic) + "\": " + error};
    }
    return std::nullopt;
}

/// Reads the next item into `run`. Lengths only: no byte of a content is looked at.
Judgement read_item(ItemReader& items, std::size_t content_bytes_max, VerifiedRun& run) {
    const std::size_t number = run.items.size();
    const auto item = items.next();
    if (!item) {
        return Refused{Refusal::contents_malformed,
                       "the frame ends within item " + std::to_string(number)};
    }
    if (!item->present) {
        Digest digest;
        std::copy(item->bytes.begin(), item->bytes.end(), digest.begin());
        run.items.push_back(RunItem{{}, digest, false});
        return std::nullopt;
    }
    if (item->bytes.size() > content_bytes_max) {
        return Refused{Refusal::content_too_large,
                       "item " + std::to_string(number) + ": " +
                           too_many_bytes(item->bytes.size(), content_bytes_max)};
    }
    run.items.push_back(RunItem{item->bytes, {}, true});
    return std::nullopt;
}

Judgement judge_presence(const VerifiedRun& run) {
    const auto is_present = [](const RunItem& item) { return item.present; };
    if (std::any_of(run.items.begin(), run.items.end(), is_present)) return std::nullopt;
    return Refused{Refusal::nothing_present,
                   "all " + std::to_string(run.items.size()) + " messages are left out"};
}

Judgement read_items_of_signed_run(const RunFrames& frames, std::size_t k,
                                   std::size_t content_bytes_max, VerifiedRun& run) {
    ItemReader items(frames.contents);
    for (std::size_t item = 0; item < k; ++item) {
        if (auto refused = read_item(items, content_bytes_max, run)) return refused;
    }
    if (!items.at_end()) {
        return Refused{Refusal::contents_malformed,
                       "bytes follow the last of " + std::to_string(k) + " items"};
    }
    return judge_presence(run);
}

Judgement read_items_of_unsigned_run(const RunFrames& frames, std::size_t content_bytes_max,
                                     VerifiedRun& run) {
    ItemReader items(frames.contents);
    while (!items.at_end()) {
        if (run.items.size() == run_messages_max) {
            return Refused{Refusal::run_length_invalid,
                           "more than " + std::to_string(run_messages_max) + " items"};
        }
        if (auto refused = read_item(items, content_bytes_max, run)) return refused;
    }
    if (run.items.empty()) return Refused{Refusal::run_length_invalid, "the run is empty"};
    if (auto refused = judge_presence(run)) return refused;
    // A digest that no signature covers must not look like one that was checked.
    for (RunItem& item : run.items) item.digest = {};
    return std::nullopt;
}

}  // namespace

struct Verifier::State {
    State(std::shared_ptr<TrustStore> trust_store, Mode how, Limits what)
        : store(std::move(trust_store)), mode(how), limits(what) {
        digests.reserve(run_messages_max);
        if (mode == Mode::integrity) return;
        trust = store->current();
        roots.use_generation(trust->generation());
    }

    Judgement judge(const RunFrames& frames, const Peer& peer, UtcSeconds now,
                    std::uint64_t steady_ms, VerifiedRun& run);

    void follow_trust();
    tl::expected<std::shared_ptr<const Certificate>, Refused> read_certificate(
        std::string_view bytes, const Peer& peer, std::uint64_t steady_ms);
    void digest_items(std::string_view topic, VerifiedRun& run);
    Judgement judge_proof(const ProofFields& proof, const Certificate& signer, const Peer& peer,
                          std::uint64_t steady_ms);
    Judgement judge_speaker(CertificateCache::Entry& signer, Kind kind, std::string_view topic,
                            UtcSeconds now, VerifiedRun& run) const;

    const std::shared_ptr<TrustStore> store;
    const Mode mode;
    const Limits limits;
    std::shared_ptr<const Trust> trust;  // Null in Mode::integrity.
    CertificateCache certificates{certificates_max};
    RootCache roots{roots_max, roots_per_signer_max};
    TreeCache trees;
    FailureBudget budget;
    std::vector<Digest> digests;  // Of the run in hand, side by side for one hash over them.
    std::uint64_t cache_flushes = 0, contents_hashed = 0, signatures_checked = 0;
};

Judgement Verifier::State::judge(const RunFrames& frames, const Peer& peer, UtcSeconds now,
                                 std::uint64_t steady_ms, VerifiedRun& run) {
    // Shape, on lengths and fixed offsets only (S6, S7).
    if (frames.contents.size() > limits.contents_frame_bytes_max) {
        return Refused{Refusal::frame_too_large,
                       too_many_bytes(frames.contents.size(), limits.contents_frame_bytes_max)};
    }
    if (auto refused = judge_topic_frame(frames.topic)) return refused;
    if (frames.proof.empty()) {
        if (mode != Mode::integrity) {
            return Refused{Refusal::unsigned_message, "topic " + escape(frames.topic)};
        }
        return read_items_of_unsigned_run(frames, limits.content_bytes_max, run);
    }
    const auto proof = read_proof(frames.proof);
    if (!proof) return proof.error();
    if (auto refused = read_items_of_signed_run(frames, proof->k, limits.content_bytes_max, run)) {
        return refused;
    }

    if (mode != Mode::integrity) follow_trust();
    CertificateCache::Entry* signer = certificates.find(proof->certificate);
    std::shared_ptr<const Certificate> unknown;
    if (signer == nullptr) {
        auto read = read_certificate(proof->certificate, peer, steady_ms);
        if (!read) return std::move(read.error());
        unknown = std::move(*read);
    }

    digest_items(frames.topic, run);
    if (auto refused = judge_proof(*proof, signer != nullptr ? *signer->certificate : *unknown,
                                   peer, steady_ms)) {
        return refused;
    }
    // Only now: whoever fills this cache had to sign something.
    if (signer == nullptr) signer = &certificates.enter(std::move(unknown));

    if (mode != Mode::integrity) {
        if (auto refused = judge_speaker(*signer, proof->kind, frames.topic, now, run)) {
            return refused;
        }
        run.verified = true;
    }
    run.kind = proof->kind;
    run.signer = signer->certificate;
    return std::nullopt;
}

/// One atomic load while trust does not change. When it does, everything that was decided under the
/// old snapshot is forgotten (C4).
void Verifier::State::follow_trust() {
    if (store->generation() == trust->generation()) return;
    auto current = store->current();
    if (current->generation() == trust->generation()) return;
    trust = std::move(current);
    certificates.clear();
    trees.clear();
    roots.use_generation(trust->generation());
    ++cache_flushes;
}

tl::expected<std::shared_ptr<const Certificate>, Refused> Verifier::State::read_certificate(
    std::string_view bytes, const Peer& peer, std::uint64_t steady_ms) {
    if (budget.spent(peer.name, peer.failures_per_second, steady_ms)) {
        return tl::make_unexpected(Refused{Refusal::peer_over_budget, escape(peer.name)});
    }
    if (mode != Mode::integrity) ++signatures_checked;
    auto certificate = mode == Mode::integrity ? Certificate::read_unverified(bytes)
                                               : Certificate::verify(bytes, trust->authorities());
    if (!certificate) budget.count_failure(peer.name, steady_ms);
    return certificate;
}

void Verifier::State::digest_items(std::string_view topic, VerifiedRun& run) {
    digests.clear();
    for (RunItem& item : run.items) {
        if (item.present) {
            item.digest = message_digest(topic, item.content);
            ++contents_hashed;
        }
        digests.push_back(item.digest);
    }
}

Judgement Verifier::State::judge_proof(const ProofFields& proof, const Certificate& signer,
                                       const Peer& peer, std::uint64_t steady_ms) {
    const Cid cid = signer.cid();
    const Digest run = run_digest(cid, proof.kind, digests);
    const Digest leaf = leaf_digest(cid, proof.i, proof.n, run);
    if (trees.proves(signer.fingerprint(), cid, proof, leaf)) {
        roots.count_hit();
        return std::nullopt;
    }
    const SignedRoot root = signed_root(signer.fingerprint(), proof.n,
                                        root_from_path(cid, leaf, proof.i, proof.n, proof.path));
    const Digest key = RootCache::key_of(root, proof.signature);
    if (roots.holds(signer.fingerprint(), key)) {
        trees.enter(signer.fingerprint(), cid, proof, leaf);
        return std::nullopt;
    }

    const bool is_judged = mode != Mode::integrity;
    const bool is_proved =
        is_judged && store->proved_roots().holds(trust->generation(), signer.fingerprint(), key);
    if (!is_proved && budget.spent(peer.name, peer.failures_per_second, steady_ms)) {
        return Refused{Refusal::peer_over_budget, escape(peer.name)};
    }
    if (!is_proved) {
        ++signatures_checked;
        if (!verify_signature(proof.signature, bytes_of(root), signer.key())) {
            budget.count_failure(peer.name, steady_ms);
            return Refused{Refusal::signature_bad, "certificate of " + escape(signer.name())};
        }
        if (is_judged) {
            store->proved_roots().enter(trust->generation(), signer.fingerprint(), key);
        }
    }
    roots.enter(signer.fingerprint(), key);
    trees.enter(signer.fingerprint(), cid, proof, leaf);
    return std::nullopt;
}

/// What Trust::judge() decides, with the part that does not depend on the time remembered. Trust
/// decisions never count against the peer's budget: the peer proved what it sent.
Judgement Verifier::State::judge_speaker(CertificateCache::Entry& signer, Kind kind,
                                         std::string_view topic, UtcSeconds now,
                                         VerifiedRun& run) const {
    auto refused_signer =
        mode == Mode::stored
            ? trust->judge_stored_signer(*signer.certificate, kind, now, run.revoked_later)
            : trust->judge_signer(*signer.certificate, kind, now);
    if (refused_signer) return refused_signer;
    if (kind != Kind::message || signer.granted.holds(topic)) return std::nullopt;
    if (auto refused = trust->judge_topic(*signer.certificate, topic)) return refused;
    signer.granted.enter(topic);
    return std::nullopt;
}

Verifier::Verifier(std::shared_ptr<TrustStore> trust, Mode mode, Limits limits) {
    assert(mode == Mode::integrity || trust != nullptr);
    assert(limits.content_bytes_max < item_left_out);
    assert(limits.contents_frame_bytes_max >= limits.content_bytes_max + 4);
    state_ = std::make_unique<State>(std::move(trust), mode, limits);
}

Verifier::~Verifier() = default;

tl::expected<void, Refused> Verifier::verify(const RunFrames& frames, const Peer& peer,
                                             UtcSeconds now, std::uint64_t steady_ms,
                                             VerifiedRun& run) {
    forget(run);
    auto refused = state_->judge(frames, peer, now, steady_ms, run);
    if (refused) {
        forget(run);
        return tl::make_unexpected(std::move(*refused));
    }
    return {};
}

VerifierStats Verifier::stats() const noexcept {
    const RootCache::Counts& counts = state_->roots.counts();
    return {.roots_cached = state_->roots.size(),
            .root_hits = counts.hits,
            .root_misses = counts.misses,
            .roots_evicted = counts.evicted,
            .cache_flushes = state_->cache_flushes,
            .contents_hashed = state_->contents_hashed,
            .signatures_checked = state_->signatures_checked};
}

}  // namespace weft::signing

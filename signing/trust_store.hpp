#pragma once
// Whom this process believes: CA keys, revocation lists, the routing policy, and how strict to be.
// A Trust is an immutable snapshot; a TrustStore holds the current one and replaces it whole when
// files change. A reload that fails in any part keeps the old snapshot and says why (T6).

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "signing/certificate.hpp"
#include "signing/refusal.hpp"
#include "signing/revocation_list.hpp"
#include "signing/routing_policy.hpp"

namespace weft::signing {

/// What a signed run is. Requests and answers go to one peer, never over PUB/SUB.
enum class Kind : std::uint8_t { message = 0, ack = 1, beacon = 2, request = 3, answer = 4 };
inline constexpr std::size_t kind_count = 5;

enum class WhenListExpired { warn, refuse };

class ProvedRoots;

/// Times may be off by this much before a certificate counts as expired or not yet valid (T8).
inline constexpr UtcSeconds clock_skew_seconds = 30;

struct TrustSettings {
    std::filesystem::path directory;  ///< Holds *.ca and, for each, <same name>.revoked.
    std::vector<RoutingPolicy::Rule> policy;
    bool nitpicky = false;
    WhenListExpired when_list_expired = WhenListExpired::warn;
};

class Trust {
public:
    [[nodiscard]] const std::vector<CertificateAuthorityKey>& authorities() const noexcept {
        return authorities_;
    }
    /// Everything about a signer but the proof: validity time, revocation, role for this kind, and
    /// for kind message and topic: certificate globs and policy. Nullopt means believed. Runs for
    /// every run of messages, cached root or not (C3).
    /// Roles: publish for messages, ack or journal for ACKs (A1), any for beacons and requests,
    /// journal for answers.
    /// Revoked is revoked: the time that a list gives does not count, or a CA whose clock is ahead
    /// would revoke too late. Journal readers pass the time at which the journal stored the
    /// message, and on certificate_revoked compare it with revocation_of() themselves (T8).
    [[nodiscard]] std::optional<Refused> judge(const Certificate& signer, Kind kind,
                                               std::string_view topic, UtcSeconds now) const;
    /// The part of judge() that depends on nothing but signer and topic, so it may be cached under
    /// one generation: globs and policy.
    [[nodiscard]] std::optional<Refused> judge_topic(const Certificate& signer,
                                                     std::string_view topic) const;
    /// The part that depends on the time: validity, revocation, expired lists, role.
    [[nodiscard]] std::optional<Refused> judge_signer(const Certificate& signer, Kind kind,
                                                      UtcSeconds now) const;
    /// judge_signer() for what a journal stored at `stored`: a revocation counts if it was not
    /// later, and else sets `revoked_later` (T8). Whoever judges so believes the journal's clock.
    [[nodiscard]] std::optional<Refused> judge_stored_signer(const Certificate& signer, Kind kind,
                                                             UtcSeconds stored,
                                                             bool& revoked_later) const;
    /// The entry about this certificate in its CA's list; null if there is none.
    [[nodiscard]] const Revocation* revocation_of(const Certificate& signer) const noexcept;
    /// Raised by each change; caches of decisions carry it (C4).
    [[nodiscard]] std::uint64_t generation() const noexcept { return generation_; }
    /// Sentences for the operator: lists past their next update, and the like.
    [[nodiscard]] std::vector<std::string> warnings(UtcSeconds now) const;
    [[nodiscard]] const std::map<IssuerId, RevocationList>& lists() const noexcept {
        return lists_;
    }

private:
    friend class TrustStore;
    [[nodiscard]] std::optional<Refused> judge_validity(const Certificate& signer,
                                                        UtcSeconds now) const;
    [[nodiscard]] std::optional<Refused> judge_list_and_role(const Certificate& signer, Kind kind,
                                                             UtcSeconds now) const;
    std::vector<CertificateAuthorityKey> authorities_;
    std::map<IssuerId, RevocationList> lists_;
    RoutingPolicy policy_;
    bool nitpicky_ = false;
    WhenListExpired when_list_expired_ = WhenListExpired::warn;
    std::uint64_t generation_ = 0;
    std::vector<std::string> load_warnings_;
};

/// Keeps the highest number that it has seen of each list in `<ca>.revoked-number` beside the list,
/// so that an old list is refused after a restart, too (T3). Where the directory cannot be written
/// it remembers the numbers in memory only, and says so in the snapshot's warnings().
/// Threads: every function from any thread; readers never wait for a reload.
class TrustStore {
public:
    ~TrustStore();
    TrustStore(const TrustStore&) = delete;
    TrustStore& operator=(const TrustStore&) = delete;
    /// Errors are sentences that name the file: no CA in the directory, an empty or unreadable or
    /// truncated file, a missing list, a list whose number went back (T3, T6).
    [[nodiscard]] static tl::expected<std::unique_ptr<TrustStore>, std::vector<std::string>> open(
        TrustSettings settings);

    [[nodiscard]] std::shared_ptr<const Trust> current() const;
    /// Cheap enough for every message: compare with the generation of the snapshot in hand.
    [[nodiscard]] std::uint64_t generation() const noexcept {
        return generation_.load(std::memory_order_acquire);
    }
    /// Reads every file again. On any error the old snapshot stays, whole.
    [[nodiscard]] tl::expected<void, std::vector<std::string>> reload();
    /// The same with another policy (SIGHUP read the configuration again).
    [[nodiscard]] tl::expected<void, std::vector<std::string>> reload(TrustSettings settings);
    /// Looks at the files' identity, size and time; reloads if one changed. A few stat calls: call
    /// it a few times a second (T5). True if a new snapshot is in force. As long as the changed
    /// files are bad it tries again and reports the errors each time, because what failed may have
    /// been this process (no free file descriptors): say them once, and count the rest.
    [[nodiscard]] tl::expected<bool, std::vector<std::string>> reload_if_changed();

    /// What verifiers that share this store have proved.
    [[nodiscard]] ProvedRoots& proved_roots() noexcept { return *proved_roots_; }

private:
    explicit TrustStore(TrustSettings settings);
    // With reload_mutex_ held:
    tl::expected<void, std::vector<std::string>> load_and_publish(const TrustSettings& settings);
    void remember_numbers(Trust& trust, const std::filesystem::path& directory);

    // Lock order: reload_mutex_, then mutex_.
    std::mutex reload_mutex_;  // one reload at a time; guards settings_, files_seen_, numbers_
    TrustSettings settings_;
    std::string files_seen_;                     // what reload_if_changed compares
    std::map<IssuerId, std::uint64_t> numbers_;  // highest list number seen by this process

    mutable std::mutex mutex_;  // guards trust_, held for the copy of a pointer only
    std::shared_ptr<const Trust> trust_;
    std::atomic<std::uint64_t> generation_{0};
    const std::unique_ptr<ProvedRoots> proved_roots_;
};

}  // namespace weft::signing

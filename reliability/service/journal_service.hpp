#pragma once
// Lets programs elsewhere ask a journal: docs/wire-format.md, "Asking a journal". Whoever may
// connect may read, as whoever may subscribe may listen; what changes something takes a signed,
// fresh request that was not here before, from somebody who may (operation.hpp). Every answer is
// signed by the journal's identity.
//
// Threads:   one that owns the socket, verifies, signs and keeps the books, and `workers` in which
//            the operations run: a read that waits for the disk does not hold up the others. Every
//            function from any thread.
// Ownership: transport, clock and journal must outlive it.
// Limits:    Limits; what exceeds them is answered `busy`. A peer that does not take its answers
//            loses them, counted.

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "fabric/message/topic.hpp"
#include "fabric/settings.hpp"
#include "fabric/transport/clock.hpp"
#include "fabric/transport/transport.hpp"
#include "reliability/journal/journal.hpp"
#include "reliability/service/operations.hpp"
#include "reliability/service/turns.hpp"
#include "reliability/service/waiting_room.hpp"
#include "signing/identity.hpp"
#include "signing/trust_store.hpp"
#include "signing/verifier.hpp"

namespace weft::reliability {

struct JournalServiceSettings {
    fabric::TopicSpace space;
    std::vector<std::string> endpoints;  ///< The first that is free is bound.
    std::chrono::milliseconds replay_past{300'000}, replay_future{30'000};
    std::size_t workers = 2;
    TurnLimits turns;
    WaitLimits waits;
    std::vector<OperationEntry> operations;  ///< Besides all_operations().
};

/// Of the configuration. The error is rule N1's: the endpoint can be reached from elsewhere and is
/// not encrypted.
[[nodiscard]] tl::expected<JournalServiceSettings, std::string> service_settings(
    const fabric::Settings& fabric, const std::string& listen);

struct JournalServiceStats {
    std::uint64_t requests = 0;  ///< That could be read.
    std::uint64_t answers = 0;
    std::uint64_t undeliverable = 0;  ///< The peer was gone, or took nothing.
    std::uint64_t failed = 0;         ///< Of the answers: not status 0.
    std::uint64_t busy = 0;           ///< Of these: too many requests.
    std::uint64_t not_allowed = 0, other_life = 0, replayed = 0, not_fresh = 0;  ///< Of these.
    std::uint64_t other_topic = 0, other_kinds = 0;                              ///< Dropped.
    std::uint64_t parked = 0;                                                    ///< Now.
    std::uint64_t trust_reloads_failed = 0;
    std::array<std::uint64_t, signing::refusal_count> refused{};  ///< Dropped.
    [[nodiscard]] std::uint64_t refused_total() const noexcept;
};

class JournalService {
public:
    /// `trust` null (signing.validate is off): only what changes nothing is served. `identity` has
    /// the role journal; its name is that of the journal. `warn` may be empty.
    [[nodiscard]] static tl::expected<std::unique_ptr<JournalService>, std::string> open(
        fabric::Transport& transport, const fabric::Clock& clock, JournalServiceSettings settings,
        Journal& journal, std::shared_ptr<const signing::Identity> identity,
        std::shared_ptr<signing::TrustStore> trust,
        std::function<void(const std::string&)> warn = {});
    /// What waits is answered with `closed`.
    ~JournalService();
    JournalService(const JournalService&) = delete;
    JournalService& operator=(const JournalService&) = delete;

    [[nodiscard]] std::string bound() const;
    /// A renewed key or certificate, of the same name, from the next answer on.
    void use(std::shared_ptr<const signing::Identity> identity);
    [[nodiscard]] JournalServiceStats stats() const;

private:
    struct Core;
    explicit JournalService(std::unique_ptr<Core> core);
    std::unique_ptr<Core> core_;
};

}  // namespace weft::reliability

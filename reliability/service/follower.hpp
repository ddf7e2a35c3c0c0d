#pragma once
// Follows a journal: history from some place on, then what is stored from now on, as one sequence
// in the order of ids, verified, without a gap or a duplicate between the two.
//
// Threads:   two of its own: one reads ahead, the other verifies and calls the hooks, one at a
//            time. While a hook runs nothing further is delivered and at most `pages_ahead` pages
//            are read. They must not destroy the follower. What they throw is not caught.
// Ownership: `journal` must outlive it. Messages keep their bytes.
// Errors:    a journal that is away is asked again and again, and that is said once; what it
//            cannot read or we cannot believe is told and passed over.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "reliability/cursor/start.hpp"
#include "reliability/journal/journal.hpp"
#include "reliability/journal/stored_verifier.hpp"
#include "signing/trust_store.hpp"

namespace weft::reliability {

struct FollowerHooks {
    std::function<void(const VerifiedMessage&)> deliver;
    std::function<void(const JournalGap&)> gap{};         ///< Before what comes behind it.
    std::function<void(const StoredRefusal&)> refused{};  ///< Not believed.
    std::function<void()> caught_up{};  ///< Once: what was stored when we began is through.
    std::function<void(const std::string&)> warn{};
};

struct FollowerSettings {
    Start start{};
    TopicFilter filter{};
    ReadLimits page{.messages = 10'000};
    std::size_t pages_ahead = 4;
    std::uint64_t now_us = 0;  ///< For Start::Kind::since.
};

struct FollowerStats {
    std::uint64_t delivered = 0, refused = 0, gaps = 0, lost = 0;
    std::uint64_t revoked_later = 0;
    std::uint64_t unreadable = 0;  ///< Stretches that were passed over; `warn` was told which.
    std::uint64_t away = 0;        ///< Questions that were not answered.
    Position position;             ///< Behind what was delivered.
};

class JournalFollower {
public:
    /// Asks the journal where `settings.start` is. The error is that answer.
    [[nodiscard]] static JournalResult<std::unique_ptr<JournalFollower>> open(
        Journal& journal, std::shared_ptr<signing::TrustStore> trust, FollowerSettings settings,
        FollowerHooks hooks);
    ~JournalFollower();
    JournalFollower(const JournalFollower&) = delete;
    JournalFollower& operator=(const JournalFollower&) = delete;

    /// After it returns nothing is delivered any more. Not from a hook.
    void stop();
    [[nodiscard]] FollowerStats stats() const;

private:
    struct Core;
    explicit JournalFollower(std::unique_ptr<Core> core);
    std::unique_ptr<Core> core_;
};

}  // namespace weft::reliability

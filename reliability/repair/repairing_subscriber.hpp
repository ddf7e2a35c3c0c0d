#pragma once
// A subscriber that fills the holes in what it receives from journals, without being asked: what is
// missing in a stream is read there, verified, and handed over in its place.
//
// Promises: the messages of a stream (signer, epoch, topic) are handed over in order and once each;
//           what is missing is given up after a while, with its size, in the log and by
//           RepairOptions::lost, before the message behind it is handed over. A message out of a
//           journal says so (Message::replayed), and may be older than live ones may be (P3). What
//           was missed before the receiver was started is no hole.
//           Without journals it is fabric::Subscriber and nothing else.
// Threads:  two: that of the subscriber, and one that asks journals. Hooks are called by either,
//           one at a time, but `warn`. They must not destroy or stop it; its other functions may be
//           called from any thread.
// Limits:   RepairLimits; 1 MiB of what journals sent. Journals must answer, or fail, in bounded
//           time: stop() waits for that.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "fabric/fabric.hpp"
#include "fabric/node/counters.hpp"
#include "reliability/journal/journal.hpp"
#include "reliability/repair/gap_tracker.hpp"
#include "reliability/repair/stored_range.hpp"
#include "reliability/settings.hpp"

namespace weft::reliability {

struct RepairSource {
    std::string name;  ///< For the log.
    std::shared_ptr<Journal> journal;
};

struct RepairOptions {
    std::vector<RepairSource> journals{};  ///< None: no repair.
    VerifyStored verify{};                 ///< Needed with journals.
    RepairLimits limits{};
    /// What was given up, before what is behind it. May be empty.
    std::function<void(const Lost&)> lost{};
};

/// What the configuration says about them.
[[nodiscard]] RepairLimits repair_limits(const Settings& settings, const fabric::Settings& fabric);

struct RepairingStats {
    fabric::SubscriberStats received;  ///< `missing` counts what did not come live.
    RepairStats repair;
    std::uint64_t stored_refused = 0;   ///< Runs out of journals that did not verify.
    std::uint64_t journal_failed = 0;   ///< Questions that a journal did not answer.
    std::uint64_t consumer_failed = 0;  ///< deliver threw, beside those in `received`.
};
void add(fabric::Counters& counters, const RepairingStats& stats);

class RepairingSubscriber {
public:
    /// `fabric` must outlive it. Throws fabric::OpenFailed.
    RepairingSubscriber(fabric::Fabric& fabric, const std::vector<std::string>& globs,
                        fabric::SubscriberHooks hooks, RepairOptions options,
                        const fabric::SubscribeOptions& subscribe = {});
    ~RepairingSubscriber();
    RepairingSubscriber(const RepairingSubscriber&) = delete;
    RepairingSubscriber& operator=(const RepairingSubscriber&) = delete;

    /// See fabric::Subscriber.
    [[nodiscard]] fabric::ReadyResult wait_ready(std::chrono::milliseconds timeout);
    /// What is held back comes out, and what is missing before it is lost. After it returns nothing
    /// is handed over any more. The destructor does the same.
    void stop();
    [[nodiscard]] RepairingStats stats() const;

private:
    struct Core;
    std::unique_ptr<Core> core_;
};

}  // namespace weft::reliability

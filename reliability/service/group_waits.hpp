#pragma once
// Members of groups elsewhere that wait for messages: each is answered as soon as its group has
// some for it, or when its time is over. Nobody's thread is held while they wait.
//
// Threads:   one of its own, which asks the groups; every function from any thread.
// Ownership: groups, journal and clock must outlive it. A reply is called exactly once, from its
//            thread or within stop().
// Limits:    GroupWaitLimits; beyond them park() says no. A lease that ends by itself is noticed
//            within half a second.

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "fabric/transport/clock.hpp"
#include "reliability/cursor/group_service.hpp"

namespace weft::reliability {

struct GroupWaitLimits {
    std::size_t per_signer = 512, all = 4096;
};

class GroupWaits {
public:
    using Reply = std::function<void(JournalResult<NextMessages>)>;
    struct Wanted {
        std::string group, member;
        std::size_t max = 1;
        std::optional<std::chrono::milliseconds> lease;
    };
    /// What a group gives one member at once.
    static JournalResult<NextMessages> ask(GroupService& groups, const Wanted& wanted);

    GroupWaits(GroupService& groups, Journal& journal, const fabric::Clock& clock,
               const GroupWaitLimits& limits = {});
    ~GroupWaits();
    GroupWaits(const GroupWaits&) = delete;
    GroupWaits& operator=(const GroupWaits&) = delete;

    /// To be taken before ask(): what comes between that and park() is not missed then.
    [[nodiscard]] std::uint64_t wakes() const;
    /// False: too many wait; `reply` was not taken.
    [[nodiscard]] bool park(Wanted wanted, const std::string& signer, fabric::Instant deadline,
                            std::uint64_t wakes_seen, Reply& reply);
    /// Something may be there for somebody.
    void wake();
    /// What this member has asked here is answered with nothing, and after it returns none of it is
    /// given anything any more: whoever asked may be gone, and another one have its name.
    void forget(const std::string& group, const std::string& member);
    /// Answers everybody with `closed`, also those who come later.
    void stop();
    [[nodiscard]] std::size_t parked() const;

private:
    struct Parked {
        Wanted wanted;
        std::string signer;
        fabric::Instant deadline{};
        Reply reply;
        bool forgotten = false;
    };
    void run();
    void round(std::unique_lock<std::mutex>& lock);
    [[nodiscard]] std::chrono::milliseconds patience() const;

    GroupService& groups_;
    const fabric::Clock& clock_;
    const GroupWaitLimits limits_;

    mutable std::mutex mutex_;  // guards what follows
    std::condition_variable changed_;
    std::map<std::uint64_t, Parked> parked_;  // who came first is first; erased by the thread only
    std::map<std::string, std::size_t> signers_;
    std::uint64_t next_ = 0, wakes_ = 0, wakes_done_ = 0;
    bool stopping_ = false;
    const Parked* asking_ = nullptr;  // whose question the thread asks now, without the lock
    std::condition_variable asked_;   // asking_ is another one

    std::mutex joining_;  // one thread joins
    std::thread thread_;
    std::shared_ptr<void> watch_;  // last: its callback uses the others
};

}  // namespace weft::reliability

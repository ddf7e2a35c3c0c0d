#pragma once
// A group of consumers at one journal: its members lease, work, acknowledge, give back, are late,
// crash. An oracle of what a group promises.
// Threads: none.

#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/fault/journal_world/sim_journal.hpp"

namespace weft::fault {

class SimGroup {
public:
    SimGroup(SimJournal& journal, Scene& scene);

    /// Some member does something.
    void turn(std::size_t member);
    void crash(std::size_t member);
    /// Dead letters are looked at, and some tried again.
    void operate();
    void end();

    [[nodiscard]] std::size_t members() const { return members_.size(); }

private:
    struct Work {
        JournalId id = 0;
        Instant until{};
    };
    struct Member {
        std::string name;
        std::vector<Work> has;
    };
    struct Lease {
        std::string member;
        Instant until{};
        unsigned attempt = 0;
        bool unsure = false;  ///< It may have been taken back.
    };
    [[nodiscard]] bool make();
    void take(Member& member);
    void work(Member& member);
    void leased(Member& member, const reliability::LeasedMessage& message);
    void finish(Member& member, Work work);
    void acknowledge(Member& member, JournalId id);
    [[nodiscard]] bool has_live(const Member& member, JournalId id) const;
    void give_back(Member& member, JournalId id);
    void reject(Member& member, JournalId id);
    void end_lease(JournalId id);
    void check_keyed(const Member& member, JournalId id);
    void look_at_dead();
    [[nodiscard]] std::string topic_of(JournalId id) const;
    void violation(const std::string& what) {
        scene_.log.violation("group of " + journal_.name() + ": " + what);
    }

    SimJournal& journal_;
    Scene& scene_;
    reliability::GroupSettings settings_;
    bool made_ = false;
    std::uint64_t life_ = 0;
    std::vector<Member> members_;
    std::map<JournalId, Lease> leases_;  // live, as members believe
    std::set<JournalId> acknowledged_;   // durably
    std::set<JournalId> unsure_;         // maybe
    std::set<JournalId> rejected_;       // maybe dead before their last attempt
    std::map<JournalId, unsigned> dead_;
    std::set<JournalId> retried_;  // maybe alive again
    std::map<JournalId, std::string> topics_;
};

}  // namespace weft::fault

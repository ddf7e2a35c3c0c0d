#pragma once
// A consumer group: its members lease messages of one cursor and acknowledge them. What is not
// acknowledged in time goes to another member, lowest id first; after max_attempts, or as soon as
// its member buries it, it is a dead letter. A pure state machine: messages are known by their ids
// and, in mode keyed, by a key.
//
// Promises: two members never hold a live lease on one message. What was acknowledged, and whose
//           changes were applied, is never handed out again, also after a restart; what was leased
//           and not acknowledged is. Mode keyed: the messages of one key are with one member at a
//           time and are handed out in their order; a failure takes the later ones of its key back.
// How it lasts: each function that changes something leaves marks; changes() says what the owner
//           has to write. An acknowledgement is answered after that. See group_record.hpp.
// Threads:  not synchronised. Time: `now.steady` must not go back; leases do not outlive a restart.
// Limits:   10,000 messages handed out or given back and not done (beyond, next() gives nothing and
//           says why), 1,000 members, 10,000 dead letters (the lowest id goes first, counted).

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <unordered_map>
#include <vector>

#include "reliability/ack/responder.hpp"
#include "reliability/cursor/cursor.hpp"
#include "reliability/cursor/group_record.hpp"
#include "reliability/journal/state_store.hpp"

namespace weft::reliability {

class ConsumerGroup {
public:
    static constexpr std::size_t in_flight_max = 10'000;
    static constexpr std::size_t members_max = 1'000;
    static constexpr std::size_t dead_max = 10'000;
    static constexpr std::chrono::milliseconds delay_max = std::chrono::hours{24};

    /// A message that the cursor wants. `key` counts in mode keyed only.
    struct Candidate {
        JournalId id = 0;
        std::uint64_t key = 0;
    };
    struct Lease {
        JournalId id = 0;
        unsigned attempt = 0;  ///< From 1.
        fabric::Instant until{};
    };
    struct Next {
        enum class Why { got_some, nothing_waits, all_in_flight, keys_busy, standby, no_room };
        std::vector<Lease> leases;  ///< By rising ids.
        Why why = Why::got_some;
        std::string sentence;  ///< For people, where there are none.
    };
    /// What became of one id that a member spoke about.
    struct Answer {
        enum class Is {
            done,  ///< Counted: the lease was the member's.
            late,  ///< The lease had ended, but nobody else had the message: counted.
            lost,  ///< The lease had ended and others have the message, or may get it: not counted.
            already,  ///< It was acknowledged before.
            unknown   ///< It was never handed out.
        };
        JournalId id = 0;
        Is is = Is::unknown;
        std::string sentence;  ///< Of lost and unknown; of late, too.
        [[nodiscard]] bool counts() const noexcept { return is != Is::lost && is != Is::unknown; }
    };
    struct Stats {
        std::size_t leased = 0, waiting = 0, delayed = 0, members = 0, dead = 0;
        std::uint64_t acknowledged = 0, redelivered = 0, lost = 0;  ///< Since this process began.
        std::uint64_t buried = 0, dead_dropped = 0;                 ///< Since the group was made.
        std::string active;  ///< Mode exclusive: who has them all now.
    };

    /// Everything up to `position` is done.
    ConsumerGroup(std::string name, const GroupSettings& settings, Position position);
    /// From what changes() has written; entries whose keys begin with group_prefix(name). Without a
    /// head among them it begins at `position`. The error says what is damaged.
    [[nodiscard]] static tl::expected<ConsumerGroup, std::string> restore(
        std::string name, const GroupSettings& settings, Position position,
        const std::vector<StateStore::Entry>& entries);

    // Messages come in.

    /// Candidates are wanted after this place, at most room() of them.
    [[nodiscard]] Position fetched() const noexcept { return {epoch_, through_}; }
    [[nodiscard]] std::size_t room() const noexcept;
    /// Rising ids above fetched(); what lies between them and up to `through` is not wanted.
    void offer(const std::vector<Candidate>& candidates, JournalId through);
    /// It is not in the journal any more.
    void gone(JournalId id);
    /// Other settings from now on; leases stay as they are. Not between keyed and others
    /// (asserted): keys of what waits are not known.
    void change(const GroupSettings& settings);

    // What members do. `member` is a name that signing::name_error() accepts (asserted).

    [[nodiscard]] Next next(const std::string& member, std::size_t max,
                            std::chrono::milliseconds lease, Now now);
    [[nodiscard]] std::vector<Answer> ack(const std::string& member,
                                          const std::vector<JournalId>& ids, Now now);
    /// Back at once or after `delay` (at most delay_max), or to the dead letters with this reason.
    [[nodiscard]] Answer nack(const std::string& member, JournalId id, std::string_view reason,
                              std::chrono::milliseconds delay, Now now);
    /// To the dead letters at once, whatever attempt this is.
    [[nodiscard]] Answer bury(const std::string& member, JournalId id, std::string_view reason,
                              Now now);
    [[nodiscard]] Answer extend(const std::string& member, JournalId id,
                                std::chrono::milliseconds lease, Now now);
    /// All of them from the same moment on; an answer for each, in their order.
    [[nodiscard]] std::vector<Answer> extend(const std::string& member,
                                             const std::vector<JournalId>& ids,
                                             std::chrono::milliseconds lease, Now now);
    /// Those of `ids` that `member` holds were never really handed out: no attempt.
    void give_back(const std::string& member, const std::vector<JournalId>& ids);
    /// Gives back all it has; that does not count as an attempt. False: there is no such member.
    bool leave(const std::string& member, Now now);

    // Time.

    void expire(Now now);
    /// When expire() has something to do next.
    [[nodiscard]] std::optional<fabric::Instant> next_due() const;

    // Dead letters.

    /// By rising ids, those after `after`.
    [[nodiscard]] std::vector<DeadLetter> dead(JournalId after, std::size_t limit) const;
    [[nodiscard]] const DeadLetter* dead_letter(JournalId id) const;
    /// Handed out again as if for the first time. `key` as in Candidate. "" or why not.
    [[nodiscard]] std::string retry(JournalId id);
    /// False: there is no such dead letter.
    [[nodiscard]] bool drop(JournalId id);

    // What the owner keeps.

    /// The lowest message that is not done, less one. A dead letter is done until it is retried.
    [[nodiscard]] Position position() const;
    /// What has changed since the last call. Forgets the marks: whoever cannot write it calls
    /// not_written().
    [[nodiscard]] std::vector<StateChange> changes();
    void not_written(const std::vector<StateChange>& changes);
    [[nodiscard]] Stats stats() const;
    /// What is wrong inside, or "": for tests.
    [[nodiscard]] std::string broken() const;

private:
    struct Member {
        fabric::Instant seen{};
        std::size_t leases = 0;
    };
    using Members = std::map<std::string, Member>;
    struct Entry {
        enum class Is { waiting, delayed, leased } is = Is::waiting;
        std::uint8_t attempts = 0;
        std::uint64_t key = 0;
        fabric::Instant until{};           // leased: its end; delayed: when it waits again
        Members::value_type* member = {};  // leased only
    };
    using Entries = std::map<JournalId, Entry>;
    /// What of one key is not done, and who has some of it.
    struct Key {
        std::set<JournalId> ids;
        Members::value_type* owner = nullptr;
        std::size_t leased = 0;
    };

    [[nodiscard]] bool keyed() const noexcept {
        return settings_.mode == GroupSettings::Mode::keyed;
    }
    Members::value_type* seen(const std::string& name, Now now);
    [[nodiscard]] bool may_act(const Members::value_type& member, std::chrono::milliseconds lease,
                               Now now);
    [[nodiscard]] bool key_is_free(JournalId id, const Entry& entry,
                                   const Members::value_type& member) const;
    [[nodiscard]] Next none(Next::Why why, std::string sentence) const;
    [[nodiscard]] Next nothing_now() const;
    /// The entry if `member` holds a live lease on it; else what to answer.
    Entry* held(const std::string& member, JournalId id, Answer& answer);
    Answer answer_for_missing(JournalId id) const;

    void add(JournalId id, std::uint64_t key, std::uint8_t attempts);
    void erase(JournalId id);
    void unplace(JournalId id, Entry& entry);  // out of the set that it is in
    void place_waiting(JournalId id, Entry& entry);
    void lease_to(Members::value_type& member, JournalId id, Entry& entry, fabric::Instant until);
    void take_later_back(JournalId id, std::uint64_t key);
    void failed(JournalId id, std::string_view reason, fabric::Instant again, Now now);
    void make_dead(JournalId id, std::string_view reason, std::uint64_t utc_us);
    void touch(JournalId id);

    std::string name_;
    GroupSettings settings_;
    JournalEpoch epoch_ = 0;
    JournalId through_ = 0;
    Entries entries_;
    std::set<JournalId> waiting_;
    std::set<std::pair<fabric::Instant, JournalId>> leases_, delayed_;
    std::unordered_map<std::uint64_t, Key> keys_;  // mode keyed
    Members members_;
    std::string active_;  // mode exclusive
    fabric::Instant active_until_{};
    std::map<JournalId, DeadLetter> dead_;
    Stats counted_;

    bool head_changed_ = false;
    std::set<std::uint64_t> chunks_changed_;
    std::set<JournalId> dead_changed_;
};

}  // namespace weft::reliability

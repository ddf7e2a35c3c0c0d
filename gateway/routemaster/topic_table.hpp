#pragma once
// Which topics there are, whose each is, and how many events it has had. Kept in memory and in the
// journal's state.
//
// A claim is durable before the first event is published under it, and one at a time for a topic;
// it is taken back if that event was refused, so that a refused request leaves nothing behind
// (M33).
// Keys of the state:
//   routemaster/topic/NAME  {"owner", "publisher", "since"} or {"deleted"}: journal ids, exclusive
//   routemaster/count/NAME  {"since", "events", "t"}
// Threads: any; `done` in any, also before the call returns. Limits: Settings::topics_max, and
// waiting_max claims that wait for the disk. Ownership: the desk outlives it, and it every
// callback.

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "gateway/routemaster/clients.hpp"
#include "gateway/routemaster/state_desk.hpp"
#include "reliability/journal/position.hpp"

namespace weft::gateway::routemaster {

struct TopicView {
    std::string name;
    std::string owner;      ///< Client::id; "": nobody has published yet.
    std::string publisher;  ///< Its public name.
    std::uint64_t events = 0;
};

class TopicTable {
public:
    static constexpr std::size_t waiting_max = 10'000;

    enum class Claim : std::uint8_t { granted, foreign, full, away };
    using OnClaim = std::function<void(Claim)>;
    using OnDone = StateDesk::OnDone;

    explicit TopicTable(StateDesk& desk) : desk_(desk) {}

    /// Once, before anything else.
    void load(const StateDesk::Entries& entries);

    /// Somebody else owns it: told before the event is looked at (M32).
    [[nodiscard]] bool is_foreign(const std::string& name, const std::string& client) const;
    /// `head`: of the journal, now. Granted: call published() once.
    void claim(const std::string& name, const Client& client, reliability::JournalId head,
               OnClaim done);
    void published(const std::string& name, const Client& client, reliability::JournalId head,
                   bool stored);
    /// The time of the next event, ms: `now`, or later, so that it rises.
    [[nodiscard]] std::int64_t next_time(const std::string& name, std::int64_t now_ms);

    /// That these exist (M31). Nothing changes with an error.
    void create(const std::vector<std::string>& names, reliability::JournalId head, OnDone done);
    [[nodiscard]] std::optional<TopicView> find(const std::string& name) const;
    [[nodiscard]] std::vector<TopicView> all() const;  ///< By name.
    /// The name is free again, and what was stored up to `head` is not counted for it any more.
    void remove(const std::string& name, reliability::JournalId head, OnDone done);

    /// An event of the journal. One of a topic that is not there makes it. `t`: its time, if a
    /// gateway gave it one; next_time() goes on from it.
    void count(const std::string& name, reliability::JournalId id,
               std::optional<std::int64_t> t = {});
    /// What count() and next_time() have changed since it was asked last. Call stored() when it
    /// is kept, or could not be. Not while remove() is under way.
    [[nodiscard]] StateDesk::Changes uncounted(reliability::JournalId counted_through,
                                               std::vector<std::string>& purged);
    void stored(const std::vector<std::string>& purged, bool kept);

private:
    struct Record {
        std::string owner, publisher;
        reliability::JournalId since = 0;
        std::uint64_t events = 0;
        std::int64_t last_t = 0;
        bool real = false;          // an event was stored, or a subscription named it
        bool confirmed = false;     // an event of its owner was stored
        bool busy = false;          // its record is on the way to the disk
        std::size_t under_way = 0;  // events
        bool dirty = false;         // its count
        std::vector<std::function<void()>> waiting{};  // until it is not busy
    };
    using Lock = std::unique_lock<std::mutex>;

    [[nodiscard]] static std::string text_of(const Record& record);
    void go_on(const std::string& name);
    bool wait_for(Record& record, std::function<void()> again);

    StateDesk& desk_;
    mutable std::mutex mutex_;
    std::map<std::string, Record> records_;
    std::map<std::string, reliability::JournalId> deleted_;  // until that is counted
    std::size_t waiting_ = 0;
};

}  // namespace weft::gateway::routemaster

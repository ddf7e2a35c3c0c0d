#pragma once
// What this gateway says about its keys, and what it makes of what others say about theirs: what
// opens and closes here becomes numbered deltas, a beat says how many there were, who asks gets
// everything, though not at each moment; who missed something of another is to ask for it.
// Pure state machine: no I/O; `now` comes in. Threads: one at a time.
// Limits:  DirectoryLimits; 1,000 names of gateways are remembered as being of the fabric; 10,000
//          keys have a turn of their own in a pool that spans gateways.

#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "gateway/esub/cluster/announcement.hpp"
#include "gateway/esub/cluster/directory.hpp"
#include "gateway/esub/cluster/local_keys.hpp"

namespace weft::gateway::esub {

class Roster {
public:
    struct Rules {
        bool clustered = false;  ///< False: nobody is told anything.
        std::chrono::milliseconds beat{1000};
        std::chrono::milliseconds full_every{200};  ///< Everything is said no oftener.
        DirectoryLimits limits{};
    };
    Roster(std::string self, const Rules& rules);

    /// Of this life.
    void begin(std::uint64_t epoch, fabric::Instant now);
    /// The others hear it at once.
    void use_address(std::string address);
    [[nodiscard]] const std::string& address() const noexcept { return address_; }
    [[nodiscard]] const std::string& self() const noexcept { return self_; }

    /// One of our waiters whose key somebody else has by now.
    struct Lost {
        Kind kind;
        std::string key;
        std::uint64_t id;
    };
    /// `node` is who signed it.
    [[nodiscard]] std::vector<Lost> hear(const std::string& node, const Announcement& said,
                                         fabric::Instant now, std::uint64_t now_us);
    /// Of somebody who is not on the fabric. Nothing: the name is that of a gateway of the fabric.
    [[nodiscard]] std::optional<Directory::Heard> hear_outsider(const std::string& node,
                                                                const Announcement& said,
                                                                fabric::Instant now,
                                                                std::uint64_t now_us);

    /// Whether due() has something to say besides a beat.
    [[nodiscard]] bool is_due(fabric::Instant now) const;
    [[nodiscard]] fabric::Instant next_beat() const noexcept { return next_beat_; }
    /// What is to be said now, in this order; whoever is silent for long is dead from now on.
    [[nodiscard]] std::vector<Announcement> due(fabric::Instant now);
    /// The last word: nothing is open here any more.
    [[nodiscard]] std::vector<Announcement> farewell();

    /// Whether a reply to the shared psub is for a member elsewhere.
    [[nodiscard]] bool takes_turn_elsewhere(std::string_view key);

    LocalKeys local;
    Directory directory;

private:
    void say(std::vector<Announcement>& said, Announcement announcement) const;
    void say_changes(std::vector<Announcement>& said);
    void say_everything(std::vector<Announcement>& said, std::vector<OpenKey> everything) const;

    const std::string self_;
    const Rules rules_;
    std::uint64_t epoch_ = 0, seq_ = 0;
    fabric::Instant next_beat_{}, last_full_{};
    std::string address_;
    bool address_is_new_ = false;
    std::set<std::string> on_fabric_;
    std::vector<std::string> to_ask_;
    bool full_wanted_ = false;
    std::unordered_map<std::string, std::uint64_t> turns_;  // of shared psubs that span gateways
};

}  // namespace weft::gateway::esub

#pragma once
// Which gateway has which key, as the others announce it. A gateway whose deltas are not without a
// gap is asked for everything, and its old keys count until that has come; one that is silent for a
// while, or begins a new life, has none.
// Pure state machine: no I/O; `now` comes in. Threads: one at a time.
// Limits:  64 other gateways, of which the longest dead makes room, 100,000 keys and 16 MiB of
//          keys each; what is beyond is counted and not known here.

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "fabric/transport/clock.hpp"
#include "gateway/esub/cluster/announcement.hpp"

namespace weft::gateway::esub {

struct DirectoryLimits {
    std::size_t members = 64, keys = 100'000, key_bytes = std::size_t{16} << 20U;
    std::chrono::milliseconds silent{3000};    ///< Then a gateway is dead.
    std::chrono::milliseconds ask_every{500};  ///< One gateway is asked no oftener.
};

class Directory {
public:
    explicit Directory(std::string self, DirectoryLimits limits = {});

    struct Heard {
        bool ask = false;            ///< Its gateway is to be asked for everything, now.
        bool asks_us = false;        ///< It asks us for everything.
        bool counts = false;         ///< Not of a life that is over, nor beyond the limits.
        bool applied = false;        ///< Its keys are known up to its seq now.
        std::uint64_t expected = 0;  ///< Not applied: the seq that was due.
    };
    /// `now_us`: the wall clock, for people.
    Heard hear(const std::string& node, const Announcement& said, fabric::Instant now,
               std::uint64_t now_us);
    /// Drops the keys of who is silent; their names.
    std::vector<std::string> expire(fabric::Instant now);
    /// Known without having been heard. False: it is alive under another address, or no room.
    bool join(const std::string& node, const std::string& address);

    struct Owner {
        std::string node, address;
        OpenKey key;
        std::size_t members = 1;  ///< Of a pool at that gateway.
    };
    /// The newest sub (unless `psub_only`), else the psubs in turn; never one of `but`.
    [[nodiscard]] std::optional<Owner> find(std::string_view key, bool psub_only,
                                            const std::set<std::string>& but = {});
    [[nodiscard]] std::optional<Owner> find(Kind kind, std::string_view key,
                                            const std::set<std::string>& but = {});

    /// Members of shared pools, at all gateways.
    [[nodiscard]] std::size_t pooled(std::string_view key) const;

    struct Member {
        std::string name, address;
        bool alive = false;
        std::uint64_t last_seen_us = 0;  ///< 0: never.
        std::size_t keys = 0;
    };
    [[nodiscard]] std::vector<Member> members() const;
    [[nodiscard]] std::vector<std::string> keys_of(const std::string& node) const;

    struct Stats {
        std::uint64_t gaps = 0, dead = 0, members_full = 0, keys_full = 0;
    };
    [[nodiscard]] const Stats& stats() const noexcept { return stats_; }

private:
    struct Known {
        std::string address;
        bool alive = false, synced = false;
        std::uint64_t epoch = 0, seq = 0;
        fabric::Instant heard{}, asked{};
        bool was_asked = false;
        std::uint64_t last_seen_us = 0;
        std::unordered_map<std::uint64_t, OpenKey> open;  // by sid
        std::size_t key_bytes = 0;                        // of these
        std::uint64_t full_seq = 0;
        std::uint32_t next_part = 0;  // of a full that comes in
        std::vector<OpenKey> parts;
        std::size_t part_bytes = 0;
    };
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view key) const noexcept {
            return std::hash<std::string_view>{}(key);
        }
    };
    struct Place {
        std::string node;
        std::uint64_t sid;
    };
    struct Places {
        std::vector<Place> all;
        std::uint64_t turn = 0;
    };

    [[nodiscard]] bool make_room();
    static void forget_parts(Known& known);
    bool take_part(Known& known, const Announcement& said);
    void add(const std::string& node, Known& known, const OpenKey& key);
    void remove(const std::string& node, Known& known, std::uint64_t sid);
    void remove_all(const std::string& node, Known& known);

    const std::string self_;
    const DirectoryLimits limits_;
    std::map<std::string, Known> members_;
    std::unordered_map<std::string, Places, Hash, std::equal_to<>> places_;
    Stats stats_;
};

}  // namespace weft::gateway::esub

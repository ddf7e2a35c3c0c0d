#pragma once
// Psubs: a pool of members for each key; an exclusive one has one member, a shared one any number,
// served in turn. What a member leaves goes to the next one.
//
// Threads:   any. A lock is held for the tables only, never while a member is called.
// Ownership: as SubDesk. Limits: those of the server.

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "gateway/esub/metrics.hpp"
#include "gateway/esub/peer_places.hpp"
#include "gateway/esub/psub_member.hpp"
#include "gateway/esub/rotation.hpp"
#include "gateway/esub/settings.hpp"
#include "gateway/esub/waiter_table.hpp"

namespace weft::gateway::esub {

class PsubRoom final : public MemberHome, public std::enable_shared_from_this<PsubRoom> {
public:
    PsubRoom(const Settings& settings, Metrics& metrics, const fabric::Clock& clock, Timers& timers,
             Elsewhere& elsewhere);
    /// Begins to look at silent members, or at missing receipts. Once.
    void start();

    void open(std::shared_ptr<Exchange> exchange, const Target& target,
              PeerPlaces::Place place = {});
    [[nodiscard]] Look look(std::string_view key, std::string_view token);
    /// As SubDesk::deliver.
    [[nodiscard]] Look deliver(std::string_view key, std::string_view token, std::string& body,
                               OnVerdict& done);
    /// A psub of another gateway has the key now; a shared one stays.
    Look displace(std::string_view key);
    void add_keys(std::vector<std::string>& keys);

    void left(const PsubMember& member) override;
    void pass_on(const std::string& key, Parcel parcel) override;

private:
    using Member = std::shared_ptr<PsubMember>;
    struct Pool {
        std::uint64_t id = 0;
        std::string token;
        bool shared = false;
        Rotation<Member> members{};
    };
    struct Shard {
        std::mutex mutex;
        std::unordered_map<std::string, Pool, KeyHash, std::equal_to<>> pools;
    };
    static constexpr std::size_t shard_count = 16;

    Shard& shard_of(std::string_view key) { return shards_[KeyHash{}(key) % shard_count]; }
    /// "" and the one who was displaced, or nullptr; or why not.
    std::string_view enter(const Target& target, const Member& member, Member& displaced);
    void look_round();

    const Settings& settings_;
    Metrics& metrics_;
    const fabric::Clock& clock_;
    Timers& timers_;
    Elsewhere& elsewhere_;
    std::array<Shard, shard_count> shards_;
    std::atomic<std::uint64_t> ids_{0};
};

}  // namespace weft::gateway::esub

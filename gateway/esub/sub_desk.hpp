#pragma once
// Subs: one waiting request a key, which the first reply ends. A reply is delivered once the
// waiter's connection took all of the answer.
//
// Threads:   any. Ownership: `metrics`, `clock` and `elsewhere` outlive it and every exchange that
// it was given. Limits: those of the server: one waiter is one open request.

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "fabric/transport/clock.hpp"
#include "gateway/esub/elsewhere.hpp"
#include "gateway/esub/metrics.hpp"
#include "gateway/esub/peer_places.hpp"
#include "gateway/esub/settings.hpp"
#include "gateway/esub/target.hpp"
#include "gateway/esub/waiter_table.hpp"
#include "gateway/http/exchange.hpp"

namespace weft::gateway::esub {

class SubDesk : public std::enable_shared_from_this<SubDesk> {
public:
    SubDesk(const Settings& settings, Metrics& metrics, const fabric::Clock& clock,
            Elsewhere& elsewhere);

    /// Waits, takes over, or is answered 403.
    void open(std::shared_ptr<Exchange> exchange, const Target& target,
              PeerPlaces::Place place = {});
    [[nodiscard]] Look look(std::string_view key, std::string_view token);
    /// Look::found: `done` will be told whether it was delivered; else nothing has happened, and
    /// `body` and `done` are untouched.
    [[nodiscard]] Look deliver(std::string_view key, std::string_view token, std::string& body,
                               OnVerdict& done);
    /// A waiter of another gateway has the key now.
    Look displace(const std::string& key, std::uint64_t id);
    void add_keys(std::vector<std::string>& keys);
    /// Who waits is answered 503.
    void stop();

private:
    struct Waiting {
        std::shared_ptr<Exchange> exchange;
        fabric::Instant since;
        bool has_token;
        PeerPlaces::Place place{};
    };
    using Table = WaiterTable<Waiting>;
    struct Shard {
        std::mutex mutex;
        Table table;
    };
    static constexpr std::size_t shard_count = 16;

    Shard& shard_of(std::string_view key) { return shards_[KeyHash{}(key) % shard_count]; }
    void leave(const std::string& key, Table::Id id);
    void observe(const Waiting& waiting, bool success);
    void refuse(const Waiting& waiting, unsigned status, std::string_view text);

    const Settings& settings_;
    Metrics& metrics_;
    const fabric::Clock& clock_;
    Elsewhere& elsewhere_;
    std::array<Shard, shard_count> shards_;
    std::atomic<Table::Id> ids_{0};
};

}  // namespace weft::gateway::esub

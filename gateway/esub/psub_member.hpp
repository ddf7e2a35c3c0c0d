#pragma once
// One psub: a WebSocket that gets the replies of its key. Threads: any. Ownership: shared by the
// pool that it is in and by the hooks of its socket; `Home` outlives both.

#include <atomic>
#include <memory>
#include <mutex>
#include <string>

#include "fabric/transport/clock.hpp"
#include "gateway/esub/parcels.hpp"
#include "gateway/esub/peer_places.hpp"
#include "gateway/http/exchange.hpp"

namespace weft::gateway::esub {

class PsubMember;

/// What a member asks of its pool.
class MemberHome {
public:
    virtual ~MemberHome() = default;
    /// The member takes no more; once each.
    virtual void left(const PsubMember& member) = 0;
    /// To the next member, or told that there is none.
    virtual void pass_on(const std::string& key, Parcel parcel) = 0;
};

class PsubMember : public std::enable_shared_from_this<PsubMember> {
public:
    struct Of {
        std::string key;
        std::uint64_t id = 0;
        bool has_token = false;
        fabric::Instant since{};
        PeerPlaces::Place place{};
    };
    PsubMember(Of of, Parcels::Rules rules, std::weak_ptr<MemberHome> home,
               const fabric::Clock& clock);

    const Of of;

    /// For the upgrade of its request; registered or not, what comes before it is open waits.
    [[nodiscard]] WebSocketHooks hooks();
    void take(Parcel parcel);
    /// It is over: others get what it has; its client is told by `code`.
    void retire(std::uint16_t code, const std::string& reason, bool orderly);
    /// Receipt mode: retires it if what is out is overdue.
    void tick(fabric::Instant now);
    /// Of the last pong, or of the beginning.
    [[nodiscard]] fabric::Instant heard_at() const noexcept { return heard_at_; }
    [[nodiscard]] bool was_open() const noexcept { return was_open_; }

private:
    void on_open(std::shared_ptr<WebSocket> socket);
    void on_message();
    void on_closed(std::uint16_t code);
    void on_sent();
    void pump(std::unique_lock<std::mutex>& lock);
    void leave(bool orderly);

    const std::weak_ptr<MemberHome> home_;
    const fabric::Clock& clock_;
    std::mutex mutex_;
    Parcels parcels_;
    std::shared_ptr<WebSocket> socket_;
    bool is_pumping_ = false, has_left_ = false;
    std::uint16_t close_code_ = 0;  ///< Not 0: close with it as soon as it is open.
    std::string close_reason_;
    std::atomic<fabric::Instant> heard_at_;
    std::atomic<bool> was_open_{false};
};

}  // namespace weft::gateway::esub

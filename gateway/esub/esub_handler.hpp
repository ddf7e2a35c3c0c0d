#pragma once
// esub over HTTP (docs/esub.md): somebody waits for a key, somebody else replies to it. What
// several mounts serve is one House: the same keys, wherever they were asked for.
//
// Threads:   as Handler says. Ownership: clock, timers and `elsewhere` outlive the house; the house
// outlives the server, whose exchanges call it.
// Limits:    Settings and those of the server.

#include <functional>
#include <memory>
#include <string>

#include "fabric/transport/clock.hpp"
#include "gateway/esub/elsewhere.hpp"
#include "gateway/esub/metrics.hpp"
#include "gateway/esub/peer_places.hpp"
#include "gateway/esub/psub_room.hpp"
#include "gateway/esub/settings.hpp"
#include "gateway/esub/sub_desk.hpp"
#include "gateway/http/exchange.hpp"
#include "gateway/metrics/exposition.hpp"

namespace weft::gateway::esub {

class House {
public:
    struct Parts {
        Settings settings;
        const fabric::Clock& clock;
        Timers& timers;
        Elsewhere* elsewhere = nullptr;  ///< nullptr: there is nothing elsewhere.
        /// What else /metrics tells; may be empty.
        std::function<void(Figures&)> more_figures{};
        /// Whose request it is, for `waiters_per_client`; empty: the address of its connection.
        std::function<std::string(const Request&)> client_of{};
    };
    explicit House(Parts parts);

    /// Who would get the reply, as far as it is known here.
    [[nodiscard]] Verdict look(const Rep& rep);
    /// `done` once, from any thread, also before it returns.
    void deliver(const Rep& rep, std::string body, OnVerdict done);
    [[nodiscard]] std::vector<std::string> keys();
    /// Somebody elsewhere has the key now: the sub of that id is answered as one that was taken
    /// over, the psub of the key is closed.
    Look displace(Kind kind, const std::string& key, std::uint64_t id);
    [[nodiscard]] Figures figures() const;
    void add_figures(Figures& figures) const { metrics_.add_to(figures); }
    void stop();
    /// Whether the client may have one more waiter.
    [[nodiscard]] bool has_room_for(const Request& request) const;

    const Settings settings;
    const fabric::Clock& clock;

private:
    friend class EsubHandler;
    void deliver_in_turn(const Rep& rep, std::string body, OnVerdict done);
    /// False: the client has as many waiters as it may have.
    [[nodiscard]] bool take_place(const Request& request, PeerPlaces::Place& place);
    [[nodiscard]] OnVerdict kept(const Rep& rep, const std::string& body, OnVerdict done);

    Timers& timers_;
    Elsewhere nowhere_;
    Elsewhere& elsewhere_;
    const std::function<void(Figures&)> more_figures_;
    const std::function<std::string(const Request&)> client_of_;
    PeerPlaces places_;
    Metrics metrics_;
    const std::shared_ptr<SubDesk> subs_;
    const std::shared_ptr<PsubRoom> psubs_;
};

class EsubHandler final : public Handler {
public:
    /// `prefix`: "" or "/esub", in front of every path.
    EsubHandler(std::shared_ptr<House> house, std::string prefix);

    void handle(std::shared_ptr<Exchange> exchange) override;
    [[nodiscard]] std::optional<Response> refuse_early(const Request& head) override;
    [[nodiscard]] std::optional<Response> on_body_cut_short(const Request& head) override;
    /// Who waits is answered.
    void stop() override { house_->stop(); }

private:
    struct Asked;
    [[nodiscard]] Asked read(const Request& request) const;
    [[nodiscard]] Response problem_of(const Asked& asked, const Request& request) const;
    void serve(std::shared_ptr<Exchange> exchange, const Target& target);
    void wait(std::shared_ptr<Exchange> exchange, const Target& target);
    void rep(std::shared_ptr<Exchange> exchange, const Target& target);
    void prep(std::shared_ptr<Exchange> exchange, const Target& target);
    void count(const Target& target, bool success, fabric::Instant since) const;
    [[nodiscard]] Response text(unsigned status, std::string_view text) const;

    const std::shared_ptr<House> house_;
    const std::string prefix_;
};

}  // namespace weft::gateway::esub

#include "gateway/native/ws_sessions.hpp"

#include <mutex>
#include <set>
#include <utility>

#include "gateway/native/ws_session.hpp"

namespace weft::gateway::native {
namespace {

constexpr const char* stopping = "the gateway stops; come back";

}  // namespace

struct WsSessions::Core : std::enable_shared_from_this<WsSessions::Core> {
    explicit Core(std::shared_ptr<WsWorld> the_world) : world(std::move(the_world)) {}

    /// One connection's place, from the request to the end of the socket.
    struct Place {
        std::mutex mutex;
        std::shared_ptr<WsSession> session;
        [[nodiscard]] std::shared_ptr<WsSession> get() {
            const std::scoped_lock lock(mutex);
            return session;
        }
    };

    void begin(const std::shared_ptr<Place>& place, std::shared_ptr<WebSocket> socket,
               const Principal& who, const std::function<bool()>& still) {
        auto session = std::make_shared<WsSession>(world, std::move(socket), who, still);
        {
            const std::scoped_lock lock(place->mutex);
            place->session = session;
        }
        bool over = false;
        {
            const std::scoped_lock lock(mutex);
            over = stopped;
            if (!over) sessions.insert(session);
        }
        if (over) return session->stop(stopping);
        // The tokens may have changed since it was asked who this is.
        session->review();
    }

    void end(Place& place) {
        std::shared_ptr<WsSession> session;
        {
            const std::scoped_lock lock(place.mutex);
            session.swap(place.session);
        }
        if (!session) return;
        session->on_closed();
        const std::scoped_lock lock(mutex);
        sessions.erase(session);
    }

    void review() {
        std::set<std::shared_ptr<WsSession>> all;
        {
            const std::scoped_lock lock(mutex);
            all = sessions;
        }
        for (const auto& session : all) session->review();
    }

    void stop() {
        std::set<std::shared_ptr<WsSession>> all;
        {
            const std::scoped_lock lock(mutex);
            if (std::exchange(stopped, true)) return;
            all.swap(sessions);
        }
        world->live.stop();
        for (const auto& session : all) session->stop(stopping);
    }

    const std::shared_ptr<WsWorld> world;
    std::mutex mutex;  // guards what follows
    std::set<std::shared_ptr<WsSession>> sessions;
    bool stopped = false;
};

WsSessions::WsSessions(FabricBridge& bridge, Timers& timers, const fabric::Clock& clock,
                       fabric::TopicSpace space, reliability::Recipients::Groups groups,
                       JournalRoom* room, WsLimits limits)
    : core_(std::make_shared<Core>(std::make_shared<WsWorld>(
          bridge, timers, clock, std::move(space), std::move(groups), room, limits))) {}

WsSessions::~WsSessions() {
    stop();
}

void WsSessions::open(const std::shared_ptr<Exchange>& exchange, Principal who,
                      std::function<bool()> still) {
    auto place = std::make_shared<Core::Place>();
    WebSocketHooks hooks;
    hooks.open = [core = core_, place, who = std::move(who),
                  still = std::move(still)](std::shared_ptr<WebSocket> socket) {
        core->begin(place, std::move(socket), who, still);
    };
    hooks.message = [place](const std::string& message, bool is_text) {
        if (const auto session = place->get()) session->on_message(message, is_text);
    };
    hooks.closed = [core = core_, place](std::uint16_t) { core->end(*place); };
    static_cast<void>(exchange->upgrade(std::move(hooks)));
}

void WsSessions::review() {
    core_->review();
}

void WsSessions::stop() {
    core_->stop();
}

std::size_t WsSessions::size() const {
    const std::scoped_lock lock(core_->mutex);
    return core_->sessions.size();
}

}  // namespace weft::gateway::native

// The server: opens ports, spreads connections over the io threads, and stops.
#include <algorithm>
#include <cassert>
#include <future>
#include <random>
#include <set>

#include "config/address.hpp"
#include "config/host.hpp"
#include "gateway/http/asio_connection.hpp"
#include "gateway/http/asio_core.hpp"
#include "gateway/http/asio_loop.hpp"
#include "gateway/http/server.hpp"

namespace weft::gateway {
namespace {

using std::chrono::milliseconds;

constexpr int backlog = 4096;
/// Connections beyond limits.connections that are told so, before more are closed without a word.
constexpr std::size_t told_max = 64;
constexpr milliseconds accept_pause{100};
/// So many connections more than the thread with the fewest another one may have.
constexpr std::size_t uneven_max = 8;

milliseconds tick_of(const Limits& limits) {
    const milliseconds shortest =
        std::min({limits.idle, limits.header_time, limits.body_time, milliseconds{2000}});
    return std::max(shortest / 4, milliseconds{10});
}

class Port {
public:
    Port(asio::io_context& context, std::shared_ptr<const Site> served)
        : acceptor(context), pause(context), site(std::move(served)) {}
    tcp::acceptor acceptor;
    asio::steady_timer pause;
    std::shared_ptr<const Site> site;
    BoundListener bound;
};

class HttpServer final : public Server {
public:
    explicit HttpServer(ServerSettings settings);
    ~HttpServer() override { HttpServer::stop(milliseconds{0}); }

    tl::expected<void, std::string> bind();
    void start();

    [[nodiscard]] const std::vector<BoundListener>& listeners() const override { return bound_; }
    [[nodiscard]] Timers& timers() override { return timers_; }
    void stop(milliseconds patience) override;
    [[nodiscard]] tl::expected<void, std::string> reload_tls() override {
        return core_->tls.load();
    }
    [[nodiscard]] std::map<std::string, std::uint64_t> stats() const override {
        return core_->counters.by_name();
    }

private:
    tl::expected<void, std::string> bind_one(const ListenerSettings& listener);
    void accept(Port& port);
    void take(Port& port, Loop& loop, tcp::socket socket);
    Loop& next_loop();
    void close_ports();
    template <typename Work>
    void on_each_loop(const Work& work);
    bool wait_until_empty(SteadyTime until);

    ServerSettings settings_;
    std::shared_ptr<Core> core_;
    std::vector<std::unique_ptr<Loop>> loops_;
    LoopTimers timers_{loops_};
    std::vector<std::unique_ptr<Port>> ports_;
    std::vector<BoundListener> bound_;
    std::minstd_rand chance_{std::random_device{}()};  ///< Of the thread that accepts.
    bool started_ = false, stopped_ = false;
};

HttpServer::HttpServer(ServerSettings settings)
    : settings_(std::move(settings)), core_(std::make_shared<Core>(settings_)) {
    const unsigned threads = settings_.threads > 0
                                 ? settings_.threads
                                 : std::max(1U, std::thread::hardware_concurrency());
    for (unsigned i = 0; i < threads; ++i) {
        loops_.push_back(std::make_unique<Loop>(core_->counters, tick_of(core_->limits)));
    }
}

tl::expected<void, std::string> HttpServer::bind() {
    if (auto loaded = core_->tls.load(); !loaded) return loaded;
    for (const ListenerSettings& listener : settings_.listeners) {
        if (auto done = bind_one(listener); !done) return done;
    }
    return {};
}

tl::expected<void, std::string> HttpServer::bind_one(const ListenerSettings& listener) {
    const auto address = config::Address::parse(listener.address);
    if (!address) return tl::make_unexpected(address.error());
    asio::io_context& context = loops_.front()->context();
    const auto cannot = [&](const SocketError& error) {
        return tl::make_unexpected("cannot listen at " + listener.address + ": " + error.message() +
                                   "; choose an address of this host and a "
                                   "port that is free");
    };
    SocketError error;
    tcp::resolver resolver(context);
    const auto found = resolver.resolve(address->host, std::to_string(address->port),
                                        tcp::resolver::passive, error);
    if (error || found.empty()) return cannot(error);
    const tcp::endpoint endpoint = found.begin()->endpoint();

    auto port = std::make_unique<Port>(
        context, std::make_shared<const Site>(
                     Site{listener.address, Router(listener.mounts), core_->tls.is_configured()}));
    port->acceptor.open(endpoint.protocol(), error);
    if (!error) port->acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) port->acceptor.bind(endpoint, error);
    if (!error) port->acceptor.listen(backlog, error);
    if (error) return cannot(error);
    const tcp::endpoint local = port->acceptor.local_endpoint(error);
    if (error) return cannot(error);
    port->bound = {listener.address, local.address().to_string(), local.port(), port->site->tls};
    bound_.push_back(port->bound);
    ports_.push_back(std::move(port));
    return {};
}

void HttpServer::start() {
    for (const auto& port : ports_) accept(*port);
    for (const auto& loop : loops_) loop->start();
    started_ = true;
}

/// The thread with the fewest connections, but by chance where that makes little difference: a
/// client that opens two kinds in turns would have all of one kind on one thread, and all work with
/// it.
Loop& HttpServer::next_loop() {
    Loop& least = **std::min_element(
        loops_.begin(), loops_.end(),
        [](const auto& one, const auto& other) { return one->load() < other->load(); });
    Loop& any = *loops_[chance_() % loops_.size()];
    return any.load() <= least.load() + uneven_max ? any : least;
}

void HttpServer::accept(Port& port) {
    Loop& loop = next_loop();
    port.acceptor.async_accept(loop.context(),
                               [this, &port, &loop](SocketError error, tcp::socket socket) {
                                   if (error == asio::error::operation_aborted) return;
                                   if (!error) {
                                       take(port, loop, std::move(socket));
                                       return accept(port);
                                   }
                                   ++core_->counters[Count::accept_failed];
                                   if (error == asio::error::connection_aborted)
                                       return accept(port);
                                   // No descriptors, or no memory: trying again at once would only
                                   // burn the processor.
                                   port.pause.expires_after(accept_pause);
                                   port.pause.async_wait([this, &port](SocketError stopped) {
                                       if (!stopped) accept(port);
                                   });
                               });
}

void HttpServer::take(Port& port, Loop& loop, tcp::socket socket) {
    const std::uint64_t open = core_->counters[Count::connections_open];
    const std::size_t most = core_->limits.connections;
    ++core_->counters[Count::connections];
    if (core_->draining || open >= most + told_max) {
        core_->counters.refused(Refused::too_many_connections);
        return;
    }
    auto connection = std::make_shared<Connection>(core_, loop, port.site, OpenSlot(core_, loop));
    auto work = [connection = std::move(connection), socket = std::move(socket),
                 refuse = open >= most]() mutable { connection->start(std::move(socket), refuse); };
    (void)loop.handle()->run(std::move(work));
}

void HttpServer::close_ports() {
    std::promise<void> closed;
    (void)loops_.front()->handle()->post([&] {
        for (const auto& port : ports_) {
            SocketError ignored;
            port->acceptor.close(ignored);
            port->pause.cancel();
        }
        closed.set_value();
    });
    closed.get_future().wait();
}

/// `work` on every connection of every thread; returns once it was done, with what it posted.
template <typename Work>
void HttpServer::on_each_loop(const Work& work) {
    for (const auto& loop : loops_) {
        std::promise<void> done;
        (void)loop->handle()->post([&loop, &work, &done] {
            for (const auto& member : loop->members()) work(*member);
            asio::post(loop->context(), [&done] { done.set_value(); });
        });
        done.get_future().wait();
    }
}

bool HttpServer::wait_until_empty(SteadyTime until) {
    std::unique_lock lock(core_->open_mutex);
    return core_->open_changed.wait_until(
        lock, until, [&] { return core_->counters[Count::connections_open] == 0; });
}

void HttpServer::stop(milliseconds patience) {
    if (!started_ || std::exchange(stopped_, true)) return;
    const SteadyTime begin = std::chrono::steady_clock::now();
    close_ports();
    core_->draining = true;
    on_each_loop([](LoopMember& member) { member.drain(); });
    std::set<std::shared_ptr<Handler>> handlers;
    for (const ListenerSettings& listener : settings_.listeners) {
        for (const Mount& mount : listener.mounts) handlers.insert(mount.handler);
    }
    for (const auto& handler : handlers) handler->stop();
    if (!wait_until_empty(begin + patience / 4)) {
        on_each_loop([](LoopMember& member) { member.end(); });
        (void)wait_until_empty(begin + patience);
    }
    on_each_loop([](LoopMember& member) { member.abort(); });
    for (const auto& loop : loops_) loop->stop();
}

}  // namespace

std::string BoundListener::url() const {
    return (tls ? "https://" : "http://") + config::host_port_text(host, port);
}

tl::expected<std::unique_ptr<Server>, std::string> Server::open(ServerSettings settings) {
    auto server = std::make_unique<HttpServer>(std::move(settings));
    if (auto bound = server->bind(); !bound) return tl::make_unexpected(std::move(bound.error()));
    server->start();
    return server;
}

}  // namespace weft::gateway

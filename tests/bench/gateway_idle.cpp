// What an idle client of the gateway costs: resident memory of the server for each connection that
// waits in a long-poll, and for each one that only stays open. The clients live in a process of
// their own. One JSON object on stdout.
//   gateway_idle [connections, 10000]

#include <sys/wait.h>
#include <unistd.h>

#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "gateway/http/server.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/resident.hpp"

namespace {

using namespace weft;

/// Keeps every request unanswered, as a long-poll does.
class Waiting : public gateway::Handler {
public:
    void handle(std::shared_ptr<gateway::Exchange> exchange) override {
        const std::lock_guard lock(mutex_);
        kept_.push_back(std::move(exchange));
        changed_.notify_all();
    }
    void await(std::size_t count) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return kept_.size() >= count; });
    }
    void answer_all() {
        const std::lock_guard lock(mutex_);
        for (const auto& exchange : kept_) exchange->answer({});
        kept_ = {};
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::shared_ptr<gateway::Exchange>> kept_;
};

constexpr const char* request =
    "GET /v1/events?topic=org.weft.dev.**&after=12345&wait=30s HTTP/1.1\r\n"
    "Host: gateway.example.org:8080\r\n"
    "User-Agent: bench/1.0\r\n"
    "Accept: application/json\r\n"
    "Accept-Encoding: gzip\r\n"
    "Authorization: Bearer 0123456789abcdef0123456789abcdef0123456789a\r\n\r\n";

/// Asks, says so on stdout's pipe by ending its input, reads the answers, and stays until told.
int run_clients(std::uint16_t port, int count, int answered, int go) {
    std::vector<testing::HttpClient> clients;
    clients.reserve(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) clients.emplace_back(port).send(request);
    for (auto& client : clients) (void)client.answer();
    char byte = 'x';
    if (::write(answered, &byte, 1) != 1) return 1;
    return ::read(go, &byte, 1) < 0 ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
    const int count = argc > 1 ? std::atoi(argv[1]) : 10'000;
    int answered[2], go[2], address[2];
    if (::pipe(answered) != 0 || ::pipe(go) != 0 || ::pipe(address) != 0) return 1;
    const pid_t child = ::fork();  // Before any thread is there.
    if (child == 0) {
        std::uint16_t port = 0;
        if (::read(address[0], &port, sizeof port) != sizeof port) return 1;
        ::close(go[1]);
        return run_clients(port, count, answered[1], go[0]);
    }
    auto waiting = std::make_shared<Waiting>();
    gateway::ServerSettings settings;
    settings.listeners = {{"127.0.0.1:0", {{"/", waiting}}}};
    auto server = gateway::Server::open(std::move(settings));
    if (!server) {
        std::fprintf(stderr, "%s\n", server.error().c_str());
        return 1;
    }
    const std::uint16_t port = (*server)->listeners().front().port;
    const long before = testing::resident_kib(::getpid());
    if (::write(address[1], &port, sizeof port) != sizeof port) return 1;
    waiting->await(static_cast<std::size_t>(count));
    const long polling = testing::resident_kib(::getpid());
    waiting->answer_all();
    char byte = 0;
    if (::read(answered[0], &byte, 1) != 1) return 1;
    const long idle = testing::resident_kib(::getpid());
    std::printf(
        "{\"connections\": %d, \"rss_before_kib\": %ld, \"rss_polling_kib\": %ld, "
        "\"bytes_per_long_poll\": %ld, \"bytes_per_idle\": %ld}\n",
        count, before, polling, (polling - before) * 1024 / count, (idle - before) * 1024 / count);
    ::close(go[1]);
    ::waitpid(child, nullptr, 0);
    return 0;
}

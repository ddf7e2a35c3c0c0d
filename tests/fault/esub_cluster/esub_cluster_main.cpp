// esub_cluster [--reps N] [--kills N] [--seed S]: two gateways on one relay; eight clients wait at
// one of them and reply at the other until N replies were answered 200, while one gateway or the
// other is killed with -9 and started again. Exit 1 if a reply was told 200 and its waiter did not
// get these very bytes.

#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/integration/fabric_fixture.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/look_again.hpp"

namespace {

using weft::testing::free_port;
using weft::testing::HttpAnswer;
using weft::testing::HttpClient;
using weft::testing::look_again_after_ms;
using weft::testing::Process;
using weft::testing::Stream;

struct Options {
    std::uint64_t reps = 10'000, kills = 10, seed = std::random_device{}();
};

Options options_of(int argc, char** argv) {
    Options options;
    for (int i = 1; i < argc; i += 2) {
        const std::string flag = argv[i];
        char* end = nullptr;
        const std::uint64_t value = i + 1 < argc ? std::strtoull(argv[i + 1], &end, 10) : 0;
        std::uint64_t* const target = flag == "--reps"    ? &options.reps
                                      : flag == "--kills" ? &options.kills
                                      : flag == "--seed"  ? &options.seed
                                                          : nullptr;
        if (target == nullptr || end == nullptr || *end != '\0') {
            std::fprintf(stderr, "usage: esub_cluster [--reps N] [--kills N] [--seed S]\n");
            std::exit(2);
        }
        *target = value;
    }
    return options;
}

class Stand {
public:
    Stand() : fabric_("gateway.host1") {
        const auto issued =
            fabric_.weft({"keys", "issue", "gateway.host2", "--publish", "**", "--role", "publish",
                          "--role", "ack", "--role", "journal"});
        if (issued.exit_code != 0) throw std::runtime_error(issued.err);
        fabric_.configure("gateway: { esub: { cluster_token: shared-by-all } }");
        relay_.emplace(fabric_.relay());
        for (std::size_t i = 0; i < ports.size(); ++i) {
            ports[i] = free_port();
            start(i);
        }
    }
    void start(std::size_t which) {
        const std::string number = std::to_string(which + 1);
        nodes_[which].emplace(fabric_.start(
            {"gateway", "--set", "name=gateway.host" + number, "--set",
             "gateway.listeners=[{address: \"127.0.0.1:" + std::to_string(ports[which]) +
                 "\", serve: [esub]}]",
             "--set", "reliability.journal.path=var/journal" + number, "--set",
             "reliability.journal.listen=tcp://127.0.0.1:" + std::to_string(free_port()), "--set",
             "fabric.replay.state=var/replay" + number}));
        nodes_[which]->wait_for_line(Stream::out, "ready");
    }
    void kill(std::size_t which) {
        nodes_[which]->signal(SIGKILL);
        static_cast<void>(nodes_[which]->wait());
    }
    std::array<std::uint16_t, 2> ports{};

private:
    weft::testing::Fabric fabric_;
    std::optional<Process> relay_;
    std::array<std::optional<Process>, 2> nodes_;
};

struct Counts {
    std::atomic<std::uint64_t> delivered{0}, refused{0}, unknown{0}, cut{0};
    std::atomic<std::uint64_t> false_success{0};
};

/// One sub and its reply; what cannot be asked because a gateway is dead is cut.
void pair(const Stand& stand, std::size_t owner, const std::string& key, Counts& counts) {
    const std::string body = "body of " + key;
    std::optional<HttpClient> waiting;
    bool told_200 = false;
    try {
        waiting.emplace(stand.ports[owner]);
        waiting->send("GET /sub/" + key + " HTTP/1.1\r\nHost: h\r\n\r\n");
        unsigned status = 404;
        for (int tries = 0; status == 404 && tries < 100; ++tries) {
            HttpClient client(stand.ports[1 - owner]);
            status = client
                         .ask("POST /rep/" + key + " HTTP/1.1\r\nHost: h\r\nContent-Length: " +
                              std::to_string(body.size()) + "\r\n\r\n" + body)
                         .status;
            if (status == 404) look_again_after_ms(5);
        }
        told_200 = status == 200;
        if (!told_200) {
            ++(status == 504 ? counts.unknown : counts.refused);
            return;
        }
        if (waiting->answer().body != body) throw std::runtime_error("another body");
        ++counts.delivered;
    } catch (const std::exception& error) {
        ++(told_200 ? counts.false_success : counts.cut);
        if (told_200) std::fprintf(stderr, "%s was told 200: %s\n", key.c_str(), error.what());
        look_again_after_ms(20);
    }
}

}  // namespace

int main(int argc, char** argv) {
    const Options options = options_of(argc, argv);
    std::printf("seed %llu\n", static_cast<unsigned long long>(options.seed));
    std::mt19937_64 random(options.seed);
    Stand stand;
    Counts counts;
    std::atomic<bool> stop{false};
    std::vector<std::jthread> clients;
    for (int client = 0; client < 8; ++client) {
        clients.emplace_back([&, client] {
            for (std::uint64_t i = 0; !stop; ++i) {
                pair(stand, (i + static_cast<std::uint64_t>(client)) % 2,
                     std::to_string(client) + "-" + std::to_string(i), counts);
            }
        });
    }
    for (std::uint64_t kill = 0; kill <= options.kills; ++kill) {
        const std::uint64_t until = options.reps * (kill + 1) / (options.kills + 1);
        while (counts.delivered < until) look_again_after_ms(5);
        if (kill == options.kills) break;
        const std::size_t which = random() % 2;
        stand.kill(which);
        stand.start(which);
    }
    stop = true;
    clients.clear();
    std::printf("delivered %llu, refused %llu, unknown %llu, cut %llu, false successes %llu\n",
                static_cast<unsigned long long>(counts.delivered),
                static_cast<unsigned long long>(counts.refused),
                static_cast<unsigned long long>(counts.unknown),
                static_cast<unsigned long long>(counts.cut),
                static_cast<unsigned long long>(counts.false_success));
    return counts.false_success == 0 ? 0 : 1;
}

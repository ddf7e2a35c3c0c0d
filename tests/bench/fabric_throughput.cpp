// Throughput and latency of weft beside raw libzmq, in one run: the peers take turns (A B C A B C),
// two processes over loopback TCP, pinned to different cores unless --unpinned. Only messages that
// were received (and, signed, verified) count; a round that lost one is an error.
//
//   fabric_throughput [--json] [--unpinned] [--rounds N] [--quick]

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tests/bench/peers.hpp"

namespace {

using weft::bench::Load;
using weft::bench::Peer;
using weft::bench::Seen;

struct Options {
    bool json = false, pinned = true, quick = false;
    int rounds = 5;
};

std::string free_endpoint() {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    const bool bound = ::bind(fd, reinterpret_cast<sockaddr*>(&address), length) == 0 &&
                       ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) == 0;
    ::close(fd);
    if (!bound) throw std::runtime_error("no free port");
    return "tcp://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
}

void pin_to(unsigned core) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(core % static_cast<unsigned>(::sysconf(_SC_NPROCESSORS_ONLN)), &set);
    ::sched_setaffinity(0, sizeof set, &set);
}

/// Runs `work` in a child process; its result goes through a pipe.
pid_t in_child(const Options& options, unsigned core, const std::function<void()>& work) {
    const pid_t pid = ::fork();
    if (pid != 0) return pid;
    if (options.pinned) pin_to(core);
    try {
        work();
    } catch (const std::exception& error) {
        std::fprintf(stderr, "fabric_throughput: %s\n", error.what());
        ::_exit(1);
    }
    ::_exit(0);
}

Seen round(const Options& options, const Peer& peer, const Load& load) {
    const std::string endpoint = free_endpoint();
    int ends[2];
    if (::pipe(ends) != 0) throw std::runtime_error("no pipe");
    const pid_t publisher = in_child(options, 0, [&] { peer.publish(endpoint, load); });
    const pid_t subscriber = in_child(options, 1, [&] {
        const Seen seen = peer.receive(endpoint, load);
        if (::write(ends[1], &seen, sizeof seen) != sizeof seen) throw std::runtime_error("pipe");
    });
    ::close(ends[1]);
    Seen seen;
    const bool got = ::read(ends[0], &seen, sizeof seen) == sizeof seen;
    ::close(ends[0]);
    int status = 0, failed = 0;
    for (const pid_t pid : {subscriber, publisher}) {
        ::waitpid(pid, &status, 0);
        failed += status != 0;
    }
    if (!got || failed > 0 || seen.messages != load.messages) {
        throw std::runtime_error(peer.name() + ": " + std::to_string(seen.messages) + " of " +
                                 std::to_string(load.messages) + " messages arrived");
    }
    return seen;
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

class Suite {
public:
    Suite(Options options, std::vector<const Peer*> peers)
        : options_(options), peers_(std::move(peers)) {}

    /// Every peer in turn, `rounds` times; the median of each goes under "<scenario>.<peer>".
    void run(const std::string& scenario, Load load) {
        if (options_.quick) load.messages = std::max<std::uint64_t>(load.messages / 20, 1000);
        std::map<std::string, std::vector<double>> rates, p50, p99;
        for (int i = 0; i < options_.rounds; ++i) {
            for (const Peer* peer : peers_) {
                const Seen seen = round(options_, *peer, load);
                rates[peer->name()].push_back(static_cast<double>(seen.messages - 1) /
                                              seen.seconds);
                p50[peer->name()].push_back(seen.p50_us);
                p99[peer->name()].push_back(seen.p99_us);
            }
            if (!options_.json) std::fprintf(stderr, "%s round %d done\n", scenario.c_str(), i + 1);
        }
        for (const Peer* peer : peers_) {
            const std::string key = scenario + "." + peer->name();
            if (load.with_latency) {
                figures_[key + ".p50_us"] = median(p50[peer->name()]);
                figures_[key + ".p99_us"] = median(p99[peer->name()]);
            } else {
                figures_[key + ".per_second"] = median(rates[peer->name()]);
            }
        }
    }
    void ratio(const std::string& name, const std::string& over, const std::string& under) {
        ratios_[name] = figures_.at(over + ".per_second") / figures_.at(under + ".per_second");
    }
    void print() const {
        if (options_.json) {
            std::printf("{\"ratios\": {");
            print_json(ratios_, "%.3f");
            std::printf("}, \"figures\": {");
            print_json(figures_, "%.1f");
            std::printf("}}\n");
            return;
        }
        for (const auto& [name, value] : figures_)
            std::printf("%-40s %12.1f\n", name.c_str(), value);
        for (const auto& [name, value] : ratios_)
            std::printf("%-40s %12.3f\n", name.c_str(), value);
    }

private:
    static void print_json(const std::map<std::string, double>& values, const char* format) {
        const char* comma = "";
        for (const auto& [name, value] : values) {
            std::printf("%s\"%s\": ", comma, name.c_str());
            std::printf(std::strcmp(format, "%.3f") == 0 ? "%.3f" : "%.1f", value);
            comma = ", ";
        }
    }

    Options options_;
    std::vector<const Peer*> peers_;
    std::map<std::string, double> ratios_, figures_;
};

Options parse(int argc, char** argv) {
    Options options;
    for (int i = 1; i < argc; ++i) {
        const std::string flag = argv[i];
        if (flag == "--json") {
            options.json = true;
        } else if (flag == "--unpinned") {
            options.pinned = false;
        } else if (flag == "--quick") {
            options.quick = true;
            options.rounds = 1;
        } else if (flag == "--rounds" && i + 1 < argc) {
            options.rounds = std::max(1, std::atoi(argv[++i]));
        } else {
            std::fprintf(stderr,
                         "usage: fabric_throughput [--json] [--unpinned] [--rounds N] [--quick]\n");
            std::exit(2);
        }
    }
    return options;
}

}  // namespace

int main(int argc, char** argv) {
    const Options options = parse(argc, argv);
    try {
        weft::support::SigningFixture world;
        const auto identity = world.identity("bench.host1", {.globs = {"org.weft.dev.bench.**"}});
        const auto raw = weft::bench::raw_zmq();
        const auto plain = weft::bench::weft_direct(false, world, identity);
        const auto is_signed = weft::bench::weft_direct(true, world, identity);
        Suite suite(options, {raw.get(), plain.get(), is_signed.get()});
        suite.run("one_topic", {.messages = 3'000'000});
        suite.run("interleaved", {.messages = 1'000'000, .topics = 64});
        suite.run("body16k", {.messages = 100'000, .body_bytes = 16 * 1024});
        suite.run("latency", {.messages = 30'000, .rate = 10'000, .with_latency = true});
        suite.ratio("signed_vs_raw", "one_topic.signed", "one_topic.raw");
        suite.ratio("unsigned_vs_raw", "one_topic.unsigned", "one_topic.raw");
        suite.ratio("interleaved_vs_raw", "interleaved.signed", "interleaved.raw");
        suite.ratio("body16k_vs_raw", "body16k.signed", "body16k.raw");
        suite.print();
    } catch (const std::exception& error) {
        std::fprintf(stderr, "fabric_throughput: %s\n", error.what());
        return 1;
    }
    return 0;
}

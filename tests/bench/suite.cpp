#include "tests/bench/suite.hpp"

#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <stdexcept>

namespace weft::bench {
namespace {

void pin_to(std::size_t core) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(core % static_cast<std::size_t>(::sysconf(_SC_NPROCESSORS_ONLN)), &set);
    ::sched_setaffinity(0, sizeof set, &set);
}

pid_t in_child(bool pinned, std::size_t core, const std::function<void()>& work) {
    const pid_t pid = ::fork();
    if (pid != 0) return pid;
    if (pinned) pin_to(core);
    try {
        work();
    } catch (const std::exception& error) {
        std::fprintf(stderr, "fabric_throughput: %s\n", error.what());
        ::_exit(1);
    }
    ::_exit(0);
}

/// What every subscriber saw, together: deliveries over the time of the slowest.
Seen together(const std::vector<Seen>& all) {
    Seen sum = all.front();
    for (std::size_t i = 1; i < all.size(); ++i) {
        sum.messages += all[i].messages;
        sum.seconds = std::max(sum.seconds, all[i].seconds);
        sum.p50_us = std::max(sum.p50_us, all[i].p50_us);
        sum.p99_us = std::max(sum.p99_us, all[i].p99_us);
        sum.refused += all[i].refused;
    }
    return sum;
}

Seen round(bool pinned, const Peer& peer, const Load& load) {
    const auto middle = peer.middle();
    const std::string direct = free_endpoint();
    const Meeting meeting(middle ? middle->publish_at : direct,
                          middle ? middle->subscribe_at : direct, middle ? middle->flood_at : "");
    int ends[2];
    if (::pipe(ends) != 0) throw std::runtime_error("no pipe");
    std::vector<pid_t> children{in_child(pinned, 0, [&] { peer.publish(meeting, load); })};
    for (std::size_t i = 0; i < load.subscribers; ++i) {
        children.push_back(in_child(pinned, i + 1, [&] {
            const Seen seen = peer.receive(meeting, load);
            if (::write(ends[1], &seen, sizeof seen) != sizeof seen) {
                throw std::runtime_error("pipe");
            }
        }));
    }
    ::close(ends[1]);
    std::vector<Seen> all;
    Seen seen;
    while (::read(ends[0], &seen, sizeof seen) == sizeof seen) all.push_back(seen);
    ::close(ends[0]);
    bool failed = false;
    for (const pid_t pid : children) {
        int status = 0;
        ::waitpid(pid, &status, 0);
        failed = failed || status != 0;
    }
    if (failed || all.size() != load.subscribers) {
        throw std::runtime_error(peer.name() + ": a side of the round failed");
    }
    const Seen sum = together(all);
    if (sum.messages != load.messages * load.subscribers) {
        throw std::runtime_error(peer.name() + ": " + std::to_string(sum.messages) + " of " +
                                 std::to_string(load.messages * load.subscribers) +
                                 " messages arrived");
    }
    return sum;
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

void print_json(const std::map<std::string, double>& values, int digits) {
    const char* comma = "";
    for (const auto& [name, value] : values) {
        std::printf("%s\"%s\": %.*f", comma, name.c_str(), digits, value);
        comma = ", ";
    }
}

}  // namespace

bool Suite::wants(const std::string& scenario) const {
    return options_.only.empty() ||
           std::find(options_.only.begin(), options_.only.end(), scenario) != options_.only.end();
}

void Suite::run(const std::string& scenario, Load load, const std::vector<const Peer*>& peers) {
    if (!wants(scenario)) return;
    if (options_.quick) load.messages = std::max<std::uint64_t>(load.messages / 20, 1000);
    std::map<std::string, std::vector<double>> rates, p50, p99, refused;
    for (int i = 0; i < options_.rounds; ++i) {
        for (const Peer* peer : peers) {
            const Seen seen = round(options_.pinned, *peer, load);
            rates[peer->name()].push_back(static_cast<double>(seen.messages) / seen.seconds);
            p50[peer->name()].push_back(seen.p50_us);
            p99[peer->name()].push_back(seen.p99_us);
            refused[peer->name()].push_back(static_cast<double>(seen.refused) / seen.seconds);
        }
        std::fprintf(stderr, "%s: round %d of %d\n", scenario.c_str(), i + 1, options_.rounds);
    }
    for (const Peer* peer : peers) {
        const std::string key = scenario + "." + peer->name();
        if (load.with_latency) {
            figures_[key + ".p50_us"] = median(p50[peer->name()]);
            figures_[key + ".p99_us"] = median(p99[peer->name()]);
            const double refusals = median(refused[peer->name()]);
            if (refusals > 0) figures_[key + ".refused_per_second"] = refusals;
        } else {
            figures_[key + ".per_second"] = median(rates[peer->name()]);
        }
    }
}

void Suite::ratio(const std::string& name, const std::string& over, const std::string& under) {
    const auto above = figures_.find(over + ".per_second");
    const auto below = figures_.find(under + ".per_second");
    if (above == figures_.end() || below == figures_.end()) return;
    ratios_[name] = above->second / below->second;
}

void Suite::print() const {
    if (options_.json) {
        std::printf("{\"ratios\": {");
        print_json(ratios_, 3);
        std::printf("}, \"figures\": {");
        print_json(figures_, 1);
        std::printf("}}\n");
        return;
    }
    for (const auto& [name, value] : figures_) std::printf("%-40s %12.1f\n", name.c_str(), value);
    for (const auto& [name, value] : ratios_) std::printf("%-40s %12.3f\n", name.c_str(), value);
}

}  // namespace weft::bench

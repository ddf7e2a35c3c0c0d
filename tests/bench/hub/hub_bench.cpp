// hub_bench [--messages N] [--rounds N] [--json]: how fast consumers of a hub are beside a bare
// subscribe, in one run, the contenders taking turns; and what a bad neighbour costs the others.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "fabric/message/json_form.hpp"
#include "tests/bench/hub/tally.hpp"
#include "tests/fault/journal_storm/stand.hpp"
#include "tests/support/look_again.hpp"

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using weft::bench::Tally;
using weft::fabric::Value;
using weft::fault::Stand;
using weft::testing::Process;
using weft::testing::Stream;

struct Options {
    std::uint64_t messages = 60'000;
    unsigned rounds = 5;
    bool json = false;
};

struct Outcome {
    double rate = 0;
    std::uint64_t lost = 0;
};

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values.empty() ? 0 : values[values.size() / 2];
}

class HubBench {
public:
    explicit HubBench(const Options& options)
        : options_(options), tally_(Tally::open((stand_.directory() / "tally").string())) {
        journal_ = std::make_unique<Process>(stand_.serve());
    }

    /// A subscription of this process, in a thread of its own.
    Outcome bare_subscribe() {
        tally_.clear();
        weft::fabric::SubscriberHooks hooks;
        hooks.deliver = [this](const weft::fabric::Message& message) { tally_.add(message.seq()); };
        auto subscriber =
            stand_.fabric().subscribe({"bench.*"}, std::move(hooks), {.remember = false});
        static_cast<void>(subscriber->wait_ready(milliseconds{5000}));
        publish();
        return wait();
    }

    /// One consumer; `durable` ones begin now, behind what other contenders published.
    Outcome hub(const std::string& what, bool durable) {
        tally_.clear();
        Process hub = start({consumer("it" + std::to_string(++runs_), what, durable, "")});
        publish();
        return wait();
    }

    /// The rate of a durable plugin and of a durable program that catch up together, beside a bad
    /// neighbour or nobody.
    double with_neighbour(const std::string& neighbour) {
        tally_.clear();
        Tally& second = Tally::open((stand_.directory() / "tally2").string());
        second.clear();
        const std::string number = std::to_string(++runs_);
        const std::string since = ", replay: 'last:" + std::to_string(options_.messages) + "'";
        std::vector<std::string> consumers{
            consumer("good" + number, plugin(file(1)), true, since),
            consumer("fair" + number, program(file(2)), true, since)};
        if (!neighbour.empty()) {
            consumers.push_back(consumer("bad" + number, neighbour, true,
                                         since + ", timeout: 300ms, retry: [10ms]"));
        }
        Process hub = start(consumers);
        static_cast<void>(wait());
        const auto deadline = steady_clock::now() + std::chrono::seconds{60};
        while (second.count < options_.messages && steady_clock::now() < deadline) {
            weft::testing::look_again_after_ms(5);
        }
        if (tally_.out_of_order + second.out_of_order != 0) disorder_ = true;
        if (tally_.count < options_.messages || second.count < options_.messages)
            incomplete_ = true;
        // From the first message of either to the last of both.
        const auto from = std::min(tally_.first_ns.load(), second.first_ns.load());
        const auto to = std::max(tally_.last_ns.load(), second.last_ns.load());
        return static_cast<double>(2 * options_.messages) / (static_cast<double>(to - from) / 1e9);
    }

    [[nodiscard]] std::string file(int number) const {
        return (stand_.directory() / (number == 1 ? "tally" : "tally2")).string();
    }
    [[nodiscard]] static std::string plugin(const std::string& file, const std::string& more = "") {
        return "plugin: '" WEFT_TALLY_PLUGIN "', settings: {file: '" + file + "'" + more + "}";
    }
    [[nodiscard]] static std::string program(const std::string& file,
                                             const std::string& badness = "") {
        return "exec: ['" WEFT_TALLY_PROGRAM "', '" + file + "'" +
               (badness.empty() ? "" : ", " + badness) + "]";
    }
    [[nodiscard]] bool complete_and_in_order() const { return !disorder_ && !incomplete_; }

private:
    [[nodiscard]] static std::string consumer(const std::string& name, const std::string& what,
                                              bool durable, const std::string& more) {
        return "    - {name: " + name + ", " + what +
               ", topics: ['bench.*'], durable: " + (durable ? "true" : "false") + more + "}\n";
    }

    Process start(const std::vector<std::string>& consumers) {
        std::string yaml = "hub:\n  consumers:\n";
        for (const std::string& text : consumers) yaml += text;
        stand_.configure(yaml);
        Process hub = stand_.start({"hub"});
        hub.wait_for_line(Stream::out, "ready");
        return hub;
    }

    void publish() {
        const std::string text(200, 'x');
        for (std::uint64_t i = 0; i < options_.messages; ++i) {
            stand_.fabric().publish("bench.one", {{"text", text}, {"n", i}});
        }
        static_cast<void>(stand_.fabric().flush(milliseconds{10'000}));
    }

    Outcome wait() {
        auto deadline = steady_clock::now() + std::chrono::seconds{5};
        std::uint64_t before = 0;
        while (tally_.count < options_.messages && steady_clock::now() < deadline) {
            weft::testing::look_again_after_ms(2);
            if (tally_.count == before) continue;
            before = tally_.count;
            deadline = steady_clock::now() + std::chrono::seconds{5};
        }
        const std::uint64_t count = tally_.count;
        if (tally_.out_of_order != 0) disorder_ = true;
        return {static_cast<double>(count) / std::max(tally_.seconds(), 1e-9),
                options_.messages - std::min(options_.messages, count)};
    }

    const Options options_;
    Stand stand_;
    Tally& tally_;
    std::unique_ptr<Process> journal_;
    int runs_ = 0;
    bool disorder_ = false, incomplete_ = false;
};

Options options_of(int argc, char** argv) {
    Options options;
    for (int i = 1; i < argc; ++i) {
        const std::string flag = argv[i];
        if (flag == "--json") {
            options.json = true;
        } else if (flag == "--messages" && i + 1 < argc) {
            options.messages = std::strtoull(argv[++i], nullptr, 10);
        } else if (flag == "--rounds" && i + 1 < argc) {
            options.rounds = static_cast<unsigned>(std::strtoul(argv[++i], nullptr, 10));
        } else {
            std::fprintf(stderr, "usage: hub_bench [--messages N] [--rounds N] [--json]\n");
            std::exit(2);
        }
    }
    return options;
}

struct Contender {
    std::string name;
    std::function<double()> run;
    std::vector<double> rates{};
};

int bench(const Options& options) {
    HubBench bench(options);
    std::uint64_t lost = 0;
    const auto counted = [&](const Outcome& outcome) {
        lost += outcome.lost;
        return outcome.rate;
    };
    const std::string file = bench.file(1);
    std::vector<Contender> contenders{
        {"subscribe", [&] { return counted(bench.bare_subscribe()); }},
        {"plugin_live", [&] { return counted(bench.hub(HubBench::plugin(file), false)); }},
        {"plugin_durable", [&] { return counted(bench.hub(HubBench::plugin(file), true)); }},
        {"isolated_durable",
         [&] { return counted(bench.hub(HubBench::plugin(file) + ", isolate: true", true)); }},
        {"program_live", [&] { return counted(bench.hub(HubBench::program(file), false)); }},
        {"program_durable", [&] { return counted(bench.hub(HubBench::program(file), true)); }},
    };
    const std::string bad = file + ".bad";
    std::vector<Contender> neighbours{{"nobody", [&] { return bench.with_neighbour(""); }}};
    neighbours.push_back(
        {"throws", [&] { return bench.with_neighbour(HubBench::plugin(bad, ", throw_at: 10")); }});
    for (const char* badness : {"hangs", "exits", "crashes", "garbage", "forks"}) {
        neighbours.push_back({badness, [&bench, bad, badness] {
                                  return bench.with_neighbour(HubBench::program(bad, badness));
                              }});
    }
    for (unsigned round = 0; round < options.rounds; ++round) {
        for (auto* all : {&contenders, &neighbours}) {
            for (Contender& contender : *all) {
                contender.rates.push_back(contender.run());
                std::fprintf(stderr, "round %u %-16s %9.0f/s\n", round + 1, contender.name.c_str(),
                             contender.rates.back());
            }
        }
    }
    Value::Map ratios, figures;
    const double bare = median(contenders.front().rates);
    for (const Contender& contender : contenders) {
        const double rate = median(contender.rates);
        figures.emplace_back(contender.name, rate);
        ratios.emplace_back(contender.name + "_vs_subscribe", rate / bare);
    }
    const double alone = median(neighbours.front().rates);
    for (const Contender& contender : neighbours) {
        const double rate = median(contender.rates);
        figures.emplace_back("beside_" + contender.name, rate);
        ratios.emplace_back("beside_" + contender.name + "_vs_alone", rate / alone);
    }
    if (options.json) {
        std::cout << to_json(Value(
                         Value::Map{{"ratios", ratios},
                                    {"figures", figures},
                                    {"lost", lost},
                                    {"complete_and_in_order", bench.complete_and_in_order()}}))
                  << '\n';
    } else {
        for (std::size_t i = 0; i < figures.size(); ++i) {
            std::printf("%-22s %10.0f/s  %.2f\n", figures[i].first.c_str(),
                        *figures[i].second.real(), *ratios[i].second.real());
        }
        std::printf("%llu lost; %s\n", static_cast<unsigned long long>(lost),
                    bench.complete_and_in_order() ? "complete and in order"
                                                  : "NOT complete or not in order");
    }
    return bench.complete_and_in_order() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return bench(options_of(argc, argv));
    } catch (const std::exception& error) {
        std::fprintf(stderr, "hub_bench: %s\n", error.what());
        return 1;
    }
}

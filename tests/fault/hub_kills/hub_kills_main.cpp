// hub_kills [--messages N] [--kills N] [--seed S] [--workers N]: publishes N messages through a
// journal to a hub with two durable consumers, a plugin and an executable, that write down what
// they are given; kills the hub with -9 at random points of their progress, and counts what is
// missing, out of order, or came again without having been in hand. Exit 1 if anything did.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/fault/hub_kills/written_lines.hpp"
#include "tests/fault/journal_storm/stand.hpp"
#include "tests/support/look_again.hpp"

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using weft::fault::Stand;
using weft::fault::WrittenLines;
using weft::testing::Process;
using weft::testing::Stream;

constexpr std::uint64_t topics = 8;
constexpr std::chrono::seconds patience{120};

struct Options {
    std::uint64_t messages = 100'000, kills = 20, workers = 2;
    std::uint64_t seed = std::random_device{}();
};

Options options_of(int argc, char** argv) {
    Options options;
    for (int i = 1; i < argc; i += 2) {
        const std::string flag = argv[i];
        char* end = nullptr;
        const std::uint64_t value = i + 1 < argc ? std::strtoull(argv[i + 1], &end, 10) : 0;
        std::uint64_t* const target = flag == "--messages"  ? &options.messages
                                      : flag == "--kills"   ? &options.kills
                                      : flag == "--seed"    ? &options.seed
                                      : flag == "--workers" ? &options.workers
                                                            : nullptr;
        if (target == nullptr || end == nullptr || *end != '\0') {
            std::fprintf(stderr,
                         "usage: hub_kills [--messages N] [--kills N] [--seed S] [--workers N]\n");
            std::exit(2);
        }
        *target = value;
    }
    return options;
}

/// One consumer and its file.
struct Witness {
    std::string name;
    std::filesystem::path file;
    WrittenLines lines{};
    double slowest_start = 0;
};

void publish(weft::fabric::Fabric& fabric, std::uint64_t messages) {
    for (std::uint64_t i = 0; i < messages; ++i) {
        fabric.publish("kills.t" + std::to_string(i % topics), {{"n", i / topics + 1}});
        // What a journal of one core can record without loss; lost ones would be repaired, later.
        if (i % 1000 == 999) static_cast<void>(fabric.flush(milliseconds{5000}));
    }
    static_cast<void>(fabric.flush(milliseconds{5000}));
}

void read_all(std::vector<Witness>& witnesses) {
    for (Witness& witness : witnesses) witness.lines.read(witness.file);
}

std::uint64_t least(const std::vector<Witness>& witnesses) {
    std::uint64_t least = UINT64_MAX;
    for (const Witness& witness : witnesses) least = std::min(least, witness.lines.seen());
    return least;
}

/// True once all of them have so many; false after `patience` without any progress.
bool wait_for(std::vector<Witness>& witnesses, std::uint64_t count) {
    auto deadline = steady_clock::now() + patience;
    std::uint64_t before = 0;
    while (steady_clock::now() < deadline) {
        read_all(witnesses);
        const std::uint64_t now = least(witnesses);
        if (now >= count) return true;
        if (now != before) deadline = steady_clock::now() + patience;
        before = now;
        weft::testing::look_again_after_ms(2);
    }
    return false;
}

int run(const Options& options) {
    std::mt19937_64 random(options.seed);
    Stand stand;
    std::vector<Witness> witnesses{{"by_plugin", stand.directory() / "by_plugin.txt"},
                                   {"by_program", stand.directory() / "by_program.txt"}};
    stand.configure(
        "hub:\n  consumers:\n"
        "    - {name: by_plugin, plugin: '" WEFT_LINE_WRITER_PLUGIN
        "', topics: ['kills.*'],\n"
        "       replay: beginning, workers: " +
        std::to_string(options.workers) + ", settings: {file: '" + witnesses[0].file.string() +
        "'}}\n"
        "    - {name: by_program, exec: ['" WEFT_LINE_WRITER_PROGRAM
        "'], topics: ['kills.*'],\n"
        "       replay: beginning, workers: " +
        std::to_string(options.workers) + ", settings: {file: '" + witnesses[1].file.string() +
        "'}}\n");
    const Process journal = stand.serve();
    std::thread publisher([&] { publish(stand.fabric(), options.messages); });

    std::vector<std::uint64_t> points;
    for (std::uint64_t i = 0; i < options.kills; ++i) points.push_back(random() % options.messages);
    std::sort(points.begin(), points.end());
    bool progress = true;
    std::string last_words;
    const auto began = steady_clock::now();
    for (const std::uint64_t point : points) {
        Process hub = stand.start({"hub"});
        progress = progress && wait_for(witnesses, point);
        // Not only where a batch has just been through.
        weft::testing::look_again_after_ms(static_cast<int>(random() % 20));
        hub.signal(SIGKILL);
        static_cast<void>(hub.wait());
        last_words = hub.err();
        if (!progress) break;
    }
    publisher.join();
    if (progress) {
        Process hub = stand.start({"hub"});
        progress = wait_for(witnesses, options.messages);
        hub.signal(SIGTERM);
        static_cast<void>(hub.wait());
        last_words = hub.err();
    }
    read_all(witnesses);
    const std::chrono::duration<double> took = steady_clock::now() - began;
    bool good = progress;
    for (const Witness& witness : witnesses) {
        const WrittenLines& lines = witness.lines;
        const std::uint64_t missing = options.messages - std::min(options.messages, lines.seen());
        std::printf(
            "%s: %llu messages, %llu missing, %llu out of order, %llu repeated, %llu kills\n",
            witness.name.c_str(), static_cast<unsigned long long>(lines.seen()),
            static_cast<unsigned long long>(missing),
            static_cast<unsigned long long>(lines.went_back() + lines.skipped()),
            static_cast<unsigned long long>(lines.repeats()),
            static_cast<unsigned long long>(options.kills));
        good = good && missing == 0 && lines.went_back() == 0 && lines.skipped() == 0 &&
               lines.repeats() <= options.kills * options.workers;
    }
    std::printf("%.1f s\n", took.count());
    if (!good) std::fprintf(stderr, "%s", last_words.c_str());
    return good ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    const Options options = options_of(argc, argv);
    std::printf("seed %llu\n", static_cast<unsigned long long>(options.seed));
    std::fflush(stdout);
    try {
        return run(options);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "hub_kills: %s\n", error.what());
        return 1;
    }
}

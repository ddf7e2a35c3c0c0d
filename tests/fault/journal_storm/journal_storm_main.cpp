// journal_storm [--kills N | --full N] [--seed S]: kills `weft journal serve`, or fills its disk,
// under durable publishes, and counts what was acknowledged and is not there afterwards. Exit 1 if
// anything is; 77 if this machine does not allow the experiment.

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <random>
#include <string>

#include "tests/fault/journal_storm/full_disk.hpp"
#include "tests/fault/journal_storm/storm.hpp"

namespace {

constexpr int exit_skipped = 77;

[[noreturn]] void usage() {
    std::fprintf(stderr, "usage: journal_storm [--kills N | --full N] [--seed S]\n");
    std::exit(2);
}

int fill(std::uint64_t cycles, std::uint64_t seed) {
    const weft::fault::FullDiskReport report = weft::fault::run_full_disk(cycles, seed);
    std::printf("%s\n", report.text().c_str());
    if (!report.skipped.empty()) return exit_skipped;
    return report.good() ? 0 : 1;
}

int kill(const weft::fault::JournalStormOptions& options) {
    const weft::fault::JournalStormReport report = weft::fault::run_journal_storm(options);
    std::printf("%s\n", report.text().c_str());
    return report.good() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    weft::fault::JournalStormOptions options;
    options.seed = std::random_device{}();
    std::uint64_t cycles = 0;
    for (int i = 1; i < argc; i += 2) {
        const std::string flag = argv[i];
        char* end = nullptr;
        const std::uint64_t value = i + 1 < argc ? std::strtoull(argv[i + 1], &end, 10) : 0;
        if (end == nullptr || *end != '\0') usage();
        if (flag == "--kills") {
            options.kills = value;
        } else if (flag == "--full") {
            cycles = value;
        } else if (flag == "--seed") {
            options.seed = value;
        } else {
            usage();
        }
    }
    options.progress = [&](std::uint64_t done) {
        if (done % 50 == 0) {
            std::fprintf(stderr, "%llu of %llu\n", static_cast<unsigned long long>(done),
                         static_cast<unsigned long long>(options.kills));
        }
    };
    std::printf("seed %llu\n", static_cast<unsigned long long>(options.seed));
    std::fflush(stdout);
    try {
        return cycles > 0 ? fill(cycles, options.seed) : kill(options);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "journal_storm: %s\n", error.what());
        return 1;
    }
}

// journal_cuts: kills writers of a journal, or the power of its disk, at random moments, and counts
// what was acknowledged and is not there afterwards. Exit 1 if anything is; 77 if this machine does
// not allow the experiment.

#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include "tests/fault/journal_cuts/cuts.hpp"
#include "tests/fault/journal_cuts/writers.hpp"
#include "tests/support/temp_dir.hpp"

namespace {

constexpr int exit_skipped = 77;

[[noreturn]] void usage() {
    std::fprintf(stderr, "usage: journal_cuts [--power] [--cuts N] [--seed S]\n");
    std::exit(2);
}

}  // namespace

int main(int argc, char** argv) {
    weft::fault::CutsOptions options;
    weft::fault::WritersOptions writers;
    for (int i = 1; i < argc; ++i) {
        const std::string flag = argv[i];
        const auto number = [&] {
            if (++i >= argc) usage();
            return std::strtoull(argv[i], nullptr, 10);
        };
        if (flag == "--power") {
            options.power = true;
        } else if (flag == "--cuts") {
            options.cuts = number();
        } else if (flag == "--seed") {
            options.seed = writers.seed = number();
        } else if (flag == "--life") {
            writers.life = number();
        } else if (flag == "--write" && i + 1 < argc) {
            writers.path = argv[++i];
        } else {
            usage();
        }
    }
    if (!writers.path.empty()) return weft::fault::run_writers(writers);
    const weft::testing::TempDir directory;
    options.program = "/proc/self/exe";
    options.program = std::filesystem::read_symlink(options.program);
    options.directory = directory.path();
    const bool terminal = options.cuts > 50;
    options.progress = [&](std::uint64_t cut) {
        if (terminal && cut % 50 == 0) {
            std::fprintf(stderr, "%llu of %llu\n", static_cast<unsigned long long>(cut),
                         static_cast<unsigned long long>(options.cuts));
        }
    };
    std::printf("seed %llu\n", static_cast<unsigned long long>(options.seed));
    try {
        const weft::fault::CutsReport report = weft::fault::run_cuts(options);
        std::printf("%s: %s\n", options.power ? "power loss" : "kill -9", report.text().c_str());
        if (!report.skipped.empty()) return exit_skipped;
        return report.good() ? 0 : 1;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "journal_cuts: %s\n", error.what());
        return 1;
    }
}

// journal_simulator [--seeds N] [--first S] | --seed S [--planted NAME]
// Runs worlds from seeds and replays the first one in which something was broken, with its log;
// `--seed` replays one.
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <string_view>

#include "tests/fault/journal_simulator.hpp"

namespace {

using weft::fault::JournalFigures;
using weft::fault::JournalReport;
using weft::fault::Planted;

void print_violations(const JournalReport& report) {
    for (const auto& violation : report.violations) {
        std::cout << "seed " << report.seed << ": " << violation << '\n';
    }
    if (report.violations.empty()) return;
    std::cout << "replay it with: journal_simulator --seed " << report.seed << std::endl;
}

int replay(std::uint64_t seed, Planted planted) {
    const JournalReport report = weft::fault::simulate_journals(seed, planted, &std::cout);
    std::cout << report.figures.text();
    print_violations(report);
    return report.violations.empty() ? EXIT_SUCCESS : EXIT_FAILURE;
}

int sweep(std::uint64_t first, std::uint64_t count, Planted planted) {
    const auto begin = std::chrono::steady_clock::now();
    JournalFigures figures;
    std::optional<std::uint64_t> broken;
    std::uint64_t violated = 0;
    for (std::uint64_t seed = first; seed - first < count; ++seed) {
        const JournalReport report = weft::fault::simulate_journals(seed, planted);
        figures.add(report.figures);
        if (report.violations.empty()) continue;
        ++violated;
        if (!broken) broken = seed;
        print_violations(report);
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    if (broken) static_cast<void>(replay(*broken, planted));
    std::cout << count << " seeds from " << first << " in " << took.count() << " s, " << violated
              << " with violations\n"
              << figures.text();
    return violated == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

std::optional<std::uint64_t> number(const char* text) {
    char* end = nullptr;
    const unsigned long long value = std::strtoull(text, &end, 10);
    if (end == text || *end != '\0') return std::nullopt;
    return value;
}

std::optional<Planted> planted_named(std::string_view name) {
    for (const auto& fault : weft::fault::planted_journal_faults()) {
        if (fault.name == name) return fault.fault;
    }
    return std::nullopt;
}

}  // namespace

int main(int count, char** words) {
    std::uint64_t seeds = 1000, first = 1;
    std::optional<std::uint64_t> one;
    Planted planted = Planted::nothing;
    for (int i = 1; i < count; i += 2) {
        const std::string_view flag = words[i];
        const auto value = i + 1 < count ? number(words[i + 1]) : std::nullopt;
        const auto fault = i + 1 < count ? planted_named(words[i + 1]) : std::nullopt;
        if (flag == "--planted" && fault) {
            planted = *fault;
        } else if (flag == "--seed" && value) {
            one = *value;
        } else if (flag == "--seeds" && value) {
            seeds = *value;
        } else if (flag == "--first" && value) {
            first = *value;
        } else {
            std::cerr << "usage: journal_simulator [--seeds N] [--first S] | --seed S"
                         " [--planted NAME]\n";
            return 2;
        }
    }
    return one ? replay(*one, planted) : sweep(first, seeds, planted);
}

// ack_simulator [--seeds N] [--first-seed N] | --seed N
// Runs worlds from seeds and says what was broken; `--seed` replays one and tells all of it.
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <string_view>

#include "tests/fault/ack_simulator.hpp"

namespace {

using weft::fault::Figures;
using weft::fault::Report;

void print(const Figures& figures) {
    std::cout << figures.publishes << " publishes: " << figures.acknowledged << " acknowledged, "
              << figures.rejected << " rejected, " << figures.unknown << " unknown, "
              << figures.aborted << " aborted, " << figures.cancelled << " cancelled, "
              << figures.died << " ended with their publisher; " << figures.refused_full
              << " more refused for want of room\n"
              << figures.acks_arrived << " ACKs arrived, " << figures.acks_counted << " counted; "
              << figures.forgeries << " tricks of the adversary; " << figures.resent
              << " messages sent again; " << figures.handlers << " handlers; " << figures.restarts
              << " restarts\n";
}

bool print_violations(const Report& report) {
    for (const auto& violation : report.violations) {
        std::cout << "seed " << report.seed << ": " << violation << '\n';
    }
    if (!report.violations.empty()) {
        std::cout << "replay it with: ack_simulator --seed " << report.seed << std::endl;
    }
    return report.violations.empty();
}

int replay(std::uint64_t seed) {
    const Report report = weft::fault::simulate(seed, weft::fault::genuine_subjects(), &std::cout);
    print(report.figures);
    return print_violations(report) ? EXIT_SUCCESS : EXIT_FAILURE;
}

int sweep(std::uint64_t first, std::uint64_t count) {
    const auto begin = std::chrono::steady_clock::now();
    const auto subjects = weft::fault::genuine_subjects();
    Figures figures;
    std::uint64_t violated = 0;
    for (std::uint64_t seed = first; seed - first < count; ++seed) {
        const Report report = weft::fault::simulate(seed, subjects);
        figures.add(report.figures);
        if (!print_violations(report)) ++violated;
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    std::cout << count << " seeds from " << first << " in " << took.count() << " s, " << violated
              << " with violations\n";
    print(figures);
    return violated == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

std::optional<std::uint64_t> number(const char* text) {
    char* end = nullptr;
    const unsigned long long value = std::strtoull(text, &end, 10);
    if (end == text || *end != '\0') return std::nullopt;
    return value;
}

}  // namespace

int main(int count, char** words) {
    std::uint64_t seeds = 2000, first = 1;
    for (int i = 1; i < count; i += 2) {
        const std::string_view flag = words[i];
        const auto value = i + 1 < count ? number(words[i + 1]) : std::nullopt;
        if (value && flag == "--seed") return replay(*value);
        if (value && flag == "--seeds") {
            seeds = *value;
        } else if (value && flag == "--first-seed") {
            first = *value;
        } else {
            std::cerr << "usage: ack_simulator [--seeds N] [--first-seed N] | --seed N\n";
            return 2;
        }
    }
    return sweep(first, seeds);
}

// esub_deaths [--reps N] [--stalls N] [--pool N] [--stage before|same|during|after]: replies to
// subs that die before, during and after their answer, by FIN, by RST, with a half that stays open,
// by not reading any more, or because a network swallows their packets, on a real gateway. A reply
// answered 200 whose sub does not have the body is a fault, and so is a reply without an answer;
// the table says how many there were. Then replies to a shared pool in receipt mode whose members
// are killed. Exit 1 if there was a fault. `stalls`: replies whose server waits in vain, each of
// which takes seconds.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/fault/esub_deaths/pair.hpp"
#include "tests/fault/esub_deaths/pool.hpp"
#include "tests/fault/esub_deaths/stand.hpp"

namespace {

using weft::testing::Death;
using weft::testing::NetworkNamespaces;
using weft::testing::Pair;
using weft::testing::Process;
using weft::testing::Row;
using weft::testing::Stage;
using weft::testing::Stand;
using weft::testing::Tally;

/// Rows of one line share their waves. A close at the very moment of the reply is not among them:
/// what the system of a client throws away then no server can know.
const std::vector<std::vector<Row>> here = {
    {{Stage::before, Death::fin}},       {{Stage::before, Death::rst}},
    {{Stage::before, Death::half}},      {{Stage::before, Death::stop}},
    {{Stage::same_moment, Death::half}}, {{Stage::during, Death::fin}},
    {{Stage::during, Death::rst}},       {{Stage::during, Death::half}},
    {{Stage::during, Death::stop}},      {{Stage::after, Death::fin}},
    {{Stage::after, Death::rst}},        {{Stage::after, Death::half}}};
const std::vector<std::vector<Row>> far_away = {
    {{Stage::before, Death::blackhole}, {Stage::during, Death::blackhole}}};

constexpr std::size_t wave = 256, long_wave = 1000;

const char* name_of(Stage stage) {
    static constexpr const char* names[] = {"before", "same moment", "during", "after"};
    return names[static_cast<std::size_t>(stage)];
}
const char* name_of(Death death) {
    static constexpr const char* names[] = {"FIN", "RST", "half closed", "stops reading",
                                            "blackhole"};
    return names[static_cast<std::size_t>(death)];
}

/// One wave: each row gets its share of `count`.
void run_wave(Stand& stand, const std::vector<Row>& rows, const std::string& prefix,
              std::size_t first, std::size_t count, std::vector<Tally>& tallies) {
    std::vector<Pair> pairs;
    pairs.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        const Row row = rows[i % rows.size()];
        pairs.emplace_back(stand.connect_far(Pair::receive_buffer_of(row)), stand.connect_near(),
                           prefix + std::to_string(first + i), row, first + i);
    }
    stand.await_keys(prefix, count);
    const bool is_cut = rows.front().death == Death::blackhole;
    for (Pair& pair : pairs) pair.begin();
    for (Pair& pair : pairs) pair.act();
    for (Pair& pair : pairs) pair.read_on();
    if (is_cut) stand.cut();
    for (Pair& pair : pairs) pair.act_cut_off();
    for (Pair& pair : pairs) pair.hear_answer();
    if (is_cut) stand.heal();
    for (std::size_t i = 0; i < count; ++i) pairs[i].judge(tallies[i % rows.size()]);
}

/// The number of faults.
std::size_t run_rows(Stand& stand, const std::vector<Row>& rows, std::size_t reps) {
    std::vector<Tally> tallies(rows.size());
    const std::string prefix = std::string{name_of(rows.front().stage)}.substr(0, 4) + "-" +
                               std::to_string(static_cast<int>(rows.front().death)) + "-";
    const std::size_t all = reps * rows.size();
    for (std::size_t done = 0; done < all;) {
        const std::size_t count =
            std::min(rows.front().takes_long() ? long_wave : wave, all - done);
        run_wave(stand, rows, prefix + std::to_string(done) + "-", done, count, tallies);
        done += count;
    }
    std::size_t faults = 0;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const auto [stage, death] = rows[i];
        const Tally& tally = tallies[i];
        std::printf("%-12s %-14s %8zu %9zu %9zu %10zu %11zu %10zu\n", name_of(stage),
                    name_of(death), reps, tally.delivered, tally.refused, tally.refused_but_there,
                    tally.lied, tally.unanswered);
        std::fflush(stdout);
        faults += tally.lied + tally.unanswered;
        // A row in which nobody died when it was meant to has shown nothing.
        const bool all_live =
            stage == Stage::after || (stage == Stage::during && death == Death::half);
        if (all_live && tally.delivered == 0) ++faults;
        if (!all_live && death != Death::half && death != Death::stop && tally.refused == 0)
            ++faults;
    }
    return faults;
}

struct Options {
    std::size_t reps = 10'000, stalls = 10'000, pool = 10'000;
    std::string stage{};
    std::uint16_t member = 0;  ///< Not 0: this is one of the pool, not the program itself.
    bool is_far = false;       ///< This is the part of the blackholes.
};

[[noreturn]] void usage() {
    std::fprintf(stderr,
                 "usage: esub_deaths [--reps N] [--stalls N] [--pool N] [--stage "
                 "before|same|during|after]\n");
    std::exit(2);
}

Options options_of(int argc, char** argv) {
    Options options;
    for (int i = 1; i < argc; i += 2) {
        const std::string_view name = argv[i];
        if (i + 1 == argc) usage();
        const std::size_t number = std::strtoull(argv[i + 1], nullptr, 10);
        if (name == "--reps") {
            options.reps = number;
        } else if (name == "--stalls") {
            options.stalls = number;
        } else if (name == "--pool") {
            options.pool = number;
        } else if (name == "--stage") {
            options.stage = argv[i + 1];
        } else if (name == "--far") {
            options.is_far = true;
        } else if (name == "--member") {
            options.member = static_cast<std::uint16_t>(number);
        } else {
            usage();
        }
    }
    return options;
}

/// One more for what ends it.
std::size_t faults_of(Stand& stand, const std::vector<std::vector<Row>>& table,
                      const Options& options) {
    std::size_t faults = 0;
    try {
        for (const std::vector<Row>& rows : table) {
            const Row& first = rows.front();
            if (!std::string_view{name_of(first.stage)}.starts_with(options.stage)) continue;
            const std::size_t reps = first.takes_long() ? options.stalls : options.reps;
            if (reps > 0) faults += run_rows(stand, rows, reps);
        }
    } catch (const std::exception& error) {
        std::fprintf(stderr, "esub_deaths: %s\n", error.what());
        ++faults;
    }
    return faults;
}

Process start_far(const std::string& self, const Options& options) {
    std::vector<std::string> argv{self, "--far", "1", "--stalls", std::to_string(options.stalls)};
    if (!options.stage.empty()) argv.insert(argv.end(), {"--stage", options.stage});
    return Process::start(argv);
}

}  // namespace

int main(int argc, char** argv) {
    const Options options = options_of(argc, argv);
    try {
        if (options.member != 0) return weft::testing::run_member(options.member);
        if (options.is_far) {
            Stand stand(true, "");
            return faults_of(stand, far_away, options) == 0 ? 0 : 1;
        }
        std::printf("%-12s %-14s %8s %9s %9s %10s %11s %10s\n", "stage", "death", "reps",
                    "200 there", "404 gone", "404 there", "200 absent", "no answer");
        const std::string self = std::filesystem::read_symlink("/proc/self/exe").string();
        const std::string why = NetworkNamespaces::unavailable();
        if (!why.empty()) std::printf("no blackhole: %s\n", why.c_str());
        // Beside the others, since it waits most of its time; a process of its own, since programs
        // that it starts would hold our sockets open for a moment.
        std::optional<Process> far;
        if (why.empty()) far.emplace(start_far(self, options));
        std::size_t faults = 0;
        {
            Stand stand(false, "");
            faults += faults_of(stand, here, options);
        }
        if (far) {
            if (far->wait(std::chrono::minutes{30}) != 0) ++faults;
            std::printf("%s%s", far->out().c_str(), far->err().c_str());
        }
        if (options.pool > 0) {
            faults += static_cast<std::size_t>(weft::testing::run_pool(self, options.pool));
        }
        return faults == 0 ? 0 : 1;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "esub_deaths: %s\n", error.what());
        return 1;
    }
}

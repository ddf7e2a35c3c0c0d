#include "tests/fault/journal_cuts/writers.hpp"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "reliability/journal/rocksdb_journal.hpp"
#include "tests/fault/journal_cuts/made_run.hpp"

namespace weft::fault {
namespace {

/// One write() a line: lines of several threads do not mix, and what was written before a kill is
/// in the pipe.
void say(const std::string& line) {
    const std::string whole = line + "\n";
    if (::write(STDOUT_FILENO, whole.data(), whole.size()) < 0) ::_exit(3);
}

void write_one(reliability::Journal& journal, const WritersOptions& options, std::uint64_t writer) {
    std::mt19937_64 random(options.seed * 31 + options.life * 7 + writer);
    std::uint64_t number = 1;
    while (true) {
        const std::uint64_t messages = random() % 4 == 0 ? 1 + random() % 40 : 1;
        std::vector<reliability::RunToStore> runs;
        runs.push_back(make_run({writer, options.life, number, messages}));
        const auto stored = journal.append(std::move(runs));
        if (!stored) {
            say("failed " + stored.error().sentence);
            return;
        }
        const auto range = stored->front();
        say(std::to_string(writer) + " " + std::to_string(number) + " " + std::to_string(messages) +
            " " + std::to_string(range.first) + " " + std::to_string(range.last));
        number += messages;
    }
}

}  // namespace

int run_writers(const WritersOptions& options) {
    const auto start = std::chrono::steady_clock::now();
    auto journal = reliability::RocksdbJournal::open(options.path, {});
    if (!journal) {
        say("failed " + journal.error().sentence);
        return 1;
    }
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now() - start);
    say("ready " + std::to_string(took.count()));
    {
        std::vector<std::jthread> threads;
        for (std::uint64_t writer = 1; writer <= options.writers; ++writer) {
            threads.emplace_back([&, writer] { write_one(**journal, options, writer); });
        }
    }
    return 1;
}

}  // namespace weft::fault

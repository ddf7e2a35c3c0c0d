// Appends to the journal in the directory that it is given, as fast as it can, until it is killed.
// Says "ready", then "ack ID" for each append that was answered.
#include <unistd.h>

#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <string>

#include "reliability/journal/rocksdb_journal.hpp"
#include "tests/fault/journal/told_messages.hpp"

namespace {

void say(const std::string& line) {
    [[maybe_unused]] const ssize_t written = ::write(STDOUT_FILENO, line.data(), line.size());
}

}  // namespace

int main(int argc, char** argv) {
    using namespace weft;
    if (argc != 2) {
        std::fprintf(stderr, "usage: journal_appender DIRECTORY\n");
        return 2;
    }
    auto journal = reliability::RocksdbJournal::open(argv[1]);
    if (!journal) {
        std::fprintf(stderr, "%s\n", journal.error().sentence.c_str());
        return 1;
    }
    say("ready\n");
    std::mutex mutex;
    std::condition_variable room;
    std::size_t open = 0;
    // Answers come in the order of the appends: the ids are known before.
    for (reliability::JournalId next = (*journal)->info().head + 1;;) {
        const std::uint64_t count = 1 + next % 9;
        {
            std::unique_lock lock(mutex);
            room.wait(lock, [&] { return open < 64; });
            ++open;
        }
        (*journal)->append({fault::told_run(next, count)}, [&](auto answer) {
            if (!answer) {
                std::fprintf(stderr, "%s\n", answer.error().sentence.c_str());
                ::_exit(3);
            }
            say("ack " + std::to_string(answer->back().last) + "\n");
            const std::scoped_lock lock(mutex);
            --open;
            room.notify_one();
        });
        next += count;
    }
}

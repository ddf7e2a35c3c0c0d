// What the RocksDB journal costs: beside RocksDB alone, at opening, at reading. One JSON object.
//   journal [MESSAGES] (default 1000000)   in a directory of its own below $TMPDIR
#include <fmt/core.h>
#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

#include "reliability/journal/rocksdb_journal.hpp"
#include "signing/proof.hpp"
#include "signing/sodium.hpp"
#include "signing/wire.hpp"

namespace {

namespace fs = std::filesystem;
using namespace weft;
using namespace weft::reliability;

constexpr std::size_t batch_messages = 256, message_bytes = 256;

double seconds_of(const std::function<void()>& work) {
    const auto begin = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

template <class T>
T must(JournalResult<T> result) {
    if (!result) throw std::runtime_error(result.error().sentence);
    return std::move(*result);
}

RunToStore run_of(const std::string& topic, std::size_t count, std::uint64_t& seq) {
    RunToStore run;
    run.topic = topic;
    run.signer = "bench";
    run.proof.assign(300, 'p');
    std::string content(message_bytes, '\0');
    for (std::size_t number = 0; number < count; ++number) {
        signing::random_bytes(content.data(), content.size());
        signing::append_item(content, run.contents);
        run.messages.push_back({.id = fabric::MessageId::make(1'800'000'000'000 + seq / 1000),
                                .parent = {},
                                .epoch = 1,
                                .seq = seq});
        ++seq;
    }
    return run;
}

std::unique_ptr<Journal> open_at(const fs::path& path, bool sync) {
    return must(RocksdbJournal::open(path, {.sync = sync}));
}

/// Batches a second, each answered when it is durable, `waiting_max` of them waiting at a time.
double journal_rate(const fs::path& path, const std::vector<RunToStore>& batches,
                    std::size_t waiting_max) {
    const auto journal = open_at(path, true);
    std::mutex mutex;
    std::condition_variable answered;
    std::size_t waiting = 0, failed = 0;
    const double took = seconds_of([&] {
        for (const RunToStore& batch : batches) {
            {
                std::unique_lock lock(mutex);
                answered.wait(lock, [&] { return waiting < waiting_max; });
                ++waiting;
            }
            journal->append({batch}, [&](auto answer) {
                const std::scoped_lock lock(mutex);
                --waiting;
                if (!answer) ++failed;
                answered.notify_one();
            });
        }
        std::unique_lock lock(mutex);
        answered.wait(lock, [&] { return waiting == 0; });
    });
    if (failed > 0) throw std::runtime_error("an append failed");
    return static_cast<double>(batches.size()) / took;
}

/// The same bytes as one value a message under rising keys, nothing else.
double bare_rate(const fs::path& path, const std::vector<RunToStore>& batches) {
    rocksdb::Options options;
    options.create_if_missing = true;
    rocksdb::DB* opened = nullptr;
    if (!rocksdb::DB::Open(options, path.string(), &opened).ok()) throw std::runtime_error("open");
    const std::unique_ptr<rocksdb::DB> db(opened);
    std::uint64_t id = 0;
    rocksdb::WriteOptions write;
    write.sync = true;
    const double took = seconds_of([&] {
        for (const RunToStore& run : batches) {
            rocksdb::WriteBatch batch;
            for (signing::ItemReader items(run.contents); !items.at_end();) {
                const std::string_view content = items.next()->bytes;
                batch.Put(signing::WireWriter().u64(++id).take(),
                          rocksdb::Slice(content.data(), content.size()));
            }
            if (!db->Write(write, &batch).ok()) throw std::runtime_error("write");
        }
    });
    return static_cast<double>(batches.size()) / took;
}

/// Alternating rounds: the disk's mood hits both.
void compare(const fs::path& directory) {
    std::vector<double> ratios, together, journals, bares;
    std::uint64_t seq = 0;
    for (int round = 0; round < 5; ++round) {
        std::vector<RunToStore> batches;
        for (int number = 0; number < 200; ++number) {
            batches.push_back(run_of("bench.a", batch_messages, seq));
        }
        const std::string name = std::to_string(round);
        journals.push_back(journal_rate(directory / ("journal" + name), batches, 1));
        const double rate = journal_rate(directory / ("together" + name), batches, 8);
        bares.push_back(bare_rate(directory / ("bare" + name), batches));
        ratios.push_back(journals.back() / bares.back());
        together.push_back(rate / bares.back());
    }
    const auto median = [](std::vector<double> values) {
        std::sort(values.begin(), values.end());
        return values[values.size() / 2];
    };
    fmt::print(
        "  \"append_batches_per_s\": {:.0f},\n  \"bare_rocksdb_batches_per_s\": {:.0f},\n"
        "  \"append_ratio_one_waiting\": {:.2f},\n  \"append_ratio_eight_waiting\": {:.2f},\n",
        median(journals), median(bares), median(ratios), median(together));
}

void fill(Journal& journal, std::uint64_t messages) {
    std::uint64_t seq = 0;
    while (seq < messages) {
        std::vector<RunToStore> runs;
        for (int number = 0; number < 256; ++number) {
            runs.push_back(run_of("bench.topic." + std::to_string(seq / 16 % 1000), 16, seq));
        }
        for (;;) {
            const auto stored = journal.append(runs);
            if (stored) break;
            if (stored.error().reason != JournalError::Reason::busy) {
                throw std::runtime_error(stored.error().sentence);
            }
        }
    }
}

void read_whole(Journal& journal, const TopicFilter& filter, const std::string& name) {
    std::uint64_t messages = 0, bytes = 0, pages = 0;
    const double took = seconds_of([&] {
        Position after;
        for (bool at_head = false; !at_head; ++pages) {
            const Page page = must(journal.read(after, filter, {.messages = 4096}));
            messages += page.messages();
            for (const StoredRun& run : page.runs) bytes += run.contents.size();
            after = page.next;
            at_head = page.at_head;
        }
    });
    fmt::print(
        "  \"{}_messages\": {},\n  \"{}_s\": {:.3f},\n  \"{}_messages_per_s\": {:.0f},\n"
        "  \"{}_mib_per_s\": {:.0f},\n",
        name, messages, name, took, name, static_cast<double>(messages) / took, name,
        static_cast<double>(bytes) / took / (1 << 20));
}

}  // namespace

int main(int argc, char** argv) {
    const std::uint64_t messages = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1'000'000;
    std::string pattern = (fs::temp_directory_path() / "weft-journal-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) return 1;
    const fs::path directory = pattern;
    int code = 0;
    try {
        fmt::print("{{\n");
        compare(directory);
        const double filled =
            seconds_of([&] { fill(*open_at(directory / "large", false), messages); });
        fmt::print("  \"fill_messages_per_s\": {:.0f},\n", static_cast<double>(messages) / filled);
        std::unique_ptr<Journal> journal;
        fmt::print("  \"open_first_s\": {:.3f},\n",
                   seconds_of([&] { journal = open_at(directory / "large", true); }));
        journal.reset();
        fmt::print("  \"open_s\": {:.3f},\n",
                   seconds_of([&] { journal = open_at(directory / "large", true); }));
        read_whole(*journal, {}, "read_all");
        read_whole(*journal, TopicFilter({*signing::TopicGlob::parse("bench.topic.500")}),
                   "sparse");
        fmt::print("  \"messages\": {},\n  \"bytes\": {}\n}}\n", journal->info().head,
                   journal->info().bytes);
    } catch (const std::exception& error) {
        fmt::print(stderr, "{}\n", error.what());
        code = 1;
    }
    std::error_code ignored;
    fs::remove_all(directory, ignored);
    return code;
}

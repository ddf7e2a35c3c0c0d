#include "tests/fault/journal_cuts/cuts.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <map>
#include <memory>
#include <random>
#include <sstream>
#include <stdexcept>

#include "reliability/journal/rocksdb_journal.hpp"
#include "tests/fault/journal_cuts/disk.hpp"
#include "tests/fault/journal_cuts/made_run.hpp"
#include "tests/support/process.hpp"

namespace weft::fault {
namespace {

using reliability::JournalId;

struct Acknowledged {
    MadeRun run;
    JournalId first = 0, last = 0;
};

constexpr std::size_t wrong_max = 10;

class Cutter {
public:
    explicit Cutter(const CutsOptions& options) : options_(options), random_(options.seed) {}

    CutsReport run() {
        std::filesystem::path journal = options_.directory / "journal";
        if (options_.power) {
            constexpr std::size_t megabytes = 512;
            auto disk = LoopDisk::make(options_.directory, megabytes);
            if (!disk) {
                report_.skipped = disk.error();
                return report_;
            }
            disk_ = std::move(*disk);
            journal = disk_->mounted() / "journal";
        }
        for (std::uint64_t cut = 1; cut <= options_.cuts; ++cut) {
            const auto acknowledged = write_and_cut(journal, cut);
            look(journal, acknowledged);
            ++report_.cuts;
            if (options_.progress) options_.progress(cut);
        }
        return report_;
    }

private:
    std::vector<Acknowledged> write_and_cut(const std::filesystem::path& journal,
                                            std::uint64_t life) {
        testing::Process writers = testing::Process::start(
            {options_.program.string(), "--write", journal.string(), "--life", std::to_string(life),
             "--seed", std::to_string(options_.seed)});
        const std::string ready = writers.wait_for_line(testing::Stream::out, "ready ");
        report_.slowest_open_ms =
            std::max(report_.slowest_open_ms, std::uint64_t{std::stoull(ready.substr(6))});
        // So many lines, and some more until the cut takes hold.
        const std::uint64_t lines = 1 + random_() % 400;
        for (std::uint64_t i = 0; i < lines; ++i) {
            static_cast<void>(writers.wait_for_line(testing::Stream::out, " "));
        }
        // Behind a power cut nobody hears anything any more. The file system that is shut down is
        // not that strict: a sync that was under way may still return as if it had succeeded.
        std::string heard = writers.out();
        if (disk_) disk_->cut_power();
        writers.signal(SIGKILL);
        static_cast<void>(writers.wait());
        if (disk_) {
            disk_->restore_power();
        } else {
            heard = writers.out();
        }
        return read_lines(heard, life);
    }

    /// Lines that are whole: a kill may cut the last one.
    std::vector<Acknowledged> read_lines(const std::string& out, std::uint64_t life) const {
        std::vector<Acknowledged> acknowledged;
        std::size_t begin = 0;
        for (std::size_t end; (end = out.find('\n', begin)) != std::string::npos; begin = end + 1) {
            std::istringstream line(out.substr(begin, end - begin));
            Acknowledged one;
            one.run.life = life;
            if (line >> one.run.writer >> one.run.number >> one.run.messages >> one.first >>
                one.last) {
                acknowledged.push_back(one);
            }
        }
        return acknowledged;
    }

    void look(const std::filesystem::path& path, const std::vector<Acknowledged>& acknowledged) {
        auto journal = reliability::RocksdbJournal::open(path, {});
        if (!journal) throw std::runtime_error("after the cut: " + journal.error().sentence);
        std::map<std::uint64_t, JournalId> last_of_writer;
        for (const Acknowledged& one : acknowledged) {
            report_.acknowledged += one.run.messages;
            compare(**journal, one);
            JournalId& last = last_of_writer[one.run.writer];
            const bool whole = one.last - one.first + 1 == one.run.messages;
            if (one.first <= std::max(last, head_before_) || !whole) {
                wrong(report_.out_of_order, one, "its ids are not behind those before it");
            }
            last = one.last;
        }
        const auto info = (*journal)->info();
        if (info.head < head_before_) {
            ++report_.out_of_order;
            report_.wrong.push_back("the head went back to " + std::to_string(info.head));
        }
        head_before_ = info.head;
        // Now and then, so that the experiment does not grow without bound.
        if (random_() % 8 == 0) static_cast<void>((*journal)->trim(info.head - info.head / 4));
    }

    void compare(reliability::Journal& journal, const Acknowledged& one) {
        reliability::ReadLimits limits;
        limits.through = one.last;
        const auto page = journal.read({0, one.first - 1}, {}, limits);
        if (!page || page->runs.empty() || page->runs.front().from != one.first) {
            return wrong(report_.lost, one, page ? "it is not there" : page.error().sentence);
        }
        const reliability::RunToStore made = make_run(one.run);
        const reliability::StoredRun& run = page->runs.front();
        if (run.topic != made.topic || run.contents != made.contents || run.proof != made.proof ||
            run.last != one.last) {
            wrong(report_.altered, one, "its bytes are others");
        }
    }

    void wrong(std::uint64_t& count, const Acknowledged& one, const std::string& why) {
        count += one.run.messages;
        if (report_.wrong.size() >= wrong_max) return;
        report_.wrong.push_back(
            "life " + std::to_string(one.run.life) + " writer " + std::to_string(one.run.writer) +
            " number " + std::to_string(one.run.number) + " ids " + std::to_string(one.first) +
            " to " + std::to_string(one.last) + ": " + why);
    }

    const CutsOptions& options_;
    std::mt19937_64 random_;
    std::unique_ptr<LoopDisk> disk_;
    JournalId head_before_ = 0;
    CutsReport report_;
};

}  // namespace

std::string CutsReport::text() const {
    if (!skipped.empty()) return "skipped: " + skipped;
    std::string text = std::to_string(cuts) + " cuts, " + std::to_string(acknowledged) +
                       " acknowledged, " + std::to_string(lost) + " lost, " +
                       std::to_string(altered) + " altered, " + std::to_string(out_of_order) +
                       " out of order; slowest open " + std::to_string(slowest_open_ms) + " ms";
    for (const std::string& line : wrong) text += "\n  " + line;
    return text;
}

CutsReport run_cuts(const CutsOptions& options) {
    return Cutter(options).run();
}

}  // namespace weft::fault

#include "tests/fault/journal_storm/storm.hpp"

#include <chrono>
#include <csignal>
#include <stdexcept>

#include "tests/fault/journal_storm/publishers.hpp"
#include "tests/fault/journal_storm/stand.hpp"
#include "tests/fault/random.hpp"

namespace weft::fault {
namespace {

using std::chrono::milliseconds;
using testing::Process;
using testing::Stream;
using Clock = std::chrono::steady_clock;

/// What is acknowledged is compared, and then forgotten, after so many kills: neither this process
/// nor the disk grows with their number.
constexpr std::uint64_t compare_every = 50;
constexpr std::chrono::seconds stuck_after{60};

std::uint64_t ms_since(Clock::time_point start) {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<milliseconds>(Clock::now() - start).count());
}

reliability::RetrySettings hasty_retries() {
    reliability::RetrySettings retries;
    retries.first = milliseconds{50};
    retries.factor = 1.5;
    retries.longest = milliseconds{200};
    return retries;
}

class JournalStorm {
public:
    explicit JournalStorm(const JournalStormOptions& options)
        : options_(options),
          random_(options.seed),
          ledger_(options.seed),
          publisher_(stand_.fabric(), stand_.settings(), {}, hasty_retries()),
          publishers_(publisher_, ledger_, {.seed = options.seed}) {}

    JournalStormReport run() {
        const auto start = Clock::now();
        for (std::uint64_t kill = 1; kill <= options_.kills; ++kill) {
            start_and_kill();
            if (kill % compare_every == 0) compare(true);
            if (options_.progress) options_.progress(kill);
        }
        compare(false);
        report_.verified = stand_.verify();
        report_.figures = ledger_.figures();
        report_.not_acknowledged = publishers_.not_acknowledged();
        report_.seconds = ms_since(start) / 1000;
        return report_;
    }

private:
    void start_and_kill() {
        const auto start = Clock::now();
        Process journal = stand_.start_journal();
        if (random_.below(5) == 0) {
            // Somewhere in its start, or shortly behind it.
            static_cast<void>(ledger_.wait_for(
                UINT64_MAX, milliseconds{static_cast<std::int64_t>(random_.below(150))}));
            if (journal.out().find("ready") == std::string::npos) ++report_.kills_while_starting;
        } else {
            journal.wait_for_line(Stream::out, "ready");
            report_.slowest_ready_ms = std::max(report_.slowest_ready_ms, ms_since(start));
            const std::uint64_t until = ledger_.count() + 1 + random_.below(300);
            if (!ledger_.wait_for(until, stuck_after)) {
                throw std::runtime_error("nothing is acknowledged any more: " + journal.output());
            }
        }
        journal.signal(SIGKILL);
        static_cast<void>(journal.wait());
        ++report_.kills;
    }

    void compare(bool forget) {
        Process journal = stand_.serve();
        publishers_.pause();
        stand_.read_into(ledger_);
        journal.signal(SIGTERM);
        if (journal.wait() != 0) throw std::runtime_error("not ended well: " + journal.output());
        if (forget) stand_.trim_what_was_read();
        publishers_.go_on();
    }

    const JournalStormOptions& options_;
    Random random_;
    Stand stand_;
    Ledger ledger_;
    reliability::ReliablePublisher publisher_;
    Publishers publishers_;
    JournalStormReport report_;
};

}  // namespace

std::string text_of(const LedgerFigures& figures) {
    std::string text = std::to_string(figures.acknowledged) + " acknowledged, " +
                       std::to_string(figures.lost) + " lost, " + std::to_string(figures.altered) +
                       " altered, " + std::to_string(figures.out_of_order) + " out of order, " +
                       std::to_string(figures.duplicates) + " duplicates, " +
                       std::to_string(figures.not_believed) + " not believed, " +
                       std::to_string(figures.gaps) + " gaps; " + std::to_string(figures.beside) +
                       " stored beside them";
    for (const std::string& line : figures.wrong) text += "\n  " + line;
    return text;
}

std::string JournalStormReport::text() const {
    return std::to_string(kills) + " kills (" + std::to_string(kills_while_starting) +
           " while starting) in " + std::to_string(seconds) + " s; " + text_of(figures) + "; " +
           std::to_string(not_acknowledged) + " not acknowledged; slowest from start to ready " +
           std::to_string(slowest_ready_ms) + " ms\nverify: " + verified;
}

JournalStormReport run_journal_storm(const JournalStormOptions& options) {
    return JournalStorm(options).run();
}

}  // namespace weft::fault

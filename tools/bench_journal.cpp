// weft bench journal: durable publishes, and reading them back, verified.

#include <condition_variable>
#include <cstdio>
#include <mutex>

#include "reliability/service/follower.hpp"
#include "reliability/service/open_remote.hpp"
#include "tools/bench_parts.hpp"
#include "tools/command.hpp"
#include "tools/duration_flag.hpp"
#include "tools/journal_command.hpp"
#include "tools/stop_signal.hpp"

namespace weft::tools {
namespace {

struct Flags {
    AckBenchFlags writing;
    std::string from;  ///< Empty: what was written.
};

class ReadBack {
public:
    ReadBack(Context& context, const Flags& flags)
        : flags_(flags),
          fabric_(open_bench_fabric(context)),
          journal_(open(context, *fabric_)),
          before_(journal_->info()) {}

    /// Everything from where the journal stood, or from flags.from, to where it is now.
    int run() {
        const reliability::JournalId head = journal_->wait(before_.head, std::chrono::seconds{1});
        reliability::FollowerSettings settings;
        settings.start.kind = reliability::Start::Kind::after;
        settings.start.after = {before_.epoch, before_.head};
        if (!flags_.from.empty()) {
            auto start = reliability::Start::parse(flags_.from);
            if (!start) throw usage_error("--from: " + start.error());
            settings.start = *start;
        }
        settings.now_us = fabric_->clock().utc_us();
        std::mutex mutex;
        std::condition_variable done;
        bool through = false;
        std::uint64_t bytes = 0;
        reliability::FollowerHooks hooks;
        hooks.deliver = [&](const reliability::VerifiedMessage& stored) {
            bytes += stored.message.content().size();
        };
        hooks.warn = &Context::warn;
        hooks.caught_up = [&] {
            const std::scoped_lock lock(mutex);
            through = true;
            done.notify_one();
        };
        StopSignal stop;
        const auto start = std::chrono::steady_clock::now();
        auto follower = reliability::JournalFollower::open(*journal_, fabric_->trust(),
                                                           std::move(settings), std::move(hooks));
        if (!follower) throw failure(follower.error().sentence);
        {
            std::unique_lock lock(mutex);
            while (!done.wait_for(lock, std::chrono::milliseconds{100}, [&] { return through; })) {
                if (stop.requested()) return std::max<int>(stop.exit_code(), exit_failed);
            }
        }
        const double seconds = seconds_since(start);
        (*follower)->stop();
        print((*follower)->stats(), head, bytes, seconds);
        return (*follower)->stats().refused == 0 ? exit_done : exit_failed;
    }

private:
    static std::unique_ptr<reliability::RemoteJournal> open(Context& context,
                                                            fabric::Fabric& fabric) {
        auto journal = reliability::open_any_journal(fabric, reliability_settings(context));
        if (!journal) throw failure(journal.error());
        return std::move(*journal);
    }

    void print(const reliability::FollowerStats& stats, reliability::JournalId head,
               std::uint64_t bytes, double seconds) const {
        const auto u = [](std::uint64_t number) { return static_cast<unsigned long long>(number); };
        const double rate = static_cast<double>(stats.delivered) / seconds;
        const double mib = static_cast<double>(bytes) / seconds / (1024.0 * 1024.0);
        std::printf(flags_.writing.json
                        ? "{\"read\":%llu,\"refused\":%llu,\"lost\":%llu,\"head\":%llu,"
                          "\"seconds\":%.6f,\"per_second\":%.0f,\"mib_per_second\":%.1f}\n"
                        : "%llu messages read and verified (%llu refused, %llu lost; head %llu) in "
                          "%.3f s: %.0f a second, %.1f MiB/s\n",
                    u(stats.delivered), u(stats.refused), u(stats.lost), u(head), seconds, rate,
                    mib);
    }

    const Flags& flags_;
    std::unique_ptr<fabric::Fabric> fabric_;
    std::unique_ptr<reliability::RemoteJournal> journal_;
    const reliability::JournalInfo before_;
};

int bench_journal(Context& context, const Flags& flags) {
    ReadBack reading(context, flags);
    const int written = flags.writing.count > 0 ? run_bench_ack(context, flags.writing) : exit_done;
    return written == exit_done ? reading.run() : written;
}

}  // namespace

void add_bench_journal(CLI::App& bench, Context& context) {
    auto flags = std::make_shared<Flags>();
    flags->writing.durable = true;
    flags->writing.level = "stored";
    flags->writing.topic = "bench.journal";
    flags->writing.timeout = std::chrono::milliseconds{10'000};
    AckBenchFlags& writing = flags->writing;
    CLI::App* journal =
        bench.add_subcommand("journal", "Publish durably, then read it back, verified");
    journal->add_option("--count", writing.count, "Messages to write; 0: only read")
        ->capture_default_str();
    journal
        ->add_option("--in-flight", writing.in_flight, "How many may wait at a time; 1: one by one")
        ->check(CLI::Range(1, 1'000'000))
        ->capture_default_str();
    journal->add_option("--size", writing.size, "Bytes of body")->capture_default_str();
    journal->add_option("--topic", writing.topic, "Topic")->capture_default_str();
    journal->add_option("--from", flags->from, "Read from here on (default: what was written)")
        ->type_name("beginning|ID|last:N|since:10m");
    add_duration(*journal, "--ack-timeout", writing.timeout,
                 "How long the journal has (default: 10s)");
    journal->add_flag("--json", writing.json, "The figures as JSON objects, one a line");
    journal->footer(
        "Asks the journals of reliability.journals. Exit 0 only if every message was stored and\n"
        "verified.\n"
        "Example:  weft bench journal --count 100000 --in-flight 256\n"
        "          weft bench journal --count 0 --from beginning");
    journal->callback([&context, flags] {
        context.run = [&context, flags] { return bench_journal(context, *flags); };
    });
}

}  // namespace weft::tools

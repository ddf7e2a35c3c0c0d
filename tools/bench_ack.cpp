// weft bench ack: publishes that must be acknowledged, many at a time.

#include <condition_variable>
#include <cstdio>
#include <fstream>
#include <mutex>
#include <string>
#include <vector>

#include "reliability/ack_consumer.hpp"
#include "reliability/reliable_publisher.hpp"
#include "tools/bench_parts.hpp"
#include "tools/command.hpp"
#include "tools/duration_flag.hpp"
#include "tools/housekeeping.hpp"
#include "tools/latency.hpp"
#include "tools/stop_signal.hpp"

namespace weft::tools {
namespace {

using std::chrono::milliseconds;

std::uint64_t resident_bytes() {
    std::ifstream statm("/proc/self/statm");
    std::uint64_t all = 0, resident = 0;
    statm >> all >> resident;
    return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

/// Filled by whoever settles, while the main thread publishes.
class Results {
public:
    void on_settled(const reliability::Outcome& outcome) {
        using Verdict = reliability::Outcome::Verdict;
        const auto elapsed = static_cast<double>(outcome.about().elapsed.count());
        const std::scoped_lock lock(mutex_);
        switch (outcome.verdict()) {
            case Verdict::acknowledged:
                ++acknowledged;
                latency.add(elapsed);
                break;
            case Verdict::rejected:
                ++rejected;
                break;
            case Verdict::unknown:
                ++unknown;
                lateness.add(elapsed - static_cast<double>(outcome.about().timeout.count()));
                break;
            case Verdict::aborted:
                ++aborted;
                break;
        }
        if (!outcome.ok() && first_failure.empty()) first_failure = outcome.sentence();
        resent += outcome.about().resent;
        --open_;
        changed_.notify_one();
    }
    /// True once fewer than `most` are open; false after `slice`.
    [[nodiscard]] bool room(std::uint64_t most, milliseconds slice) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, slice, [&] { return open_ < most; });
    }
    void opened() {
        const std::scoped_lock lock(mutex_);
        ++open_;
    }

    // To be read when nothing is open.
    std::uint64_t acknowledged = 0, rejected = 0, unknown = 0, aborted = 0, resent = 0;
    Latency latency, lateness;
    std::string first_failure;

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::uint64_t open_ = 0;
};

class BenchAck {
public:
    BenchAck(Context& context, const AckBenchFlags& flags)
        : context_(context), flags_(flags), fabric_(open_bench_fabric(context)) {
        config::Problems problems;
        auto settings = reliability::read_settings(context.configuration(), problems);
        Context::require_none(problems);
        recipients_ = reliability::Who::joined(flags.recipients);
        if (flags.durable) recipients_ = "a journal";
        if (recipients_.empty()) answer_ourselves();
        reliability::TrackerLimits limits;
        limits.waits_max = std::max<std::size_t>(limits.waits_max, flags.in_flight);
        limits.bytes_max =
            std::max<std::size_t>(limits.bytes_max, flags.in_flight * (flags.size + 1024));
        publisher_ = std::make_unique<reliability::ReliablePublisher>(*fabric_, settings, limits);
    }

    int run() {
        const Housekeeping housekeeping(context_, stop_, *fabric_, [this] { publisher_->close(); });
        if (const auto ready = publisher_->wait_ready(milliseconds{10'000}); !ready.ready) {
            throw failure(ready.sentence);
        }
        reliability::ReliableOptions options;
        options.durable = flags_.durable;
        if (!flags_.durable) options.recipients = recipients_;
        options.level = *reliability::parse_level(flags_.level);
        options.ack_timeout = flags_.timeout;
        const std::string body(flags_.size, 'w');
        Progress progress(flags_.count);
        const std::uint64_t before = resident_bytes();
        const auto start = std::chrono::steady_clock::now();
        std::uint64_t published = 0;
        for (; published < flags_.count && !stop_.requested(); ++published) {
            while (!results_.room(flags_.in_flight, milliseconds{100}) && !stop_.requested()) {
                progress.show(published);
            }
            results_.opened();
            const auto pending = publisher_->publish_async(
                flags_.topic, {body, "application/octet-stream"}, options,
                [this](const reliability::Outcome& outcome) { results_.on_settled(outcome); });
            if (!pending) {
                if (stop_.requested()) break;
                throw failure(pending.error().sentence);
            }
            if (published + 1 == flags_.in_flight) {
                per_wait_ =
                    static_cast<double>(resident_bytes() - std::min(before, resident_bytes())) /
                    static_cast<double>(flags_.in_flight);
            }
            if (published % 1024 == 0) progress.show(published);
        }
        while (publisher_->waiting() > 0) static_cast<void>(results_.room(1, milliseconds{100}));
        static_cast<void>(results_.room(1, milliseconds{1000}));
        progress.end();
        print(published, seconds_since(start));
        if (stop_.exit_code() != exit_done) return stop_.exit_code();
        return results_.acknowledged == flags_.count ? exit_done : exit_failed;
    }

private:
    /// Through the fabric like any other recipient, with our own certificate.
    void answer_ourselves() {
        recipients_ = fabric_->settings().name;
        consumer_ = std::make_unique<reliability::AckConsumer>(
            *fabric_, std::vector<std::string>{flags_.topic}, [](const auto&) {});
        if (const auto ready = consumer_->wait_ready(milliseconds{10'000}); !ready.ready) {
            throw failure(ready.sentence);
        }
    }

    void print(std::uint64_t published, double seconds) {
        const auto u = [](std::uint64_t number) { return static_cast<unsigned long long>(number); };
        const auto at = [&](double share) { return results_.latency.percentile(share); };
        const auto late = [&](double share) { return results_.lateness.percentile(share); };
        const double rate = static_cast<double>(results_.acknowledged) / seconds;
        if (flags_.json) {
            std::printf(
                "{\"published\":%llu,\"acknowledged\":%llu,\"rejected\":%llu,\"unknown\":%llu,"
                "\"aborted\":%llu,\"sent_again\":%llu,\"seconds\":%.6f,\"per_second\":%.0f,"
                "\"in_flight\":%llu,\"latency_us\":{\"p50\":%.0f,\"p90\":%.0f,\"p99\":%.0f,"
                "\"p999\":%.0f,\"max\":%.0f},\"verdict_after_deadline_us\":{\"p50\":%.0f,"
                "\"p99\":%.0f,\"max\":%.0f},\"bytes_per_open_wait\":%.0f}\n",
                u(published), u(results_.acknowledged), u(results_.rejected), u(results_.unknown),
                u(results_.aborted), u(results_.resent), seconds, rate, u(flags_.in_flight),
                at(0.5), at(0.9), at(0.99), at(0.999), results_.latency.max(), late(0.5),
                late(0.99), results_.lateness.max(), per_wait_);
            return;
        }
        std::printf(
            "%llu of %llu publishes acknowledged (%s) by %s in %.3f s: %.0f a second, "
            "%llu in flight\n",
            u(results_.acknowledged), u(published), flags_.level.c_str(), recipients_.c_str(),
            seconds, rate, u(flags_.in_flight));
        if (results_.acknowledged > 0) {
            std::printf("publish to ACK µs: p50 %.0f  p90 %.0f  p99 %.0f  p99.9 %.0f  max %.0f\n",
                        at(0.5), at(0.9), at(0.99), at(0.999), results_.latency.max());
        }
        std::printf("rejected %llu, unknown %llu, aborted %llu; sent again %llu\n",
                    u(results_.rejected), u(results_.unknown), u(results_.aborted),
                    u(results_.resent));
        if (results_.unknown > 0) {
            std::printf("verdict after the deadline µs: p50 %.0f  p99 %.0f  max %.0f\n", late(0.5),
                        late(0.99), results_.lateness.max());
        }
        if (flags_.in_flight >= 1000 && per_wait_ > 0) {
            std::printf("memory %.0f bytes for each open wait\n", per_wait_);
        }
        if (!results_.first_failure.empty()) {
            std::printf("the first that was not: %s\n", results_.first_failure.c_str());
        }
    }

    Context& context_;
    const AckBenchFlags& flags_;
    StopSignal stop_;
    std::string recipients_;
    std::unique_ptr<fabric::Fabric> fabric_;
    std::unique_ptr<reliability::AckConsumer> consumer_;  // null: others answer
    Results results_;
    double per_wait_ = 0;
    std::unique_ptr<reliability::ReliablePublisher> publisher_;  // first to go: it fills results_
};

}  // namespace

int run_bench_ack(Context& context, const AckBenchFlags& flags) {
    return BenchAck(context, flags).run();
}

void add_bench_ack(CLI::App& bench, Context& context) {
    auto flags = std::make_shared<AckBenchFlags>();
    CLI::App* ack = bench.add_subcommand("ack", "Publish what must be acknowledged");
    ack->add_option("--count", flags->count, "Messages")->capture_default_str();
    ack->add_option("--in-flight", flags->in_flight, "How many may wait at a time; 1: one by one")
        ->check(CLI::Range(1, 1'000'000))
        ->capture_default_str();
    ack->add_option("--size", flags->size, "Bytes of body")->capture_default_str();
    ack->add_option("--topic", flags->topic, "Topic")->capture_default_str();
    ack->add_option("--recipients", flags->recipients,
                    "Who must acknowledge, such as a `weft tail --ack` elsewhere (default: this "
                    "process itself, through the fabric)")
        ->type_name("A,B")
        ->allow_extra_args(false);
    ack->add_option("--level", flags->level, "What they must acknowledge")
        ->check(CLI::IsMember({"received", "stored", "processed"}))
        ->capture_default_str();
    add_duration(*ack, "--ack-timeout", flags->timeout, "How long they have (default: 3s)");
    ack->add_flag("--json", flags->json, "The figures as one JSON object");
    ack->footer(
        "Exit 0 only if every message was acknowledged.\n"
        "Example:  weft bench ack --count 100000 --in-flight 256\n"
        "          weft bench ack --count 10000 --in-flight 10000 --recipients ghost.host1");
    ack->callback([&context, flags] {
        context.run = [&context, flags] { return run_bench_ack(context, *flags); };
    });
}

}  // namespace weft::tools

// weft bench: load, and figures with percentiles at the end.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "fabric/fabric.hpp"
#include "fabric/node/counters.hpp"
#include "tools/bench_parts.hpp"
#include "tools/command.hpp"
#include "tools/duration_flag.hpp"
#include "tools/housekeeping.hpp"
#include "tools/latency.hpp"
#include "tools/publishing.hpp"
#include "tools/stop_signal.hpp"

namespace weft::tools {
namespace {

using std::chrono::milliseconds;
using Seconds = std::chrono::duration<double>;

struct Flags {
    std::uint64_t count = 1'000'000, size = 256, rate = 0, topics = 1;
    std::string topic = "bench";
    milliseconds wait{10'000}, idle{5000};
    bool json = false;
};

void print(const fabric::Counters& counters) {
    for (const std::string& line : counters.lines()) std::printf("%s\n", line.c_str());
}

int bench_pub(Context& context, const Flags& flags) {
    StopSignal stop;
    const auto fabric = open_bench_fabric(context);
    fabric::Publisher& publisher = fabric->publisher();
    const Housekeeping housekeeping(context, stop, *fabric, [&] { publisher.stop_taking(); });
    std::vector<std::string> topics;
    for (std::uint64_t i = 0; i < flags.topics; ++i) {
        topics.push_back(fabric->settings().space.complete(
            flags.topics == 1 ? flags.topic : flags.topic + "." + std::to_string(i)));
    }
    const auto is_heard = [&](milliseconds slice) {
        return publisher.wait_for_subscriber(topics.front(), slice);
    };
    if (!wait_unless_stopped(flags.wait, stop, is_heard)) {
        if (stop.requested()) return stop.exit_code();
        throw failure("nobody subscribed to " + topics.front() + " within " +
                      std::to_string(flags.wait.count()) +
                      " ms: start `weft bench sub` in another terminal first");
    }
    const std::string body(flags.size, 'w');
    Progress progress(flags.count);
    const auto start = std::chrono::steady_clock::now();
    std::uint64_t sent = 0;
    for (; sent < flags.count && !stop.requested(); ++sent) {
        if (flags.rate > 0) {
            const auto due =
                start + std::chrono::duration_cast<std::chrono::nanoseconds>(
                            Seconds(static_cast<double>(sent) / static_cast<double>(flags.rate)));
            while (std::chrono::steady_clock::now() < due && !stop.requested())
                std::this_thread::yield();
        }
        auto published =
            publisher.try_publish(topics[sent % topics.size()], {body, "application/octet-stream"});
        if (!published) {
            if (published.error().reason == fabric::PublishError::Reason::stopped) break;
            throw failure(published.error().sentence);
        }
        if (sent % 1024 == 0) progress.show(sent);
    }
    const auto flushed = publisher.flush(last_flush(milliseconds{60'000}, stop));
    const double seconds = seconds_since(start);
    progress.end();
    publisher.close();
    const auto stats = publisher.stats();
    fabric::Counters counters;
    counters.add(stats);
    if (!flushed.complete) {
        Context::say_counters(counters);
        throw failure(unfinished(flushed, stats));
    }
    const double rate = static_cast<double>(sent) / seconds;
    if (flags.json) {
        std::printf(
            "{\"messages\":%llu,\"bytes\":%llu,\"seconds\":%.6f,\"per_second\":%.0f,"
            "\"runs\":%llu,\"signatures\":%llu,\"unwanted\":%llu,\"counters\":%s}\n",
            static_cast<unsigned long long>(sent),
            static_cast<unsigned long long>(sent) * flags.size, seconds, rate,
            static_cast<unsigned long long>(stats.runs),
            static_cast<unsigned long long>(stats.signatures),
            static_cast<unsigned long long>(stats.unwanted), counters.json().c_str());
    } else {
        std::printf(
            "published %llu messages of %llu bytes in %.3f s: %.0f a second, %.1f MB/s\n"
            "runs %llu (%.1f messages each), signatures %llu, unwanted %llu\n",
            static_cast<unsigned long long>(sent), static_cast<unsigned long long>(flags.size),
            seconds, rate, rate * static_cast<double>(flags.size) / 1e6,
            static_cast<unsigned long long>(stats.runs),
            static_cast<double>(stats.sent) /
                static_cast<double>(std::max<std::uint64_t>(stats.runs, 1)),
            static_cast<unsigned long long>(stats.signatures),
            static_cast<unsigned long long>(stats.unwanted));
        print(counters);
    }
    return stop.exit_code();
}

/// Filled by the subscriber's thread.
struct Received {
    std::mutex mutex;
    std::uint64_t count = 0;
    std::chrono::steady_clock::time_point first, last;
    Latency latency;
};

int bench_sub(Context& context, const Flags& flags) {
    StopSignal stop;
    const auto fabric = open_bench_fabric(context);
    const fabric::SystemClock clock;
    Received received;
    fabric::SubscriberHooks hooks;
    hooks.deliver = [&](const fabric::Message& message) {
        const auto now_us = clock.utc_us();
        const std::scoped_lock lock(received.mutex);
        received.last = std::chrono::steady_clock::now();
        if (received.count == 0) received.first = received.last;
        const auto sent_us = message.time_us();
        received.latency.add(now_us > sent_us ? static_cast<double>(now_us - sent_us) : 0);
        if (++received.count == flags.count) stop.stop_now();
    };
    auto subscriber = fabric->subscribe({flags.topic, flags.topic + ".**"}, std::move(hooks));
    const Housekeeping housekeeping(context, stop, *fabric);
    if (const auto ready = subscriber->wait_ready(flags.wait); !ready.ready) {
        throw failure(ready.sentence);
    }
    Context::info("ready");
    Progress progress(flags.count);
    std::uint64_t seen = 0;
    auto idle_since = std::chrono::steady_clock::now();
    while (stop.wait(milliseconds{200}) != StopSignal::Woken::stop) {
        const std::scoped_lock lock(received.mutex);
        progress.show(received.count);
        if (received.count != seen || received.count == 0)
            idle_since = std::chrono::steady_clock::now();
        seen = received.count;
        if (std::chrono::steady_clock::now() - idle_since > flags.idle) break;
    }
    progress.end();
    subscriber->stop();
    const auto stats = subscriber->stats();
    fabric::Counters counters;
    counters.add(stats);
    const double seconds = Seconds(received.last - received.first).count();
    const double rate = received.count > 1 ? static_cast<double>(received.count - 1) / seconds : 0;
    const auto at = [&](double share) { return received.latency.percentile(share); };
    if (flags.json) {
        std::printf(
            "{\"messages\":%llu,\"expected\":%llu,\"seconds\":%.6f,\"per_second\":%.0f,"
            "\"refused\":%llu,\"latency_us\":{\"p50\":%.0f,\"p90\":%.0f,\"p99\":%.0f,"
            "\"p999\":%.0f,\"max\":%.0f},\"root_hits\":%llu,\"root_misses\":%llu,"
            "\"counters\":%s}\n",
            static_cast<unsigned long long>(received.count),
            static_cast<unsigned long long>(flags.count), seconds, rate,
            static_cast<unsigned long long>(stats.refused_total()), at(0.5), at(0.9), at(0.99),
            at(0.999), received.latency.max(),
            static_cast<unsigned long long>(stats.verifier.root_hits),
            static_cast<unsigned long long>(stats.verifier.root_misses), counters.json().c_str());
    } else {
        std::printf(
            "received %llu of %llu messages in %.3f s: %.0f a second; refused %llu\n"
            "latency µs: p50 %.0f  p90 %.0f  p99 %.0f  p99.9 %.0f  max %.0f\n",
            static_cast<unsigned long long>(received.count),
            static_cast<unsigned long long>(flags.count), seconds, rate,
            static_cast<unsigned long long>(stats.refused_total()), at(0.5), at(0.9), at(0.99),
            at(0.999), received.latency.max());
        print(counters);
    }
    if (stop.exit_code() != exit_done) return stop.exit_code();
    return received.count >= flags.count ? exit_done : exit_failed;
}

void add_common(CLI::App& command, Flags& flags) {
    command.add_option("--count", flags.count, "Messages")->capture_default_str();
    command.add_option("--topic", flags.topic, "Topic")->capture_default_str();
    command.add_flag("--json", flags.json, "The figures as one JSON object");
    add_duration(command, "--wait", flags.wait,
                 "How long to wait for the other side (default: 10s)");
}

}  // namespace

void add_bench(CLI::App& app, Context& context) {
    CLI::App* command = app.add_subcommand("bench", "Load, and figures with percentiles");
    command->require_subcommand(1);
    auto flags = std::make_shared<Flags>();

    CLI::App* pub = command->add_subcommand("pub", "Publish as fast as can be, or at --rate");
    add_common(*pub, *flags);
    pub->add_option("--size", flags->size, "Bytes of body")->capture_default_str();
    pub->add_option("--rate", flags->rate, "Messages a second (0: no limit)")
        ->capture_default_str();
    pub->add_option("--topics", flags->topics, "Spread over so many topics")
        ->check(CLI::Range(1, 100'000))
        ->capture_default_str();
    pub->footer("Example:  weft bench pub --count 1000000 --size 256");
    pub->callback([&context, flags] {
        context.run = [&context, flags] { return bench_pub(context, *flags); };
    });

    CLI::App* sub = command->add_subcommand("sub", "Receive, verify and count");
    add_common(*sub, *flags);
    add_duration(*sub, "--idle", flags->idle,
                 "End with exit 1 when nothing came for so long (default: 5s)");
    sub->footer(
        "Exit 0 only if every message came. Start it before `weft bench pub`.\n"
        "Example:  weft bench sub --count 1000000 --json");
    sub->callback([&context, flags] {
        context.run = [&context, flags] { return bench_sub(context, *flags); };
    });
    add_bench_ack(*command, context);
    add_bench_journal(*command, context);
    add_bench_http(*command, context);
}

}  // namespace weft::tools

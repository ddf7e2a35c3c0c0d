// Throughput and latency of weft beside raw libzmq and NATS core, in one run: the peers take turns
// (A B C A B C), publisher and subscriber pinned to different cores unless --unpinned. Only
// messages that were received (and, signed, verified) count; a round that lost one is an error.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "tests/bench/suite.hpp"
#include "tests/support/certificate_files.hpp"
#include "tests/support/temp_dir.hpp"

namespace {

using weft::bench::Options;
using weft::bench::Suite;

[[noreturn]] void usage() {
    std::fprintf(stderr,
                 "usage: fabric_throughput [--json] [--unpinned] [--rounds N] [--quick] [--only "
                 "SCENARIO]...\n"
                 "scenarios: one_topic interleaved fanout4 curve body16k latency stopped slow "
                 "flood memory ack ack_one durable durable_1000 durable_one\n"
                 "needs nats-server on PATH\n");
    std::exit(2);
}

Options parse(int argc, char** argv) {
    Options options;
    for (int i = 1; i < argc; ++i) {
        const std::string flag = argv[i];
        if (flag == "--json") {
            options.json = true;
        } else if (flag == "--unpinned") {
            options.pinned = false;
        } else if (flag == "--quick") {
            options.quick = true;
            options.rounds = 1;
        } else if (flag == "--rounds" && i + 1 < argc) {
            options.rounds = std::max(1, std::atoi(argv[++i]));
        } else if (flag == "--only" && i + 1 < argc) {
            options.only.emplace_back(argv[++i]);
        } else {
            usage();
        }
    }
    return options;
}

void run_all(Suite& suite) {
    namespace bench = weft::bench;
    weft::support::SigningFixture world;
    const auto identity = world.identity("bench.host1", {.globs = {"org.weft.dev.bench.**"}});
    weft::support::put_certificate(world, identity);
    const auto raw = bench::raw_zmq();
    const auto raw_curve = bench::raw_zmq(true);
    const auto nats = bench::nats_core();
    const auto plain = bench::weft_peer({.name = "unsigned", .is_signed = false}, world, identity);
    const auto is_signed = bench::weft_peer({.name = "signed"}, world, identity);
    const auto relay = bench::weft_peer({.name = "relay", .through_relay = true}, world, identity);
    const auto stopped = bench::weft_peer(
        {.name = "beside_stopped", .through_relay = true, .beside_stopped = true}, world, identity);
    const auto slow = bench::weft_peer(
        {.name = "beside_slow", .through_relay = true, .beside_slow = true}, world, identity);
    const auto flood =
        bench::weft_peer({.name = "beside_flood", .beside_flood = true}, world, identity);
    const auto curve = bench::weft_peer({.name = "signed_curve", .curve = true}, world, identity);

    suite.run("one_topic", {.messages = 3'000'000},
              {raw.get(), nats.get(), plain.get(), is_signed.get(), relay.get()});
    suite.run("interleaved", {.messages = 1'000'000, .topics = 64},
              {raw.get(), plain.get(), is_signed.get()});
    suite.run("fanout4", {.messages = 500'000, .subscribers = 4},
              {raw.get(), nats.get(), is_signed.get()});
    suite.run("curve", {.messages = 1'000'000}, {raw_curve.get(), curve.get()});
    suite.run("body16k", {.messages = 100'000, .body_bytes = 16 * 1024},
              {raw.get(), nats.get(), plain.get(), is_signed.get()});
    suite.run("latency", {.messages = 30'000, .rate = 10'000, .with_latency = true},
              {raw.get(), nats.get(), plain.get(), is_signed.get(), relay.get()});
    // 30 s at 2,000 a second: far beyond the mark of 1,000 and every buffer of the kernel.
    suite.run("stopped", {.messages = 60'000, .rate = 2'000, .with_latency = true},
              {relay.get(), stopped.get()});
    if (suite.wants("ack") || suite.wants("ack_one")) {
        const auto acknowledged = bench::weft_ack(world);
        const auto request = bench::nats_request();
        suite.run("ack", {.messages = 100'000, .in_flight = 256},
                  {request.get(), acknowledged.get()});
        suite.run("ack_one", {.messages = 5'000, .with_latency = true},
                  {request.get(), acknowledged.get()});
        suite.ratio("ack_vs_nats_request", "ack.weft", "ack.nats_request");
    }
    if (suite.wants("durable") || suite.wants("durable_1000") || suite.wants("durable_one")) {
        const weft::testing::TempDir disk;
        const auto stored = bench::weft_durable(world, disk.path());
        const auto stream = bench::jetstream(disk.path());
        suite.run("durable", {.messages = 300'000, .in_flight = 256}, {stream.get(), stored.get()});
        // For a disk whose sync is slow: LD_PRELOAD=libslow_sync.so, see docs/performance.md.
        suite.run("durable_1000", {.messages = 300'000, .in_flight = 1000}, {stored.get()});
        suite.run("durable_one", {.messages = 5'000, .with_latency = true},
                  {stream.get(), stored.get()});
        suite.ratio("durable_vs_jetstream", "durable.weft", "durable.jetstream");
    }
    suite.run("slow", {.messages = 60'000, .rate = 2'000, .with_latency = true},
              {relay.get(), slow.get()});
    // C5: the forger's peer on the same sockets is an honest publisher, and must not suffer.
    suite.run("flood", {.messages = 20'000, .rate = 2'000, .with_latency = true},
              {is_signed.get(), flood.get()});
    suite.ratio("signed_vs_raw", "one_topic.signed", "one_topic.raw");
    suite.ratio("signed_vs_nats", "one_topic.signed", "one_topic.nats");
    suite.ratio("unsigned_vs_raw", "one_topic.unsigned", "one_topic.raw");
    suite.ratio("relay_vs_direct", "one_topic.relay", "one_topic.signed");
    suite.ratio("interleaved_vs_raw", "interleaved.signed", "interleaved.raw");
    suite.ratio("curve_vs_raw_curve", "curve.signed_curve", "curve.raw_curve");
    suite.ratio("fanout4_vs_nats", "fanout4.signed", "fanout4.nats");
    suite.ratio("body16k_vs_raw", "body16k.signed", "body16k.raw");
    if (suite.wants("memory")) {
        const auto memory = bench::idle_memory(world, identity);
        suite.figure("memory.idle_publisher_kib", memory.publisher_kib);
        suite.figure("memory.idle_subscriber_kib", memory.subscriber_kib);
    }
}

}  // namespace

int main(int argc, char** argv) {
    Suite suite(parse(argc, argv));
    try {
        run_all(suite);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "fabric_throughput: %s\n", error.what());
        return 1;
    }
    suite.print();
    return 0;
}

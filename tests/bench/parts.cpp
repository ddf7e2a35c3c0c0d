// What each step on the path of a message costs alone.

#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "fabric/message/codec.hpp"
#include "fabric/message/message_id.hpp"
#include "fabric/node/replay_guard.hpp"
#include "signing/topic_glob.hpp"
#include "tests/support/signing_fixture.hpp"

namespace {

using namespace weft;

const std::string topic = "org.weft.dev.git.commit";

std::string content_of(std::size_t body_bytes) {
    fabric::ContentHeader header;
    header.id = fabric::MessageId::make(1'700'000'000'000);
    header.epoch = 7;
    header.seq = 1;
    header.time_us = 1'700'000'000'000'000;
    header.source = "bench";
    header.content_type = "application/octet-stream";
    const std::string body(body_bytes, 'w');
    std::string content(fabric::encoded_size(header, body), '\0');
    fabric::encode_content(header, body, content.data());
    return content;
}

void message_digest(benchmark::State& state) {
    const std::string content = content_of(static_cast<std::size_t>(state.range(0)));
    for (auto _ : state) benchmark::DoNotOptimize(signing::message_digest(topic, content));
    state.SetItemsProcessed(state.iterations());
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(content.size()));
}
BENCHMARK(message_digest)->Arg(256)->Arg(16 * 1024);

void encode(benchmark::State& state) {
    fabric::ContentHeader header;
    header.source = "bench";
    header.content_type = "application/octet-stream";
    const std::string body(256, 'w');
    std::string content(fabric::encoded_size(header, body), '\0');
    for (auto _ : state) {
        header.id = fabric::MessageId::make(1'700'000'000'000);
        fabric::encode_content(header, body, content.data());
        benchmark::DoNotOptimize(content.data());
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(encode);

void decode(benchmark::State& state) {
    const std::string content = content_of(256);
    for (auto _ : state) {
        fabric::DecodedContent decoded;
        benchmark::DoNotOptimize(fabric::decode_content(content, decoded));
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(decode);

void glob_match(benchmark::State& state) {
    const auto glob = support::must(signing::TopicGlob::parse("org.weft.*.git.**"));
    for (auto _ : state) benchmark::DoNotOptimize(glob.matches(topic));
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(glob_match);

/// One run of k messages, its root in the cache: what a busy subscriber does.
void verify_cached_run(benchmark::State& state) {
    support::SigningFixture world;
    const auto identity = world.identity("bench.host1", {.globs = {"org.weft.dev.**"}});
    const std::vector<std::string> contents(static_cast<std::size_t>(state.range(0)),
                                            content_of(256));
    const auto frames = support::sign(identity, topic, contents);
    signing::Verifier verifier(world.trust(), signing::Verifier::Mode::validate);
    signing::VerifiedRun run;
    for (auto _ : state) {
        benchmark::DoNotOptimize(
            verifier.verify(frames.view(), {"bench", 200}, support::SigningFixture::now, 0, run));
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(verify_cached_run)->Arg(1)->Arg(64)->Arg(256);

void sign_batch(benchmark::State& state) {
    support::SigningFixture world;
    const auto identity = world.identity("bench.host1", {.globs = {"org.weft.dev.**"}});
    signing::BatchSigner signer(identity.key, identity.certificate);
    const std::vector<signing::Digest> digests(static_cast<std::size_t>(state.range(1)));
    const std::vector<signing::RunToSign> runs(static_cast<std::size_t>(state.range(0)),
                                               {signing::Kind::message, digests});
    std::vector<std::string> proofs;
    for (auto _ : state) signer.sign(runs, proofs);
    state.SetItemsProcessed(state.iterations() * state.range(0) * state.range(1));
}
BENCHMARK(sign_batch)->Args({1, 1})->Args({16, 256})->Args({256, 1});

/// Every message of a run of k is new: what the guard adds to the path of each.
void replay_guard_accepts(benchmark::State& state) {
    fabric::ReplayGuard guard{fabric::ReplayLimits{}};
    std::uint64_t seq = 0, now = 1'800'000'000'000'000;
    for (auto _ : state) {
        guard.begin("bench.host1", topic, ++now);
        for (std::int64_t i = 0; i < state.range(0); ++i) {
            benchmark::DoNotOptimize(guard.judge(7, ++seq, now));
        }
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(replay_guard_accepts)->Arg(1)->Arg(256);

/// Runs of one message, each of another stream than the one before it.
void replay_guard_changes_streams(benchmark::State& state) {
    fabric::ReplayGuard guard{fabric::ReplayLimits{}};
    std::vector<std::string> topics;
    for (std::int64_t i = 0; i < state.range(0); ++i) topics.push_back(topic + std::to_string(i));
    std::uint64_t now = 1'800'000'000'000'000, round = 0;
    for (auto _ : state) {
        guard.begin("bench.host1", topics[round % topics.size()], ++now);
        benchmark::DoNotOptimize(guard.judge(7, 1 + round / topics.size(), now));
        ++round;
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(replay_guard_changes_streams)->Arg(16)->Arg(8192);

/// What a clean stop writes with as many streams as are kept.
void replay_state_to_bytes(benchmark::State& state) {
    fabric::ReplayGuard guard{fabric::ReplayLimits{}};
    for (int i = 0; i < 10'000; ++i) {
        guard.begin("bench.host" + std::to_string(i % 100), topic + std::to_string(i), 1'800'000);
        benchmark::DoNotOptimize(guard.judge(7, 1, 1'800'000));
    }
    for (auto _ : state) benchmark::DoNotOptimize(fabric::to_bytes(guard.state()));
}
BENCHMARK(replay_state_to_bytes);

}  // namespace

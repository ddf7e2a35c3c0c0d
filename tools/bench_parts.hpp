#pragma once
// What the kinds of `weft bench` share. Threads: one.

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "fabric/fabric.hpp"
#include "tools/context.hpp"
#include "tools/progress.hpp"

namespace CLI {
class App;
}

namespace weft::tools {

[[nodiscard]] inline double seconds_since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

[[nodiscard]] inline std::unique_ptr<fabric::Fabric> open_bench_fabric(Context& context) {
    fabric::FabricOptions options;
    options.warn = &Context::warn;
    options.source = "bench";
    options.kind = "bench";
    return fabric::Fabric::open(context.configuration(), options);
}

/// What `weft bench ack` and the writing half of `weft bench journal` are told.
struct AckBenchFlags {
    std::uint64_t count = 100'000, size = 256, in_flight = 256;
    std::string topic = "bench.ack", level = "received";
    std::vector<std::string> recipients;
    bool durable = false;  ///< Instead of recipients.
    std::chrono::milliseconds timeout{3000};
    bool json = false;
};
/// The exit code.
[[nodiscard]] int run_bench_ack(Context& context, const AckBenchFlags& flags);

/// Each adds its command to `bench`.
void add_bench_journal(CLI::App& bench, Context& context);
void add_bench_ack(CLI::App& bench, Context& context);
void add_bench_http(CLI::App& bench, Context& context);

}  // namespace weft::tools

#pragma once
// What the kinds of `weft bench` share. Threads: one.

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

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

/// `weft bench ack`: adds it to `bench`.
void add_bench_ack(CLI::App& bench, Context& context);

}  // namespace weft::tools

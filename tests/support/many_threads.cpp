// many_threads THREADS MESSAGES [a.b=value …]: opens the fabric of the current directory and
// publishes from several threads at once, waits for a subscriber first and until all was taken
// afterwards.

#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "config/load.hpp"
#include "fabric/fabric.hpp"

int main(int argc, char** argv) {
    using namespace std::chrono_literals;
    if (argc < 3) return 2;
    const int threads = std::atoi(argv[1]), messages = std::atoi(argv[2]);
    const auto configuration =
        weft::config::load(weft::config::process_options({}, {argv + 3, argv + argc}));
    if (!configuration) return 2;
    try {
        const auto fabric = weft::fabric::Fabric::open(*configuration);
        if (!fabric->publisher().wait_for_subscriber(
                fabric->settings().space.complete("many.event"), 90s)) {
            std::fputs("no subscriber came\n", stderr);
            return 1;
        }
        std::vector<std::jthread> running;
        for (int thread = 0; thread < threads; ++thread) {
            running.emplace_back([&fabric, thread, messages] {
                for (int i = 0; i < messages; ++i) {
                    fabric->publish("many.event", {{"thread", thread}, {"i", i}});
                }
            });
        }
        running.clear();
        const auto flushed = fabric->flush(60s);
        if (!flushed.complete) std::fprintf(stderr, "%s\n", flushed.sentence.c_str());
        return flushed.complete ? 0 : 1;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}

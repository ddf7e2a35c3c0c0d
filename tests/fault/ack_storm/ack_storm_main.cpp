// ack_storm [--publishes N] [--seed N] [--in-flight N] [--open N]
// Real publishes through a real relay, with forging, replaying and silent recipients; exit 1 on a
// false success, or a failure that names the wrong one.
#include <cstdlib>
#include <exception>
#include <iostream>
#include <optional>
#include <string_view>

#include "tests/fault/ack_storm/storm.hpp"

namespace {

std::optional<std::uint64_t> number(const char* text) {
    char* end = nullptr;
    const unsigned long long value = std::strtoull(text, &end, 10);
    if (end == text || *end != '\0') return std::nullopt;
    return value;
}

std::optional<weft::fault::storm::StormSettings> read(int count, char** words) {
    weft::fault::storm::StormSettings settings;
    for (int i = 1; i < count; i += 2) {
        const std::string_view flag = words[i];
        const auto value = i + 1 < count ? number(words[i + 1]) : std::nullopt;
        if (!value) return std::nullopt;
        if (flag == "--publishes") {
            settings.publishes = *value;
        } else if (flag == "--seed") {
            settings.seed = *value;
        } else if (flag == "--in-flight" && *value > 0) {
            settings.in_flight = *value;
        } else if (flag == "--open" && *value > 0) {
            settings.open = *value;
        } else {
            return std::nullopt;
        }
    }
    return settings;
}

}  // namespace

int main(int count, char** words) {
    const auto settings = read(count, words);
    if (!settings) {
        std::cerr << "usage: ack_storm [--publishes N] [--seed N] [--in-flight N] [--open N]\n";
        return 2;
    }
    try {
        return weft::fault::storm::run_storm(*settings) ? EXIT_SUCCESS : EXIT_FAILURE;
    } catch (const std::exception& error) {
        std::cerr << "ack_storm: " << error.what() << '\n';
        return 2;
    }
}

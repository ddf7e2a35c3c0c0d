#include "tests/fault/deliveries/delivered.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

namespace weft::fault {

void Delivered::say(std::string wrong) {
    if (figures_.wrong.empty()) figures_.wrong = std::move(wrong);
}

void Delivered::request(std::string_view body, bool taken,
                        std::chrono::steady_clock::time_point now) {
    const auto batch = nlohmann::json::parse(body, nullptr, false);
    const std::scoped_lock lock(mutex_);
    ++figures_.requests;
    const auto silence = now - std::exchange(last_request_, now).value_or(now);
    figures_.longest_silence = std::max(
        figures_.longest_silence, std::chrono::duration_cast<std::chrono::milliseconds>(silence));
    if (!batch.is_array() || batch.empty()) return say("no batch: " + std::string{body});
    if (!refused_.empty() && body != refused_) {
        say("a batch that was not taken came again as another: " + refused_.substr(0, 200) +
            " as " + std::string{body.substr(0, 200)});
    }
    refused_ = taken ? std::string{} : std::string{body};
    if (!taken) return;
    for (const auto& event : batch) {
        const std::int64_t t = event.value("t", std::int64_t{0});
        const std::string url = event.value("url", std::string{});
        const std::size_t number = std::stoul(url.substr(url.rfind('/') + 1));
        if (seen_.size() <= number) seen_.resize(number + 1);
        if (t <= newest_t_) {
            ++figures_.repeated;
            if (t <= last_t_) {
                ++figures_.returns;
                back_ = 0;
            }
            figures_.most_at_once = std::max(figures_.most_at_once, ++back_);
        } else {
            // Whoever publishes one after the other is read in that order.
            if (number > 0 && !seen_[number - 1]) {
                say("event " + std::to_string(number) + " came before the one in front of it");
            }
            if (!seen_[number]) ++figures_.events;
            seen_[number] = true;
            newest_t_ = t;
        }
        last_t_ = t;
    }
}

DeliveredFigures Delivered::figures() const {
    const std::scoped_lock lock(mutex_);
    return figures_;
}

std::uint64_t Delivered::missing(std::uint64_t count) const {
    const std::scoped_lock lock(mutex_);
    std::uint64_t missing = 0;
    for (std::uint64_t i = 0; i < count; ++i) missing += i >= seen_.size() || !seen_[i] ? 1 : 0;
    return missing;
}

}  // namespace weft::fault

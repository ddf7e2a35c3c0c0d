#include "gateway/rse/parameters.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "config/problem.hpp"

namespace weft::gateway::rse {
namespace {

bool is_digit(char byte) noexcept {
    return byte >= '0' && byte <= '9';
}

struct Whole {
    bool negative = false;
    /// Beyond 64 bits: the largest.
    std::uint64_t magnitude = 0;
};

std::optional<Whole> whole_number(std::string_view text) {
    Whole number;
    number.negative = text.starts_with('-');
    if (number.negative) text.remove_prefix(1);
    if (text.empty() || !std::all_of(text.begin(), text.end(), is_digit)) return std::nullopt;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), number.magnitude);
    if (read.ec == std::errc::result_out_of_range) number.magnitude = UINT64_MAX;
    return number;
}

tl::unexpected<std::string> wrong(std::string_view name, std::string_view value,
                                  std::string_view right) {
    return tl::make_unexpected("Invalid query parameter: " + std::string{name} + "=" +
                               config::in_quotes(value) + "; it is " + std::string{right});
}

tl::expected<std::uint64_t, std::string> known_id(std::string_view name, std::string_view text) {
    const auto number = whole_number(text);
    if (!number) return wrong(name, text, "a whole number, the id of an event");
    if (number->negative) return 0;
    if (number->magnitude > INT64_MAX) return wrong(name, text, "at most 9223372036854775807");
    return number->magnitude;
}

tl::expected<std::uint64_t, std::string> last_known_id(const Query& query) {
    const auto text = query.find("last-known-id");
    if (!text) return 0;
    return known_id("last-known-id", *text);
}

tl::expected<std::uint64_t, std::string> max_events(const Query& query, std::uint64_t most) {
    const auto text = query.find("max-events");
    if (!text) return std::min(max_events_default, most);
    const auto number = whole_number(*text);
    if (!number || number->negative || number->magnitude == 0) {
        return wrong("max-events", *text, "a whole number from 1 to " + std::to_string(most));
    }
    return std::min(number->magnitude, most);
}

tl::expected<std::chrono::milliseconds, std::string> wait_time(const Query& query,
                                                               std::chrono::milliseconds most) {
    const auto text = query.find("wait");
    if (!text) return std::chrono::milliseconds{0};
    const std::size_t dot = std::min(text->find('.'), text->size());
    const std::string_view seconds = text->substr(0, dot);
    const std::string_view fraction = text->substr(std::min(dot + 1, text->size()));
    const auto all_digits = [](std::string_view digits) {
        return !digits.empty() && std::all_of(digits.begin(), digits.end(), is_digit);
    };
    if (!all_digits(seconds) || (dot < text->size() && !all_digits(fraction))) {
        return wrong("wait", *text,
                     "a number of seconds from 0 to " + std::to_string(most.count() / 1000) +
                         ", such as 20 or 1.5");
    }
    const std::uint64_t whole = whole_number(seconds)->magnitude;
    if (whole >= static_cast<std::uint64_t>(most.count() / 1000 + 1)) return most;
    const std::string thousandths = (std::string{fraction} + "000").substr(0, 3);
    const auto milliseconds = whole * 1000 + whole_number(thousandths)->magnitude;
    return std::min(most, std::chrono::milliseconds{milliseconds});
}

}  // namespace

tl::expected<bool, std::string> newest_first(const Query& query) {
    const auto text = query.find("sort");
    if (!text) return false;
    const auto number = whole_number(*text);
    if (!number) return wrong("sort", *text, "1, the oldest first, or -1, the newest first");
    return number->negative && number->magnitude == 1;
}

tl::expected<PollParameters, std::string> poll_parameters(const Query& query,
                                                          const Settings& settings) {
    PollParameters parameters;
    const auto id = last_known_id(query);
    if (!id) return tl::make_unexpected(id.error());
    const auto most = max_events(query, settings.max_events);
    if (!most) return tl::make_unexpected(most.error());
    const auto newest = newest_first(query);
    if (!newest) return tl::make_unexpected(newest.error());
    const auto wait = wait_time(query, settings.wait_max);
    if (!wait) return tl::make_unexpected(wait.error());
    parameters.last_known_id = *id;
    parameters.max_events = *most;
    parameters.newest_first = *newest;
    parameters.wait = *wait;
    parameters.echo = query.find("echo") == "true";
    const auto scope = query.find("events");
    if (scope == "parent") parameters.scope = Scope::parent;
    if (scope == "all") parameters.scope = Scope::all;
    return parameters;
}

tl::expected<PollParameters, std::string> stream_parameters(
    const Query& query, std::optional<std::string_view> last_event_id, const Settings& settings) {
    auto parameters = poll_parameters(query, settings);
    if (!parameters) return parameters;
    if (parameters->newest_first) {
        return wrong("sort", "-1", "1: a stream goes from the oldest to the newest");
    }
    // Browsers send an empty one before they have had an event.
    if (!last_event_id || last_event_id->empty()) return parameters;
    const auto id = known_id("Last-Event-ID", *last_event_id);
    if (!id) return tl::make_unexpected(id.error());
    parameters->last_known_id = *id;
    return parameters;
}

tl::expected<std::string, std::string> callback_of(const Query& query) {
    const std::string_view name = query.find("callback").value_or("");
    const bool plain = std::all_of(name.begin(), name.end(), [](char byte) {
        return is_digit(byte) || byte == '_' || (byte >= 'a' && byte <= 'z') ||
               (byte >= 'A' && byte <= 'Z');
    });
    if (!plain || name.size() > callback_bytes_max) {
        return tl::make_unexpected("Invalid callback name: 1 to " +
                                   std::to_string(callback_bytes_max) +
                                   " letters, digits and '_' are allowed");
    }
    return std::string{name};
}

tl::expected<bool, std::string> boolean_word(std::string_view text) {
    std::string word{text};
    for (char& letter : word) {
        if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
    }
    constexpr std::array<std::string_view, 6> yes = {"y", "yes", "t", "true", "on", "1"};
    constexpr std::array<std::string_view, 6> no = {"n", "no", "f", "false", "off", "0"};
    if (std::find(yes.begin(), yes.end(), word) != yes.end()) return true;
    if (std::find(no.begin(), no.end(), word) != no.end()) return false;
    return tl::make_unexpected(config::in_quotes(text) + " is neither true nor false");
}

}  // namespace weft::gateway::rse

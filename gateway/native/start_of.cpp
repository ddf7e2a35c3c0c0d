#include "gateway/native/start_of.hpp"

#include <algorithm>
#include <charconv>

#include "config/duration.hpp"
#include "reliability/cursor/cursor.hpp"
#include "reliability/cursor/start.hpp"
#include "signing/refusal.hpp"

namespace weft::gateway::native {
namespace {

using reliability::Start;
using std::chrono::milliseconds;

auto refuse(std::string sentence) {
    return tl::make_unexpected(std::move(sentence));
}

tl::expected<std::uint64_t, std::string> number(std::string_view name, std::string_view text,
                                                std::uint64_t least, std::uint64_t most) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value < least || value > most) {
        return refuse(std::string{name} + ": a number from " + std::to_string(least) + " to " +
                      std::to_string(most) + " is needed, not '" + signing::escape(text, 40) + "'");
    }
    return value;
}

}  // namespace

tl::expected<std::vector<signing::TopicGlob>, std::string> globs_parameter(
    const Query& query, const fabric::TopicSpace& space) {
    std::vector<signing::TopicGlob> globs;
    for (const std::string_view text : query.all("topic")) {
        auto glob = signing::TopicGlob::parse(space.complete_glob(text));
        if (!glob) {
            return refuse("topic '" + signing::escape(text, 80) +
                          "' is not a glob: " + glob.error());
        }
        globs.push_back(std::move(*glob));
    }
    if (globs.size() > reliability::Cursor::globs_max) {
        return refuse("topic: at most " + std::to_string(reliability::Cursor::globs_max) +
                      " globs");
    }
    std::sort(globs.begin(), globs.end());
    return globs;
}

tl::expected<std::uint64_t, std::string> number_parameter(const Query& query, std::string_view name,
                                                          std::uint64_t otherwise,
                                                          std::uint64_t least, std::uint64_t most) {
    const auto text = query.find(name);
    if (!text) return otherwise;
    return number(name, *text, least, most);
}

namespace {

tl::expected<void, std::string> read_start(std::string_view text,
                                           const reliability::JournalInfo& journal,
                                           std::uint64_t now_us, ReadParameters& parameters) {
    const auto start = Start::parse(text);
    if (!start) return refuse("after: " + start.error());
    switch (start->kind) {
        case Start::Kind::beginning:
            return {};
        case Start::Kind::after:
            parameters.after = start->after;
            return {};
        case Start::Kind::now:
            parameters.after = {journal.epoch, journal.head};
            return {};
        case Start::Kind::last:
            parameters.last = std::min<std::uint64_t>(start->count, limit_max);
            return {};
        case Start::Kind::since: {
            const auto age = static_cast<std::uint64_t>(
                std::chrono::duration_cast<std::chrono::microseconds>(start->age).count());
            parameters.stored_since_us = now_us > age ? now_us - age : 0;
            return {};
        }
        case Start::Kind::after_message:
        case Start::Kind::last_per_topic:
            break;
    }
    return refuse(
        "after: an id of the journal, beginning, now, last:N or since:10m is needed, not '" +
        signing::escape(text, 60) + "'");
}

}  // namespace

tl::expected<milliseconds, std::string> duration_parameter(const Query& query,
                                                           std::string_view name,
                                                           milliseconds otherwise,
                                                           milliseconds most) {
    const auto text = query.find(name);
    if (!text) return otherwise;
    const auto duration = config::parse_duration(*text);
    if (!duration) return refuse(std::string{name} + ": " + duration.error());
    if (*duration > most) {
        return refuse(std::string{name} + ": at most " + config::duration_text(most));
    }
    return *duration;
}

tl::expected<bool, std::string> flag_parameter(const Query& query, std::string_view name) {
    const auto text = query.find(name);
    if (!text || *text == "false" || *text == "0") return false;
    if (*text == "true" || *text == "1" || text->empty()) return true;
    return refuse(std::string{name} + ": true or false is needed, not '" +
                  signing::escape(*text, 40) + "'");
}

tl::expected<ReadParameters, std::string> read_parameters(
    const Query& query, std::optional<std::string_view> last_event_id, std::string_view otherwise,
    const fabric::TopicSpace& space, const reliability::JournalInfo& journal,
    std::uint64_t now_us) {
    ReadParameters parameters;
    auto globs = globs_parameter(query, space);
    if (!globs) return refuse(globs.error());
    for (const auto& glob : *globs) parameters.filter_text += glob.text() + "\n";
    if (!globs->empty()) parameters.filter = reliability::TopicFilter{std::move(*globs)};
    // Who comes back with the last id that it saw goes on there, whatever its address says.
    const std::string_view after = last_event_id && !last_event_id->empty()
                                       ? *last_event_id
                                       : query.find("after").value_or(otherwise);
    if (auto start = read_start(after, journal, now_us, parameters); !start) {
        return refuse(start.error());
    }
    const auto limit = number_parameter(query, "limit", limit_default, 1, limit_max);
    if (!limit) return refuse(limit.error());
    parameters.limit = *limit;
    const auto wait = duration_parameter(query, "wait", milliseconds{0}, wait_max);
    if (!wait) return refuse(wait.error());
    parameters.wait = *wait;
    return parameters;
}

}  // namespace weft::gateway::native

#pragma once
// What somebody asks for in the body of POST, PUT and PATCH /v1/webhooks, and the subscription that
// comes of it. Pure; no clock, no I/O. What a body does not name stays as it is.
//
//     {"url": "https://…", "topics": ["git.*"], "where": [conditions], "format": "weft",
//      "batch": {"max": 100, "timeout": "5s"}, "ordered": true, "concurrency": 1, "rate": 10,
//      "headers": {"X-Team": "infra"}, "schedule": ["0s", "5s", "1m"], "disable_after": "5d",
//      "description": "…", "start": "now", "secret": "whsec_…"}
//
// Threads: pure functions. Errors: sentences that name the field and say what would be right; they
// hold no secret.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "fabric/message/topic.hpp"
#include "gateway/delivery/subscription.hpp"
#include "gateway/webhooks/details.hpp"
#include "gateway/webhooks/settings.hpp"
#include "reliability/cursor/start.hpp"
#include "signing/topic_glob.hpp"

namespace weft::gateway::webhooks {

struct Wanted {
    static constexpr std::size_t url_bytes_max = 2048, topics_max = 64, headers_max = 20;
    static constexpr std::size_t header_bytes_max = 1024, text_bytes_max = 1024, pauses_max = 50;
    static constexpr std::size_t concurrency_max = 32, batch_max = 1000;
    static constexpr std::chrono::milliseconds batch_timeout_max = std::chrono::minutes{10};
    static constexpr std::chrono::milliseconds pause_max = std::chrono::hours{7 * 24};

    std::optional<std::string> url, description;
    std::optional<std::vector<signing::TopicGlob>> topics;  ///< Full.
    std::optional<Conditions> where;
    std::optional<Format> format;
    std::optional<std::size_t> batch, concurrency;
    std::optional<std::chrono::milliseconds> batch_timeout;
    std::optional<bool> ordered;
    std::optional<double> per_second_max;
    std::optional<std::vector<std::pair<std::string, std::string>>> headers;
    std::optional<std::vector<std::chrono::milliseconds>> schedule;
    /// An empty one inside: never.
    std::optional<std::optional<std::chrono::milliseconds>> disable_after;
    std::optional<reliability::Start> start;
    std::optional<Keys> keys;

    [[nodiscard]] static tl::expected<Wanted, std::string> parse(std::string_view body,
                                                                 const fabric::TopicSpace& space);
};

/// One that says nothing of itself yet.
[[nodiscard]] delivery::Subscription fresh(std::string id, std::string owner, const Settings& now,
                                           std::uint64_t now_us);

/// What is wanted, upon `base`. Of topics that go, what was stored while they were wanted is still
/// delivered; those that are new count from `head` on, or from the beginning of an `is_new` one.
[[nodiscard]] tl::expected<delivery::Subscription, std::string> applied(
    const Wanted& wanted, delivery::Subscription base, bool is_new, reliability::JournalId head,
    reliability::JournalId position);

/// The globs that are wanted now.
[[nodiscard]] std::vector<signing::TopicGlob> topics_of(const delivery::Subscription& from);

}  // namespace weft::gateway::webhooks

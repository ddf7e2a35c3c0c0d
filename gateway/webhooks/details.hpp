#pragma once
// What a subscription of kind "webhook" keeps beside what every subscription has: form, conditions,
// headers, and the secrets that it signs with. It stands in Subscription::details, in the journal's
// state, whose directory is its owner's alone; nowhere else (K3).
// Threads: values. Errors: sentences.

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "gateway/webhooks/condition.hpp"

namespace weft::gateway::webhooks {

inline constexpr std::string_view kind = "webhook";

enum class Format : std::uint8_t {
    binary,      ///< CloudEvents: attributes are headers, the body is the message's.
    structured,  ///< CloudEvents: one JSON object with `data`.
    batch,       ///< CloudEvents: a list of those.
    weft,        ///< The one JSON form of a message; a list where a batch may have several.
};
[[nodiscard]] std::string_view name_of(Format format) noexcept;  ///< "cloudevents-binary", …
[[nodiscard]] std::optional<Format> format_named(std::string_view name) noexcept;

/// One generation of keys: whsec_ for v1, whsk_ for v1a, as texts.
struct Keys {
    std::string secret, key;
    std::uint64_t until_us = UINT64_MAX;  ///< Signs no more from then on: it was rotated out.

    [[nodiscard]] static Keys generate();
    /// With this whsec_, of another system; an error if it is none.
    [[nodiscard]] static tl::expected<Keys, std::string> with_secret(std::string_view secret);
    [[nodiscard]] std::string public_key() const;  ///< whpk_
};

struct Details {
    static constexpr std::size_t keys_most = 3;

    Format format = Format::binary;
    Conditions where;
    std::vector<std::pair<std::string, std::string>> headers;
    std::vector<Keys> keys;  ///< The newest first, at least one.
    std::string description;

    [[nodiscard]] nlohmann::json json() const;
    [[nodiscard]] static tl::expected<Details, std::string> parse(const nlohmann::json& json);

    /// `now_us`: the old ones sign until then and `overlap_us` after; what is over goes, and so
    /// does the oldest where there would be more than keys_most.
    void rotate(Keys next, std::uint64_t now_us, std::uint64_t overlap_us);
    /// Those that sign now, the newest first.
    [[nodiscard]] std::vector<const Keys*> signing_at(std::uint64_t now_us) const;
};

}  // namespace weft::gateway::webhooks

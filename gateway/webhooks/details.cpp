#include "gateway/webhooks/details.hpp"

#include <algorithm>
#include <array>

#include "signing/webhook_signature.hpp"

namespace weft::gateway::webhooks {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 4> names{"cloudevents-binary", "cloudevents-structured",
                                                "cloudevents-batch", "weft"};

json json_of(const Keys& keys) {
    json out{{"secret", keys.secret}, {"key", keys.key}};
    if (keys.until_us != UINT64_MAX) out["until"] = keys.until_us;
    return out;
}

}  // namespace

std::string_view name_of(Format format) noexcept {
    return names[static_cast<std::size_t>(format)];
}

std::optional<Format> format_named(std::string_view name) noexcept {
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) return std::nullopt;
    return static_cast<Format>(found - names.begin());
}

Keys Keys::generate() {
    return {signing::WebhookSecret::generate().reveal(), signing::WebhookKey::generate().reveal()};
}

tl::expected<Keys, std::string> Keys::with_secret(std::string_view secret) {
    if (auto parsed = signing::WebhookSecret::parse(secret); !parsed) {
        return tl::make_unexpected(std::move(parsed.error()));
    }
    return Keys{std::string{secret}, signing::WebhookKey::generate().reveal()};
}

std::string Keys::public_key() const {
    const auto parsed = signing::WebhookKey::parse(key);
    return parsed ? parsed->public_key() : std::string{};
}

nlohmann::json Details::json() const {
    nlohmann::json out{{"format", name_of(format)},
                       {"where", where.json()},
                       {"headers", nlohmann::json::array()},
                       {"keys", nlohmann::json::array()},
                       {"description", description}};
    for (const auto& [name, value] : headers) out["headers"].push_back({name, value});
    for (const Keys& one : keys) out["keys"].push_back(json_of(one));
    return out;
}

tl::expected<Details, std::string> Details::parse(const nlohmann::json& from) {
    Details details;
    try {
        const auto format = format_named(from.at("format").get<std::string>());
        if (!format) return tl::make_unexpected(std::string{"its format is not known"});
        details.format = *format;
        auto where = Conditions::parse(from.at("where"));
        if (!where) return tl::make_unexpected(std::move(where.error()));
        details.where = std::move(*where);
        for (const auto& one : from.at("headers")) {
            details.headers.emplace_back(one.at(0).get<std::string>(),
                                         one.at(1).get<std::string>());
        }
        for (const auto& one : from.at("keys")) {
            details.keys.push_back({one.at("secret").get<std::string>(),
                                    one.at("key").get<std::string>(),
                                    one.value("until", std::uint64_t{UINT64_MAX})});
        }
        details.description = from.at("description").get<std::string>();
    } catch (const nlohmann::json::exception&) {
        // Its text could hold a secret.
        return tl::make_unexpected(std::string{"the record of this webhook is damaged"});
    }
    if (details.keys.empty()) {
        return tl::make_unexpected(std::string{"the record of this webhook has no secret"});
    }
    return details;
}

void Details::rotate(Keys next, std::uint64_t now_us, std::uint64_t overlap_us) {
    for (Keys& old : keys) old.until_us = std::min(old.until_us, now_us + overlap_us);
    std::erase_if(keys, [&](const Keys& old) { return old.until_us <= now_us; });
    keys.insert(keys.begin(), std::move(next));
    if (keys.size() > keys_most) keys.resize(keys_most);
}

std::vector<const Keys*> Details::signing_at(std::uint64_t now_us) const {
    std::vector<const Keys*> all;
    for (const Keys& one : keys) {
        if (now_us < one.until_us) all.push_back(&one);
    }
    return all;
}

}  // namespace weft::gateway::webhooks

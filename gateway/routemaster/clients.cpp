#include "gateway/routemaster/clients.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "gateway/routemaster/names.hpp"
#include "signing/digest.hpp"
#include "signing/sodium.hpp"

namespace weft::gateway::routemaster {
namespace {

using nlohmann::json;

constexpr std::string_view key_name = "routemaster/key", token_prefix = "routemaster/token/";
constexpr std::size_t id_digits = 40, made_digits = 32, token_bytes_max = 64;

std::string random_hex(std::size_t digits) {
    std::array<char, 32> bytes{};
    signing::random_bytes(bytes.data(), digits / 2);
    return signing::hex({bytes.data(), digits / 2});
}

std::string keyed_hash(std::string_view key, std::string_view kind, std::string_view text) {
    signing::TaggedHash hash("weft.rm.client");
    const auto digest = hash.add_prefixed(key).add_prefixed(kind).add(text).finish();
    return signing::hex(signing::bytes_of(digest).substr(0, id_digits / 2));
}

}  // namespace

Clients::Clients(const Settings& settings, Authenticator& weft_tokens)
    : settings_(settings), weft_tokens_(weft_tokens) {}

StateDesk::Changes Clients::load(const StateDesk::Entries& entries) {
    const std::scoped_lock lock(mutex_);
    StateDesk::Changes changes;
    for (const auto& [name, value] : entries) {
        if (name == key_name) key_ = value;
    }
    if (key_.empty()) {
        key_ = random_hex(64);
        changes.push_back({std::string{key_name}, key_});
    }
    root_id_ = keyed_hash(key_, "token", settings_.root_key);
    for (const std::string& token : settings_.clients) {
        entries_[keyed_hash(key_, "token", token)] = {{std::string{public_part(token)}, token},
                                                      true};
    }
    for (const auto& [name, value] : entries) {
        if (!name.starts_with(token_prefix)) continue;
        const json record = json::parse(value, nullptr, false);
        if (!record.is_object() || !record.contains("token") || !record["token"].is_string() ||
            !record.contains("name") || !record["name"].is_string()) {
            continue;
        }
        const std::string token = record["token"];
        entries_[keyed_hash(key_, "token", token)].token = {record["name"], token};
    }
    return changes;
}

std::string Clients::id_of(std::string_view token) const {
    const std::scoped_lock lock(mutex_);
    return keyed_hash(key_, "token", token);
}

Client Clients::client_of(const Entry& entry, const std::string& id) const {
    Client client;
    client.id = id;
    client.name = entry.token.name;
    client.token = entry.token.token;
    client.principal.name = entry.token.name;
    client.principal.everything = true;
    return client;
}

std::optional<Client> Clients::client(std::string_view token) const {
    // All of it in any case: a stranger's token costs what a known one does (H2).
    const auto foreign = weft_tokens_.find(token);
    const std::scoped_lock lock(mutex_);
    const std::string id = keyed_hash(key_, "token", token);
    const bool is_root =
        signing::equal_in_constant_time(id, root_id_) && !settings_.root_key.empty();
    const auto found = entries_.find(id);
    if (is_root) {
        Client client;
        client.name = "root";
        client.is_root_key = true;
        client.principal.name = "root";
        return client;
    }
    if (found != entries_.end()) return client_of(found->second, id);
    if (!foreign) return std::nullopt;
    Client client;
    client.principal = *foreign;
    client.name = foreign->name;
    client.id = keyed_hash(key_, "name", foreign->name);
    return client;
}

std::optional<Principal> Clients::find(std::string_view token) {
    auto found = client(token);
    if (!found) return std::nullopt;
    return std::move(found->principal);
}

std::optional<std::string> Clients::token_of(const std::string& id) const {
    const std::scoped_lock lock(mutex_);
    const auto found = entries_.find(id);
    if (found == entries_.end()) return std::nullopt;
    return found->second.token.token;
}

std::vector<ApiToken> Clients::list() const {
    std::vector<ApiToken> all;
    {
        const std::scoped_lock lock(mutex_);
        for (const auto& [id, entry] : entries_) all.push_back(entry.token);
    }
    std::sort(all.begin(), all.end(), [](const ApiToken& a, const ApiToken& b) {
        return std::tie(a.name, a.token) < std::tie(b.name, b.token);
    });
    return all;
}

tl::expected<ApiToken, std::string> Clients::prepare(std::string name, std::string token) const {
    if (!is_client_name(name)) {
        return tl::make_unexpected(
            std::string{"name: 1 to 64 of a-z, 0-9, '_' and '-' are needed"});
    }
    if (token.empty()) {
        if (name.size() + 2 + made_digits > token_bytes_max) {
            return tl::make_unexpected(std::string{
                "name: at most 30 characters where no token is given: it becomes part of the "
                "token"});
        }
        token = name + "--" + random_hex(made_digits);
    }
    if (!is_client_name(token)) {
        return tl::make_unexpected(
            std::string{"token: 1 to 64 of a-z, 0-9, '_' and '-' are needed"});
    }
    if (signing::equal_in_constant_time(token, settings_.root_key)) {
        return tl::make_unexpected(std::string{"token: another one is needed"});
    }
    const std::scoped_lock lock(mutex_);
    if (entries_.size() >= Settings::tokens_max &&
        entries_.count(keyed_hash(key_, "token", token)) == 0) {
        return tl::make_unexpected("there are " + std::to_string(Settings::tokens_max) +
                                   " tokens already: delete some first");
    }
    return ApiToken{std::move(name), std::move(token)};
}

StateDesk::Changes Clients::storing(const ApiToken& made) const {
    return {{std::string{token_prefix} + id_of(made.token),
             json{{"name", made.name}, {"token", made.token}}.dump()}};
}

StateDesk::Changes Clients::forgetting(std::string_view token) const {
    return {{std::string{token_prefix} + id_of(token), std::nullopt}};
}

void Clients::add(const ApiToken& made) {
    const std::string id = id_of(made.token);
    const std::scoped_lock lock(mutex_);
    entries_[id].token = made;
}

void Clients::remove(std::string_view token) {
    const std::string id = id_of(token);
    const std::scoped_lock lock(mutex_);
    const auto found = entries_.find(id);
    if (found == entries_.end()) return;
    if (!found->second.configured) {
        entries_.erase(found);
    } else {
        found->second.token.name = public_part(found->second.token.token);
    }
}

}  // namespace weft::gateway::routemaster

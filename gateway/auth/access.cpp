#include "gateway/auth/access.hpp"

#include <utility>

#include "gateway/grants.hpp"
#include "gateway/problem.hpp"
#include "signing/sodium.hpp"

namespace weft::gateway {
namespace {

constexpr std::chrono::minutes window{1};

/// Addresses are counted without their ports.
std::string address_of(const Request& request) {
    return request.peer.substr(0, request.peer.rfind(':'));
}

bool same_scheme(std::string_view text, std::string_view scheme) {
    if (text.size() <= scheme.size() || text[scheme.size()] != ' ') return false;
    for (std::size_t i = 0; i < scheme.size(); ++i) {
        if ((text[i] | 0x20) != (scheme[i] | 0x20)) return false;
    }
    return true;
}

/// The token of an Authorization header; "" for one that is none, which nobody has.
std::optional<std::string> token_of(const Request& request) {
    const auto header = request.headers.find("Authorization");
    if (!header) return std::nullopt;
    if (same_scheme(*header, "Bearer")) return std::string{header->substr(7)};
    if (!same_scheme(*header, "Basic")) return std::string{};
    const auto decoded = signing::from_base64(header->substr(6));
    if (!decoded) return std::string{};
    return decoded->substr(0, decoded->find(':'));
}

}  // namespace

bool Access::too_many(const std::string& address) {
    const std::scoped_lock lock(mutex_);
    const auto found = failures_.find(address);
    if (found == failures_.end()) return false;
    if (clock_.steady() - found->second.since > window) {
        failures_.erase(found);
        return false;
    }
    return found->second.count >= failures_max;
}

void Access::failed(const std::string& address) {
    const std::scoped_lock lock(mutex_);
    if (failures_.size() >= addresses_max) {
        const fabric::Instant now = clock_.steady();
        std::erase_if(failures_,
                      [&](const auto& entry) { return now - entry.second.since > window; });
        if (failures_.size() >= addresses_max) failures_.clear();
    }
    Failures& failures = failures_[address];
    if (failures.count++ == 0) failures.since = clock_.steady();
}

tl::expected<Principal, Response> Access::who(const Request& request) {
    const auto token = token_of(request);
    return who(token ? std::optional<std::string_view>{*token} : std::nullopt, request);
}

std::function<bool()> Access::still(const Request& request, const Principal& who) {
    return still(token_of(request), who);
}

std::function<bool()> Access::still(std::optional<std::string> token, const Principal& who) {
    if (!token) return {};
    return [this, token = std::move(*token), who] {
        const auto now = tokens_.find(token);
        return now && same(*now, who);
    };
}

tl::expected<Principal, Response> Access::who(std::optional<std::string_view> token,
                                              const Request& request) {
    const auto refuse = [&](unsigned status, std::string_view detail) {
        Response response = problem(status, detail, request);
        if (status == 401) response.headers.set("WWW-Authenticate", "Bearer");
        if (status == 429) response.headers.set("Retry-After", "60");
        return tl::make_unexpected(std::move(response));
    };
    if (!token) {
        if (required_) {
            return refuse(401,
                          "a token is required: Authorization: Bearer TOKEN; `weft token add` "
                          "makes one");
        }
        Principal anybody;
        anybody.everything = true;
        return anybody;
    }
    const std::string address = address_of(request);
    if (too_many(address)) {
        return refuse(429,
                      "too many attempts with unknown tokens from this address; wait a minute");
    }
    auto principal = tokens_.find(*token);
    if (principal) {
        request.note_caller(principal->name);
        return std::move(*principal);
    }
    failed(address);
    return refuse(401, "this token is not known here: it was mistyped, or has been revoked");
}

}  // namespace weft::gateway

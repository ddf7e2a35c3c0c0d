#include "gateway/routemaster/address.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include "gateway/http/message.hpp"

namespace weft::gateway::routemaster {
namespace {

bool is_digit(char byte) noexcept {
    return byte >= '0' && byte <= '9';
}
bool is_hex(char byte) noexcept {
    return is_digit(byte) || (byte >= 'a' && byte <= 'f') || (byte >= 'A' && byte <= 'F');
}

/// Printable ASCII that a URI may have somewhere, and whole escapes.
bool has_good_bytes(std::string_view text) noexcept {
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char byte = text[i];
        if (byte <= 0x20 || byte >= 0x7F) return false;
        if (std::string_view{"\"<>\\^`{|}"}.find(byte) != std::string_view::npos) return false;
        if (byte != '%') continue;
        if (i + 2 >= text.size() || !is_hex(text[i + 1]) || !is_hex(text[i + 2])) return false;
        i += 2;
    }
    return true;
}

bool is_port(std::string_view text) noexcept {
    if (text.empty()) return true;
    if (text.size() > 5 || !std::all_of(text.begin(), text.end(), is_digit)) return false;
    unsigned port = 0;
    std::from_chars(text.data(), text.data() + text.size(), port);
    return port > 0 && port <= 65'535;
}

bool is_authority(std::string_view text) noexcept {
    if (const std::size_t at = text.rfind('@'); at != std::string_view::npos) {
        if (text.substr(0, at).find_first_of("@[]") != std::string_view::npos) return false;
        text.remove_prefix(at + 1);
    }
    std::size_t end = text.find(':');
    if (text.starts_with('[')) {
        const std::size_t close = text.find(']');
        if (close == std::string_view::npos || close < 3) return false;
        const std::string_view inside = text.substr(1, close - 1);
        if (!std::all_of(inside.begin(), inside.end(),
                         [](char byte) { return is_hex(byte) || byte == ':' || byte == '.'; })) {
            return false;
        }
        end = close + 1;
        if (end < text.size() && text[end] != ':') return false;
    } else if (text.substr(0, end).find_first_of("[]") != std::string_view::npos) {
        return false;
    }
    if (end == 0 || text.empty()) return false;
    return end >= text.size() || is_port(text.substr(end + 1));
}

/// What follows "scheme://".
std::optional<std::string_view> behind(std::string_view address, std::string_view scheme) {
    if (address.size() < scheme.size() || !same_name(address.substr(0, scheme.size()), scheme)) {
        return std::nullopt;
    }
    return address.substr(scheme.size());
}

}  // namespace

std::string address_error(std::string_view what, std::string_view address, Schemes schemes) {
    const std::string name{what};
    if (address.size() > address_bytes_max) {
        return name + " has " + std::to_string(address.size()) + " bytes; at most " +
               std::to_string(address_bytes_max) + " are allowed";
    }
    auto rest = behind(address, "https://");
    if (!rest && schemes == Schemes::http_too) rest = behind(address, "http://");
    if (!rest) return name + " must begin with https://";
    if (!has_good_bytes(*rest)) {
        return name + " has characters that a URL cannot have; escape them as %20";
    }
    const std::string_view authority = rest->substr(0, rest->find_first_of("/?#"));
    if (!is_authority(authority)) return name + " needs a host, such as https://example.com/path";
    const std::size_t fragment = rest->find('#');
    if (rest->find_first_of("[]", authority.size()) != std::string_view::npos ||
        (fragment != std::string_view::npos &&
         rest->find('#', fragment + 1) != std::string_view::npos)) {
        return name + " has characters that a URL cannot have; escape them as %20";
    }
    return {};
}

}  // namespace weft::gateway::routemaster

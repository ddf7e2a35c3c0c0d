#include "gateway/rse/client.hpp"

#include "config/utf8.hpp"
#include "fabric/message/codec.hpp"

namespace weft::gateway::rse {
namespace {

constexpr std::string_view mark = "uuid/";
constexpr std::size_t uuid_bytes_max = 36;

}  // namespace

std::string uuid_in(std::string_view text) {
    const std::size_t at = text.find(mark);
    std::string uuid;
    if (at == std::string_view::npos) return uuid;
    for (const char byte : text.substr(at + mark.size())) {
        const bool upper = byte >= 'A' && byte <= 'Z';
        if (!upper && !(byte >= 'a' && byte <= 'z') && !(byte >= '0' && byte <= '9') && byte != '-')
            break;
        uuid += upper ? static_cast<char>(byte - 'A' + 'a') : byte;
        if (uuid.size() == uuid_bytes_max) break;
    }
    return uuid;
}

tl::expected<Client, std::string> client_of(const Headers& headers, bool test_mode) {
    const std::string_view agent = headers.find("User-Agent").value_or("");
    if (agent.empty()) {
        return tl::make_unexpected(
            "Missing header: User-Agent; send one such as App/1.0 "
            "uuid/0190a5c4-5d1e-4cc3-98c4-dc0c0c07398f");
    }
    if (!config::is_utf8(agent) || agent.size() > fabric::header_value_bytes_max) {
        return tl::make_unexpected("Invalid header: User-Agent; it is UTF-8 of at most " +
                                   std::to_string(fabric::header_value_bytes_max) + " bytes");
    }
    const auto instead = headers.find("X-RSE-Client");
    Client client{std::string{agent}, uuid_in(instead.value_or(agent))};
    if (client.uuid.empty() && !test_mode) {
        return tl::make_unexpected("Missing UUID in " +
                                   std::string{instead ? "X-RSE-Client" : "User-Agent"} +
                                   " header; it is uuid/ and 1 to 36 letters, digits and dashes");
    }
    return client;
}

}  // namespace weft::gateway::rse

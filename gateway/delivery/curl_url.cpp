// Callback URLs by libcurl's own parser.
#include <curl/curl.h>

#include <algorithm>
#include <memory>

#include "gateway/delivery/callback_url.hpp"

namespace weft::gateway::delivery {
namespace {

std::string part(CURLU* url, CURLUPart which) {
    char* text = nullptr;
    if (curl_url_get(url, which, &text, 0) != CURLUE_OK || text == nullptr) return {};
    std::string copy(text);
    curl_free(text);
    return copy;
}

tl::unexpected<std::string> wrong(const char* why) {
    return tl::make_unexpected(std::string{why});
}

}  // namespace

tl::expected<CallbackUrl, std::string> CallbackUrl::parse(std::string_view text) {
    constexpr const char* form =
        "a callback is an absolute URL such as https://example.com/events, of at most 2048 bytes";
    if (text.empty() || text.size() > bytes_max) return wrong(form);
    const bool plain = std::all_of(text.begin(), text.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte > 0x20 && byte < 0x7f && c != '\\' && c != '"' && c != '<' && c != '>' &&
               c != '^' && c != '`' && c != '{' && c != '|' && c != '}';
    });
    if (!plain) {
        return wrong(
            "a callback's URL has only the characters that RFC 3986 allows; encode others with %");
    }
    const std::unique_ptr<CURLU, void (*)(CURLU*)> url(curl_url(), curl_url_cleanup);
    const std::string copy(text);
    if (!url || curl_url_set(url.get(), CURLUPART_URL, copy.c_str(), CURLU_NON_SUPPORT_SCHEME) !=
                    CURLUE_OK) {
        return wrong(form);
    }
    CallbackUrl parts;
    const std::string scheme = part(url.get(), CURLUPART_SCHEME);
    parts.https = scheme == "https";
    if (!parts.https && scheme != "http") return wrong("a callback's URL begins with https://");
    // What libcurl forgives, such as https:host or https:///host, others read otherwise.
    const std::size_t host_at = scheme.size() + 3;
    if (text.size() <= host_at || text.substr(scheme.size(), 3) != "://" || text[host_at] == '/') {
        return wrong(form);
    }
    const std::string_view authority =
        text.substr(host_at, text.find_first_of("/?#", host_at) - host_at);
    if (authority.find('@') != std::string_view::npos) {
        return wrong("a callback's URL has no user or password in it");
    }
    if (text.find('#') != std::string_view::npos) {
        return wrong("a callback's URL has no fragment (#...)");
    }
    parts.host = part(url.get(), CURLUPART_HOST);
    if (parts.host.size() > 2 && parts.host.front() == '[') {
        parts.host = parts.host.substr(1, parts.host.size() - 2);
    }
    if (parts.host.empty() || parts.host.find('%') != std::string::npos ||
        authority.find('%') != std::string_view::npos ||
        !part(url.get(), CURLUPART_ZONEID).empty()) {
        return wrong("a callback's host is a name or an address, without % in it");
    }
    const std::string port = part(url.get(), CURLUPART_PORT);
    if (port == "0") return wrong("a callback's port is from 1 to 65535");
    return parts;
}

}  // namespace weft::gateway::delivery

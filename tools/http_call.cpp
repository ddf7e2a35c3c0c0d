#include "tools/http_call.hpp"

#include <curl/curl.h>

#include <array>
#include <memory>

#include "gateway/http/uri.hpp"
#include "tools/context.hpp"

namespace weft::tools {
namespace {

constexpr std::size_t answer_bytes_max = std::size_t{16} << 20;
constexpr long timeout_ms = 30'000, connect_timeout_ms = 5'000;

std::size_t take(char* bytes, std::size_t, std::size_t count, void* into) {
    auto& body = *static_cast<std::string*>(into);
    if (body.size() + count > answer_bytes_max) return 0;
    body.append(bytes, count);
    return count;
}

std::string what_to_look_at(CURLcode code) {
    switch (code) {
        case CURLE_COULDNT_CONNECT:
            return "; is `weft gateway` running there? --gateway URL names another one";
        case CURLE_PEER_FAILED_VERIFICATION:
            return "; name it as its certificate does, --gateway https://NAME";
        case CURLE_URL_MALFORMAT:
        case CURLE_UNSUPPORTED_PROTOCOL:
            return "; a gateway is named like http://127.0.0.1:8080";
        default:
            return "";
    }
}

}  // namespace

HttpReply http_call(const HttpCall& call) {
    const std::unique_ptr<CURL, void (*)(CURL*)> curl(curl_easy_init(), curl_easy_cleanup);
    if (!curl) throw failure("libcurl does not start");
    HttpReply reply;
    std::array<char, CURL_ERROR_SIZE> said{};
    struct curl_slist* list = curl_slist_append(nullptr, "Content-Type: application/json");
    list = curl_slist_append(list, "Expect:");
    if (!call.token.empty()) {
        list = curl_slist_append(list, ("Authorization: Bearer " + call.token).c_str());
    }
    const std::unique_ptr<struct curl_slist, void (*)(struct curl_slist*)> headers(
        list, curl_slist_free_all);
    curl_easy_setopt(curl.get(), CURLOPT_URL, call.url.c_str());
    curl_easy_setopt(curl.get(), CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl.get(), CURLOPT_PROXY, "");
    curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl.get(), CURLOPT_CUSTOMREQUEST, call.method.c_str());
    curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers.get());
    curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT_MS, timeout_ms);
    curl_easy_setopt(curl.get(), CURLOPT_CONNECTTIMEOUT_MS, connect_timeout_ms);
    curl_easy_setopt(curl.get(), CURLOPT_ERRORBUFFER, said.data());
    curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, &take);
    curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &reply.body);
    if (!call.body.empty() || call.method == "POST") {
        curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDSIZE_LARGE,
                         static_cast<curl_off_t>(call.body.size()));
        curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDS, call.body.c_str());
    }
    const CURLcode code = curl_easy_perform(curl.get());
    if (code != CURLE_OK) {
        const std::string reason = said[0] != '\0' ? said.data() : curl_easy_strerror(code);
        throw failure("no answer of the gateway at " + call.url + ": " + reason +
                      what_to_look_at(code));
    }
    curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &reply.status);
    return reply;
}

std::string url_part(const std::string& text) {
    return gateway::percent_encode(text);
}

}  // namespace weft::tools

#include "gateway/delivery/curl_transfer.hpp"

#include <curl/curl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <ctime>
#include <stdexcept>
#include <utility>

namespace weft::gateway::delivery {
namespace {

using Steady = std::chrono::steady_clock;

bool equal_name(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
        return (x >= 'A' && x <= 'Z' ? static_cast<char>(x + 32) : x) == y;
    });
}

/// Seconds, or a date.
std::optional<std::chrono::seconds> retry_after(std::string_view value) {
    while (!value.empty() &&
           (value.back() == '\r' || value.back() == '\n' || value.back() == ' ')) {
        value.remove_suffix(1);
    }
    while (!value.empty() && (value.front() == ' ' || value.front() == '\t'))
        value.remove_prefix(1);
    std::uint32_t seconds = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), seconds);
    if (error == std::errc{} && end == value.data() + value.size()) {
        return std::chrono::seconds{seconds};
    }
    const std::time_t at = curl_getdate(std::string{value}.c_str(), nullptr);
    if (at < 0) return std::nullopt;
    return std::chrono::seconds{std::max<std::int64_t>(at - std::time(nullptr), 0)};
}

}  // namespace

struct CurlTransfer::Parts {
    Parts(const Settings& the_settings, const AddressGuard& the_guard)
        : settings(the_settings), guard(the_guard), easy(curl_easy_init()) {
        if (easy == nullptr) throw std::bad_alloc();
    }
    ~Parts() {
        curl_slist_free_all(headers);
        curl_easy_cleanup(easy);
    }
    Parts(const Parts&) = delete;
    Parts& operator=(const Parts&) = delete;

    static std::size_t on_body(char* data, std::size_t size, std::size_t count, void* self);
    static std::size_t on_header(char* data, std::size_t size, std::size_t count, void* self);
    static curl_socket_t on_socket(void* self, curlsocktype purpose, curl_sockaddr* address);

    const Settings& settings;
    const AddressGuard& guard;
    CURL* easy;
    curl_slist* headers = nullptr;
    SendRequest request;
    Sender::OnSent done;
    Sender::Ticket ticket = 0;
    Steady::time_point began;
    std::array<char, CURL_ERROR_SIZE> said{};

    std::string begin;
    std::size_t body_bytes = 0, header_bytes = 0;
    bool cut_off = false, headers_too_long = false;
    std::string refused;
    std::optional<std::chrono::seconds> after;
};

std::size_t CurlTransfer::Parts::on_body(char* data, std::size_t size, std::size_t count,
                                         void* self) {
    auto& parts = *static_cast<Parts*>(self);
    const std::size_t bytes = size * count;
    parts.begin.append(data, std::min(bytes, Sender::answer_kept - parts.begin.size()));
    parts.body_bytes += bytes;
    if (parts.body_bytes <= Sender::answer_max) return bytes;
    parts.cut_off = true;
    return 0;
}

std::size_t CurlTransfer::Parts::on_header(char* data, std::size_t size, std::size_t count,
                                           void* self) {
    auto& parts = *static_cast<Parts*>(self);
    const std::string_view line(data, size * count);
    parts.header_bytes += line.size();
    if (parts.header_bytes > Sender::headers_max) {
        parts.headers_too_long = true;
        return 0;
    }
    const auto colon = line.find(':');
    if (colon != std::string_view::npos && equal_name(line.substr(0, colon), "retry-after")) {
        parts.after = retry_after(line.substr(colon + 1));
    }
    return line.size();
}

curl_socket_t CurlTransfer::Parts::on_socket(void* self, curlsocktype /*purpose*/,
                                             curl_sockaddr* address) {
    auto& parts = *static_cast<Parts*>(self);
    const auto to = Address::of(address->addr);
    std::string wrong = to ? parts.guard.address_error(*to)
                           : std::string{"a callback leads to an IPv4 or IPv6 address"};
    if (!wrong.empty()) {
        parts.refused = std::move(wrong);
        return CURL_SOCKET_BAD;
    }
    return ::socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
                    address->protocol);
}

CurlTransfer::CurlTransfer(const Settings& settings, const AddressGuard& guard)
    : parts_(std::make_unique<Parts>(settings, guard)) {}

CurlTransfer::~CurlTransfer() = default;

Sender::Ticket CurlTransfer::ticket() const noexcept {
    return parts_->ticket;
}

void* CurlTransfer::handle() const noexcept {
    return parts_->easy;
}

Sender::OnSent CurlTransfer::take_done() {
    return std::exchange(parts_->done, {});
}

std::string CurlTransfer::prepare(Sender::Ticket ticket, SendRequest request, Sender::OnSent done) {
    Parts& parts = *parts_;
    parts.ticket = ticket;
    parts.request = std::move(request);
    parts.done = std::move(done);
    parts.began = Steady::now();
    parts.begin.clear();
    parts.refused.clear();
    parts.said.fill('\0');
    parts.body_bytes = parts.header_bytes = 0;
    parts.cut_off = parts.headers_too_long = false;
    parts.after.reset();
    curl_slist_free_all(std::exchange(parts.headers, nullptr));
    const auto header = [&](const std::string& line) {
        if (auto* longer = curl_slist_append(parts.headers, line.c_str())) parts.headers = longer;
    };
    for (const auto& [name, value] : parts.request.headers) {
        if ((name + value).find_first_of(std::string_view{"\r\n\0", 3}) != std::string::npos) {
            return "the request could not be made: the header '" + name + "' has a line break";
        }
        header(value.empty() ? name + ";" : name + ": " + value);
    }
    header("Expect:");
    CURL* easy = parts.easy;
    curl_easy_reset(easy);
    bool good = true;
    const auto set = [&](CURLoption option, auto value) {
        good = curl_easy_setopt(easy, option, value) == CURLE_OK && good;
    };
    set(CURLOPT_PRIVATE, static_cast<void*>(this));
    set(CURLOPT_URL, parts.request.url.c_str());
    set(CURLOPT_PROTOCOLS_STR, parts.guard.allows_http() ? "https,http" : "https");
    set(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    set(CURLOPT_PROXY, "");
    set(CURLOPT_FOLLOWLOCATION, 0L);
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_QUICK_EXIT, 1L);  // A look-up that hangs holds up nobody.
    set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    set(CURLOPT_HTTP_CONTENT_DECODING, 0L);
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(parts.settings.connect_timeout.count()));
    set(CURLOPT_TIMEOUT_MS, static_cast<long>(parts.settings.timeout.count()));
    set(CURLOPT_SSL_VERIFYPEER, 1L);
    set(CURLOPT_SSL_VERIFYHOST, 2L);
    set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    if (!parts.settings.ca.empty()) set(CURLOPT_CAINFO, parts.settings.ca.c_str());
    set(CURLOPT_POST, 1L);
    set(CURLOPT_POSTFIELDS, parts.request.body.data());
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(parts.request.body.size()));
    set(CURLOPT_HTTPHEADER, parts.headers);
    set(CURLOPT_ERRORBUFFER, parts.said.data());
    set(CURLOPT_WRITEFUNCTION, &Parts::on_body);
    set(CURLOPT_WRITEDATA, static_cast<void*>(parts_.get()));
    set(CURLOPT_HEADERFUNCTION, &Parts::on_header);
    set(CURLOPT_HEADERDATA, static_cast<void*>(parts_.get()));
    set(CURLOPT_OPENSOCKETFUNCTION, &Parts::on_socket);
    set(CURLOPT_OPENSOCKETDATA, static_cast<void*>(parts_.get()));
    return good ? std::string{} : "the request could not be made: libcurl refuses an option";
}

SendResult CurlTransfer::result(int code) const {
    const Parts& parts = *parts_;
    SendResult result;
    result.took =
        std::chrono::duration_cast<std::chrono::microseconds>(Steady::now() - parts.began);
    long status = 0;
    static_cast<void>(curl_easy_getinfo(parts.easy, CURLINFO_RESPONSE_CODE, &status));
    result.answer_begin = parts.begin;
    result.retry_after = parts.after;
    // An answer that is too long has come all the same; nobody needs the rest of it.
    if (code == CURLE_OK || parts.cut_off) {
        result.status = static_cast<int>(status);
        if (parts.cut_off) result.error = "the answer was longer than 64 KiB and was cut off";
        return result;
    }
    if (parts.headers_too_long) {
        result.error = "the answer's headers were longer than 16 KiB";
    } else if (!parts.refused.empty()) {
        result.error = parts.refused;
    } else {
        const char* said = parts.said[0] != '\0' ? parts.said.data()
                                                 : curl_easy_strerror(static_cast<CURLcode>(code));
        result.error = said;
    }
    return result;
}

}  // namespace weft::gateway::delivery

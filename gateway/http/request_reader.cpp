#include "gateway/http/request_reader.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

#include "config/problem.hpp"
#include "gateway/http/request_grammar.hpp"

namespace weft::gateway {
namespace {

constexpr std::size_t method_bytes_max = 24;
/// What the framing of one chunk may take: size, extensions and the end of the line.
constexpr std::size_t chunk_line_max = 256;

std::size_t count_of(const Headers& headers, std::string_view name) {
    return static_cast<std::size_t>(
        std::count_if(headers.list().begin(), headers.list().end(),
                      [&](const auto& header) { return same_name(header.first, name); }));
}

std::string bytes_text(std::size_t bytes) {
    return std::to_string(bytes) + " bytes";
}

}  // namespace

RequestReader::RequestReader(const Limits& limits) : limits_(limits) {}

void RequestReader::refuse(Refused reason, unsigned status, std::string sentence) {
    state_ = State::refused;
    refusal_ = {reason, status, std::move(sentence)};
}

std::size_t RequestReader::read(std::string_view bytes) {
    const std::size_t all = bytes.size();
    while (!bytes.empty() && state_ != State::complete && state_ != State::refused) {
        if (state_ == State::idle) state_ = State::head;
        const bool is_data = part_ == Part::fixed || part_ == Part::chunk_data;
        bytes.remove_prefix(is_data ? read_data(bytes) : read_line(bytes));
    }
    return all - bytes.size();
}

Request RequestReader::take_request() {
    assert(state_ == State::complete);
    Request request = std::exchange(request_, {});
    state_ = State::idle;
    part_ = Part::request_line;
    authority_.clear();
    head_bytes_ = extra_bytes_ = 0;
    left_ = 0;
    chunked_ = expects_continue_ = skipped_empty_line_ = false;
    keeps_alive_ = true;
    return request;
}

std::size_t RequestReader::line_max() const noexcept {
    switch (part_) {
        case Part::request_line:
            return std::min(limits_.line, limits_.header);
        case Part::headers:
            return std::min(limits_.line, limits_.header - head_bytes_);
        case Part::chunk_size:
            return chunk_line_max;
        case Part::chunk_end:
            return 2;
        default:
            return limits_.header - extra_bytes_;
    }
}

void RequestReader::refuse_long_line() {
    switch (part_) {
        case Part::request_line:
            return refuse(Refused::line_too_long, 414,
                          "the request line is longer than " +
                              bytes_text(std::min(limits_.line, limits_.header)) +
                              "; send a shorter target, or the data in a body");
        case Part::headers:
            return refuse(Refused::header_too_large, 431,
                          "a header may have " + bytes_text(limits_.line) + ", all of them " +
                              bytes_text(limits_.header) + "; send fewer or shorter ones");
        case Part::trailer:
            return refuse(Refused::header_too_large, 431,
                          "chunk extensions and trailers may have " + bytes_text(limits_.header) +
                              "; send none");
        case Part::chunk_end:
            return refuse(Refused::bad_chunk, 400,
                          "a chunk does not end where its size says; after that many bytes comes "
                          "CR LF");
        default:
            return refuse(Refused::bad_chunk, 400,
                          "the line before a chunk is longer than " + bytes_text(chunk_line_max) +
                              "; send its size in hex and no extensions");
    }
}

std::size_t RequestReader::read_line(std::string_view bytes) {
    const std::size_t room = line_max() - std::min(line_max(), line_.size());
    const std::size_t newline = bytes.substr(0, room).find('\n');
    if (newline == std::string_view::npos) {
        if (bytes.size() >= room) {
            refuse_long_line();
            return bytes.size();
        }
        line_ += bytes;
        return bytes.size();
    }
    std::string kept;
    std::string_view line = bytes.substr(0, newline + 1);
    if (!line_.empty()) {
        line_ += line;
        kept = std::exchange(line_, {});
        line = kept;
    }
    if (part_ == Part::request_line || part_ == Part::headers) head_bytes_ += line.size();
    if (part_ == Part::trailer) extra_bytes_ += line.size();
    if (!line.ends_with("\r\n")) {
        const bool in_body = state_ == State::body;
        refuse(in_body ? Refused::bad_chunk : Refused::bad_request_line, 400,
               "a line ends with LF alone; every line ends with CR LF");
        if (part_ == Part::headers) refusal_.reason = Refused::bad_header;
        return newline + 1;
    }
    line.remove_suffix(2);
    on_line(line);
    return newline + 1;
}

std::size_t RequestReader::read_data(std::string_view bytes) {
    const auto taken = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
    request_.body += bytes.substr(0, taken);
    left_ -= taken;
    if (left_ == 0) {
        if (part_ == Part::chunk_data) {
            part_ = Part::chunk_end;
        } else {
            state_ = State::complete;
        }
    }
    return taken;
}

void RequestReader::on_line(std::string_view line) {
    switch (part_) {
        case Part::request_line:
            return on_request_line(line);
        case Part::headers:
            return line.empty() ? on_head_end() : on_header(line);
        case Part::chunk_size:
            return on_chunk_size(line);
        case Part::chunk_end:
            // The line has room for CR LF only.
            part_ = Part::chunk_size;
            return;
        case Part::trailer:
            return on_trailer(line);
        case Part::fixed:
        case Part::chunk_data:
            break;
    }
    assert(false);
}

void RequestReader::on_request_line(std::string_view line) {
    // Clients of old end a body with an empty line that its length does not count.
    if (line.empty() && !std::exchange(skipped_empty_line_, true)) {
        head_bytes_ = 0;
        state_ = State::idle;
        return;
    }
    const std::size_t first = line.find(' ');
    const std::size_t second = first == std::string_view::npos ? first : line.find(' ', first + 1);
    if (second == std::string_view::npos || line.find(' ', second + 1) != std::string_view::npos) {
        return refuse(Refused::bad_request_line, 400,
                      config::in_quotes(line) +
                          " is no request line; one is METHOD TARGET HTTP/1.1, with one blank "
                          "between them");
    }
    const std::string_view method = line.substr(0, first);
    if (!is_token(method) || method.size() > method_bytes_max) {
        return refuse(Refused::bad_request_line, 400,
                      config::in_quotes(method) + " is no method; one is GET, POST or the like");
    }
    request_.method = method;
    on_version(line.substr(second + 1));
    if (state_ == State::refused) return;
    if (method == "CONNECT" || method == "TRACE") {
        return refuse(Refused::method_not_served, 501,
                      std::string{method} + " is not served; this is neither a proxy nor an echo");
    }
    on_target(line.substr(first + 1, second - first - 1));
    part_ = Part::headers;
}

void RequestReader::on_version(std::string_view version) {
    if (version == "HTTP/1.1") {
        request_.version = 11;
    } else if (version == "HTTP/1.0") {
        request_.version = 10;
    } else if (version.starts_with("HTTP/") && version.size() == 8 && version[6] == '.') {
        refuse(Refused::version_not_spoken, 505,
               config::in_quotes(version) + " is not spoken; send HTTP/1.1 or HTTP/1.0");
    } else {
        refuse(Refused::bad_request_line, 400,
               config::in_quotes(version) + " is no version; send HTTP/1.1 or HTTP/1.0");
    }
}

void RequestReader::on_target(std::string_view target) {
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (!same_name(target.substr(0, scheme.size()), scheme)) continue;
        target.remove_prefix(scheme.size());
        const std::size_t end = std::min(target.find_first_of("/?"), target.size());
        authority_ = target.substr(0, end);
        target.remove_prefix(end);
        if (!is_host(authority_)) target = "no host";
        if (target.empty() || target.front() == '?') {
            request_.target = '/';
        }
        break;
    }
    request_.target += target;
    if (!request_.target.starts_with('/') || !is_target(request_.target)) {
        refuse(Refused::bad_request_line, 400,
               config::in_quotes(target) +
                   " is no target; one begins with '/' and has everything escaped but printable "
                   "ASCII");
    }
}

void RequestReader::on_header(std::string_view line) {
    if (request_.headers.list().size() == limits_.header_count) {
        return refuse(Refused::header_too_large, 431,
                      "more than " + std::to_string(limits_.header_count) + " headers; send fewer");
    }
    const std::size_t colon = line.find(':');
    const std::string_view name = line.substr(0, colon);
    if (colon == std::string_view::npos || !is_token(name)) {
        return refuse(Refused::bad_header, 400,
                      config::in_quotes(line) +
                          " is no header; one is NAME: VALUE on one line, without a blank before "
                          "the colon");
    }
    const std::string_view value = trimmed(line.substr(colon + 1));
    if (!is_field_value(value)) {
        return refuse(Refused::bad_header, 400,
                      "the header " + config::in_quotes(name) +
                          " has control bytes in its value; send it without");
    }
    request_.headers.add(std::string{name}, std::string{value});
}

void RequestReader::on_head_end() {
    if (!check_host() || !check_once() || !find_framing()) return;
    find_connection();
    const auto expectation = request_.headers.find("Expect");
    if (expectation && !same_name(*expectation, "100-continue")) {
        return refuse(Refused::expectation_failed, 417,
                      config::in_quotes(*expectation) +
                          " is not understood; the only expectation is 100-continue");
    }
    begin_body();
    expects_continue_ = expectation && request_.version == 11 && state_ == State::body;
}

bool RequestReader::check_host() {
    const auto host = request_.headers.find("Host");
    if (host ? count_of(request_.headers, "Host") > 1 : request_.version == 11) {
        refuse(Refused::bad_host, 400, "send exactly one Host header");
        return false;
    }
    if (host && !is_host(*host)) {
        refuse(Refused::bad_host, 400,
               config::in_quotes(*host) + " is no host; send Host: NAME or NAME:PORT");
        return false;
    }
    if (!authority_.empty() && host && !same_name(authority_, *host)) {
        refuse(Refused::bad_host, 400,
               "target and Host header name two hosts; send the same in both");
        return false;
    }
    return true;
}

bool RequestReader::check_once() {
    static constexpr std::array<std::string_view, 8> once = {
        "Authorization",     "Content-Type", "Content-Encoding",      "Expect",
        "Sec-WebSocket-Key", "Origin",       "Sec-WebSocket-Version", "Upgrade"};
    for (const std::string_view name : once) {
        if (count_of(request_.headers, name) > 1) {
            refuse(Refused::bad_header, 400,
                   "the header " + std::string{name} + " is there twice; send it once");
            return false;
        }
    }
    return true;
}

bool RequestReader::find_framing() {
    const auto length = request_.headers.find("Content-Length");
    const auto encoding = request_.headers.find("Transfer-Encoding");
    std::string_view wrong;
    if (length && count_of(request_.headers, "Content-Length") > 1) {
        wrong = "Content-Length is there more than once; send it once";
    } else if (length && encoding) {
        wrong = "Content-Length and Transfer-Encoding are both there; send one of them";
    } else if (encoding &&
               (*encoding != "chunked" || count_of(request_.headers, "Transfer-Encoding") > 1)) {
        wrong = "the only Transfer-Encoding is chunked; send exactly that, once";
    } else if (encoding && request_.version == 10) {
        wrong = "HTTP/1.0 has no Transfer-Encoding; send a Content-Length";
    }
    if (!wrong.empty()) {
        refuse(Refused::bad_framing, 400, std::string{wrong});
        return false;
    }
    chunked_ = encoding.has_value();
    return !length || find_length(*length);
}

bool RequestReader::find_length(std::string_view text) {
    const auto length = content_length(text);
    const bool too_many_digits =
        !length && text.size() > 18 && text.find_first_not_of("0123456789") == text.npos;
    if (!length && !too_many_digits) {
        refuse(Refused::bad_framing, 400,
               config::in_quotes(text) + " is no Content-Length; send one decimal number");
        return false;
    }
    if (too_many_digits || *length > limits_.body) {
        refuse(Refused::body_too_large, 413,
               "the body may have " + bytes_text(limits_.body) + "; send less at a time");
        return false;
    }
    left_ = *length;
    return true;
}

void RequestReader::find_connection() {
    const Headers& headers = request_.headers;
    keeps_alive_ = request_.version == 11 || headers.lists("Connection", "keep-alive");
    if (headers.lists("Connection", "close")) keeps_alive_ = false;
}

void RequestReader::begin_body() {
    if (chunked_) {
        part_ = Part::chunk_size;
        state_ = State::body;
    } else if (left_ > 0) {
        part_ = Part::fixed;
        state_ = State::body;
    } else {
        state_ = State::complete;
    }
}

void RequestReader::on_chunk_size(std::string_view line) {
    const std::size_t end = std::min(line.find(';'), line.size());
    const auto size = chunk_size(line.substr(0, end));
    extra_bytes_ += line.size() - end;
    if (!size || !is_field_value(line)) {
        return refuse(
            Refused::bad_chunk, 400,
            config::in_quotes(line) + " is no size of a chunk; one is up to 8 hex digits");
    }
    if (extra_bytes_ > limits_.header) {
        part_ = Part::trailer;
        return refuse_long_line();
    }
    if (*size > limits_.body - request_.body.size()) {
        return refuse(Refused::body_too_large, 413,
                      "the body may have " + bytes_text(limits_.body) + "; send less at a time");
    }
    left_ = *size;
    part_ = left_ == 0 ? Part::trailer : Part::chunk_data;
}

void RequestReader::on_trailer(std::string_view line) {
    if (line.empty()) {
        state_ = State::complete;
        return;
    }
    // Checked, and left out of the request: a trailer must not become a header behind the back of
    // whoever checked the headers.
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon)) ||
        !is_field_value(line)) {
        refuse(Refused::bad_chunk, 400, config::in_quotes(line) + " is no trailer; send none");
    }
}

}  // namespace weft::gateway

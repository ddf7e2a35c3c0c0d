#include "tests/bench/esub_wire.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace weft::bench {
namespace {

/// What was read last, whichever line it came from.
std::array<char, std::size_t{128} << 10U> shared_bytes;

/// The chunks of a body, put together until the next call; false: they are not whole yet.
bool take_chunks(std::string_view& bytes, std::string_view& body) {
    static std::string whole;
    whole.clear();
    std::string_view rest = bytes;
    for (;;) {
        std::size_t size = 0;
        const std::size_t line = rest.find("\r\n");
        if (line == std::string_view::npos) return false;
        std::from_chars(rest.data(), rest.data() + line, size, 16);
        if (rest.size() < line + 4 + size) return false;
        whole += rest.substr(line + 2, size);
        rest.remove_prefix(line + 4 + size);
        if (size > 0) continue;
        bytes = rest;
        body = whole;
        return true;
    }
}

}  // namespace

void fail(const std::string& what) {
    std::fprintf(stderr, "esub_load: %s\n", what.c_str());
    std::exit(1);
}

Place Place::parse(std::string_view text) {
    const std::string_view given = text;
    if (text.starts_with("http://")) text.remove_prefix(7);
    Place place;
    const std::size_t slash = std::min(text.find('/'), text.size());
    place.prefix = text.substr(slash);
    while (place.prefix.ends_with('/')) place.prefix.pop_back();
    text = text.substr(0, slash);
    for (const std::string_view host : {"127.0.0.1:", "localhost:"}) {
        if (text.starts_with(host)) text.remove_prefix(host.size());
    }
    const auto [end, error] = std::from_chars(text.begin(), text.end(), place.port);
    if (error != std::errc{} || end != text.end() || place.port == 0) {
        fail(std::string{given} + " is no place of this host; write PORT or http://127.0.0.1:PORT");
    }
    return place;
}

Line::Line(const Place& place) : fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(place.port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
        fail("nobody listens at port " + std::to_string(place.port));
    }
}
Line::Line(Line&& other) noexcept : fd(std::exchange(other.fd, -1)), in(std::move(other.in)) {}
Line& Line::operator=(Line&& other) noexcept {
    std::swap(fd, other.fd);
    in.swap(other.in);
    return *this;
}
Line::~Line() {
    if (fd >= 0) ::close(fd);
}

void Line::send(std::string_view bytes) const {
    while (!bytes.empty()) {
        const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) fail("a connection was closed");
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
}

std::string_view Line::fill() {
    const ssize_t got = ::recv(fd, shared_bytes.data(), shared_bytes.size(), 0);
    if (got <= 0) fail("a connection was closed");
    const std::string_view bytes{shared_bytes.data(), static_cast<std::size_t>(got)};
    if (in.empty()) return bytes;
    in += bytes;
    return in;
}

void Line::keep(std::string_view rest) {
    if (rest.data() >= in.data() && rest.data() <= in.data() + in.size()) {
        in.erase(0, in.size() - rest.size());
    } else {
        in = rest;
    }
}

std::string Line::await_answer() {
    std::string_view body;
    for (;;) {
        std::string_view bytes = fill();
        const bool is_whole = take_answer(bytes, body) != 0;
        std::string answer{body};
        keep(bytes);
        if (is_whole) return answer;
    }
}

void Line::upgrade(const std::string& path) {
    send("GET " + path +
         " HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
         "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    for (;;) {
        const std::string_view bytes = fill();
        const std::size_t head = bytes.find("\r\n\r\n");
        if (head == std::string_view::npos) {
            keep(bytes);
            continue;
        }
        if (!bytes.starts_with("HTTP/1.1 101")) fail("no WebSocket: " + std::string{bytes});
        return keep(bytes.substr(head + 4));
    }
}

int take_answer(std::string_view& bytes, std::string_view& body) {
    const std::size_t end = bytes.find("\r\n\r\n");
    if (end == std::string_view::npos) return 0;
    const std::string_view head = bytes.substr(0, end);
    const auto status = [&] {
        int code = 0;
        std::from_chars(head.data() + 9, head.data() + 12, code);
        return code;
    };
    const std::size_t field = head.find("\r\nContent-Length: ");
    std::size_t length = 0;
    if (field != std::string_view::npos) {
        std::from_chars(head.data() + field + 18, head.data() + head.size(), length);
    } else if (head.find("\r\nTransfer-Encoding: chunked") != std::string_view::npos) {
        std::string_view rest = bytes.substr(end + 4);
        if (!take_chunks(rest, body)) return 0;
        bytes = rest;
        return status();
    }
    if (bytes.size() < end + 4 + length) return 0;
    body = bytes.substr(end + 4, length);
    bytes.remove_prefix(end + 4 + length);
    return status();
}

bool take_frame(std::string_view& bytes, std::string_view& body) {
    if (bytes.size() < 2) return false;
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
    std::size_t length = byte(1) & 127U, head = 2;
    if (length >= 126) {
        const std::size_t more = length == 126 ? 2 : 8;
        if (bytes.size() < 2 + more) return false;
        length = 0;
        for (std::size_t i = 0; i < more; ++i) length = length << 8U | byte(2 + i);
        head += more;
    }
    if (bytes.size() < head + length) return false;
    body = bytes.substr(head, length);
    bytes.remove_prefix(head + length);
    return true;
}

void append_frame_head(std::string& frame, std::size_t bytes) {
    frame += '\x81';
    if (bytes < 126) {
        frame += static_cast<char>(128U | bytes);
    } else if (bytes < 65536) {
        frame += static_cast<char>(128U | 126U);
        frame += static_cast<char>(bytes >> 8U);
        frame += static_cast<char>(bytes);
    } else {
        frame += static_cast<char>(128U | 127U);
        for (unsigned shift = 64; shift > 0; shift -= 8) {
            frame += static_cast<char>(bytes >> (shift - 8));
        }
    }
    frame.append(4, '\0');
}

double cpu_of(int pid) {
    std::FILE* file = std::fopen(("/proc/" + std::to_string(pid) + "/stat").c_str(), "r");
    if (file == nullptr) return 0;
    unsigned long user = 0, system = 0;
    const int got = std::fscanf(file, "%*d %*s %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
                                &user, &system);
    std::fclose(file);
    return got == 2
               ? static_cast<double>(user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK))
               : 0;
}
double own_cpu() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}
double resident_kib(int pid) {
    std::FILE* file = std::fopen(("/proc/" + std::to_string(pid) + "/statm").c_str(), "r");
    if (file == nullptr) return 0;
    unsigned long pages = 0;
    const int got = std::fscanf(file, "%*u %lu", &pages);
    std::fclose(file);
    return got == 1
               ? static_cast<double>(pages) * static_cast<double>(::sysconf(_SC_PAGESIZE)) / 1024
               : 0;
}

}  // namespace weft::bench

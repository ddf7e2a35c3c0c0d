// How soon readers of HTTP get what is published by HTTP, and how many readers can follow. A client
// only: gateway_latency.sh starts the servers. One JSON object on stdout.
//   gateway_latency latency PORT [PER_SECOND, 1000] [SECONDS, 5]
//       a gateway's native API: one reader by Server-Sent Events, one by long polls
//   gateway_latency readers PORT PUBLISH_TARGET STREAM_TARGET [READERS, 1000] [MESSAGES, 300]
//       any server of Server-Sent Events: deliveries a second to all readers together

#include <fmt/core.h>
#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/http_client.hpp"

namespace {

using namespace weft;
using Steady = std::chrono::steady_clock;
using testing::HttpClient;

constexpr std::string_view marker = "\"sent_ns\":";
constexpr auto patience = std::chrono::seconds{30};

std::int64_t now_ns() {
    return Steady::now().time_since_epoch().count();
}

std::string post(const std::string& target, std::size_t padding = 0) {
    const std::string body =
        fmt::format("{{{}{},\"x\":\"{}\"}}", marker, now_ns(), std::string(padding, 'x'));
    return fmt::format(
        "POST {} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
        "Content-Length: {}\r\n\r\n{}",
        target, body.size(), body);
}

std::string get(const std::string& target, std::string_view accept) {
    return fmt::format("GET {} HTTP/1.1\r\nHost: bench\r\nAccept: {}\r\n\r\n", target, accept);
}

/// Takes whole times out of what has come, and what they say happened when into `took`.
void take_times(std::string& text, std::vector<double>& took) {
    const std::int64_t now = now_ns();
    std::size_t done = 0;
    for (std::size_t at = text.find(marker); at != std::string::npos;
         at = text.find(marker, done)) {
        const std::size_t begin = text.find_first_of("0123456789", at + marker.size());
        const std::size_t end = text.find_first_not_of("0123456789", begin);
        if (begin == std::string::npos || end == std::string::npos) break;
        std::int64_t sent = 0;
        std::from_chars(text.data() + begin, text.data() + end, sent);
        took.push_back(static_cast<double>(now - sent) / 1000);
        done = end;
    }
    text.erase(0, done);
    if (done == 0 && text.size() > 4096) text.erase(0, text.size() - 1024);
}

void print(std::string_view name, std::vector<double>& took, std::string_view end) {
    if (took.empty()) throw std::runtime_error(fmt::format("{} got nothing", name));
    std::sort(took.begin(), took.end());
    fmt::print("\"{0}_p50_us\": {1:.0f}, \"{0}_p99_us\": {2:.0f}, \"{0}_messages\": {3}{4}", name,
               took[took.size() / 2], took[took.size() * 99 / 100], took.size(), end);
}

void stream_times(std::uint16_t port, std::size_t count, std::vector<double>& took,
                  std::atomic<int>& ready) {
    HttpClient client(port);
    client.send(get("/v1/stream?topic=bench.latency", "text/event-stream"));
    static_cast<void>(client.head());
    ++ready;
    std::string text;
    while (took.size() < count) {
        text += client.chunk();
        take_times(text, took);
    }
}

void poll_times(std::uint16_t port, std::size_t count, std::vector<double>& took,
                std::atomic<int>& ready) {
    HttpClient client(port);
    std::string after = "now";
    const auto ask = [&](std::string_view wait) {
        return client
            .ask(get(fmt::format("/v1/events?topic=bench.latency&limit=1000&after={}&wait={}",
                                 after, wait),
                     "application/json"))
            .body;
    };
    const auto follow = [&](const std::string& body) {
        const std::size_t next = body.rfind("\"next\":");
        if (next == std::string::npos) throw std::runtime_error("no next: " + body);
        const std::size_t begin = body.find_first_not_of("\": ", next + 7);
        after = body.substr(begin, body.find_first_of("\",}", begin) - begin);
    };
    follow(ask("0s"));
    ++ready;
    while (took.size() < count) {
        std::string body = ask("30s");
        follow(body);
        take_times(body, took);
    }
}

void latency(std::uint16_t port, std::size_t per_second, std::size_t seconds) {
    const std::size_t count = per_second * seconds;
    std::vector<double> streamed, polled;
    std::atomic<int> ready{0};
    std::thread stream([&] { stream_times(port, count, streamed, ready); });
    std::thread poll([&] { poll_times(port, count, polled, ready); });
    while (ready < 2) std::this_thread::yield();
    HttpClient client(port);
    const auto began = Steady::now();
    for (std::size_t i = 0; i < count; ++i) {
        std::this_thread::sleep_until(began +
                                      std::chrono::nanoseconds{1'000'000'000} * i / per_second);
        if (client.ask(post("/v1/topics/bench.latency", 200)).status != 202) {
            throw std::runtime_error("a publish was refused");
        }
    }
    const double took = std::chrono::duration<double>(Steady::now() - began).count();
    stream.join();
    poll.join();
    fmt::print("{{\"published_per_second\": {:.0f}, ", static_cast<double>(count) / took);
    print("stream", streamed, ", ");
    print("long_poll", polled, "}\n");
}

/// Many streams that one thread reads; counts what comes.
class Readers {
public:
    Readers(std::uint16_t port, const std::string& target, std::size_t count)
        : epoll_(::epoll_create1(0)) {
        for (std::size_t i = 0; i < count; ++i) {
            clients_.emplace_back(port).send(get(target, "text/event-stream"));
        }
        for (std::size_t i = 0; i < count; ++i) {
            static_cast<void>(clients_[i].head());
            epoll_event event{};
            event.events = EPOLLIN;
            event.data.u64 = i;
            if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, clients_[i].fd(), &event) != 0) {
                throw std::runtime_error("epoll_ctl");
            }
        }
        tails_.resize(count);
    }

    /// Until each has got so many, or patience ends. How many came.
    std::size_t read(std::size_t each) {
        const auto deadline = Steady::now() + patience;
        std::size_t got = 0;
        std::array<epoll_event, 256> events{};
        while (got < each * clients_.size() && Steady::now() < deadline) {
            const int ready = ::epoll_wait(epoll_.get(), events.data(), events.size(), 100);
            for (int i = 0; i < ready; ++i)
                got += take(events[static_cast<std::size_t>(i)].data.u64);
        }
        return got;
    }

private:
    std::size_t take(std::size_t index) {
        const ssize_t bytes = ::recv(clients_[index].fd(), buffer_.data(), buffer_.size(), 0);
        if (bytes <= 0) throw std::runtime_error("a stream ended");
        std::string& text = tails_[index];
        text.append(buffer_.data(), static_cast<std::size_t>(bytes));
        std::size_t count = 0, done = 0;
        for (std::size_t at = text.find(marker); at != std::string::npos;
             at = text.find(marker, done)) {
            ++count;
            done = at + marker.size();
        }
        const std::size_t keep = std::min(text.size() - done, marker.size() - 1);
        text.erase(0, text.size() - keep);
        return count;
    }

    testing::Descriptor epoll_;
    std::vector<HttpClient> clients_;
    std::vector<std::string> tails_;
    std::array<char, 65'536> buffer_{};
};

void readers(std::uint16_t port, const std::string& publish, const std::string& stream,
             std::size_t count, std::size_t messages) {
    Readers all(port, stream, count);
    HttpClient client(port);
    const auto began = Steady::now();
    std::thread publishing([&] {
        // A few at a time, so that nobody is asked to keep more than a little for each reader.
        for (std::size_t i = 0; i < messages; ++i) {
            if (client.ask(post(publish, 200)).status >= 300) std::abort();
        }
    });
    const std::size_t got = all.read(messages);
    const double took = std::chrono::duration<double>(Steady::now() - began).count();
    publishing.join();
    fmt::print(
        "{{\"readers\": {}, \"messages\": {}, \"delivered\": {}, \"deliveries_per_second\": "
        "{:.0f}}}\n",
        count, messages, got, static_cast<double>(got) / took);
}

std::size_t number(int argc, char** argv, int index, std::size_t otherwise) {
    return argc > index ? std::strtoull(argv[index], nullptr, 10) : otherwise;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        const std::string what = argc > 2 ? argv[1] : "";
        const auto port = static_cast<std::uint16_t>(number(argc, argv, 2, 0));
        if (what == "latency") {
            latency(port, number(argc, argv, 3, 1000), number(argc, argv, 4, 5));
        } else if (what == "readers" && argc > 4) {
            readers(port, argv[3], argv[4], number(argc, argv, 5, 1000),
                    number(argc, argv, 6, 300));
        } else {
            throw std::runtime_error("gateway_latency latency PORT | readers PORT PUBLISH STREAM");
        }
        return 0;
    } catch (const std::exception& failed) {
        fmt::print(stderr, "{}\n", failed.what());
        return 1;
    }
}

#include "tests/fault/esub_deaths/pool.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "tests/fault/esub_deaths/stand.hpp"
#include "tests/support/look_again.hpp"

namespace weft::testing {
namespace {

constexpr std::size_t members_max = 9, clients_max = 8;

struct Told {
    std::mutex mutex;
    std::set<std::string> delivered;
    std::map<unsigned, std::size_t> others;  ///< By status.
};

void reply(const Stand& stand, const std::string& message, Told& told) {
    Client client = stand.connect_near();
    client.send("POST /rep/pool HTTP/1.1\r\nHost: h\r\nContent-Length: " +
                std::to_string(message.size()) + "\r\n\r\n" + message);
    const unsigned status = client.read_status();
    const std::scoped_lock lock(told.mutex);
    if (status == 200) {
        told.delivered.insert(message);
    } else {
        ++told.others[status];
    }
    client.reset();
}

/// How often each message was printed.
void count_lines(const std::string& out, std::map<std::string, std::size_t>& seen) {
    for (std::size_t begin = 0, end = 0; (end = out.find('\n', begin)) != std::string::npos;
         begin = end + 1) {
        ++seen[out.substr(begin, end - begin)];
    }
}

}  // namespace

int run_pool(const std::string& program, std::size_t messages) {
    const Stand stand(false, "confirm: true");
    std::vector<Process> members;
    for (std::size_t i = 0; i < members_max; ++i) {
        members.push_back(
            Process::start({program, "--member", std::to_string(stand.address().port)}));
        members.back().wait_for_line(Stream::out, "waits");
    }
    Told told;
    std::atomic<std::size_t> next{0};
    std::vector<std::jthread> clients;
    for (std::size_t i = 0; i < clients_max; ++i) {
        clients.emplace_back([&] {
            for (std::size_t number = next++; number < messages; number = next++) {
                reply(stand, "message-" + std::to_string(number), told);
            }
        });
    }
    for (std::size_t dead = 0; dead + 1 < members_max; ++dead) {
        while (next < messages * (dead + 1) / members_max) look_again_after_ms(1);
        members[dead].signal(SIGKILL);
    }
    clients.clear();

    std::map<std::string, std::size_t> seen;
    for (const Process& member : members) count_lines(member.out(), seen);
    std::size_t lost = 0, twice = 0, refused = 0;
    for (const std::string& message : told.delivered) lost += seen.contains(message) ? 0 : 1;
    for (const auto& [message, count] : seen) twice += count > 1 ? 1 : 0;
    for (const auto& [status, count] : told.others) refused += count;
    std::printf(
        "shared pool, receipt mode, %zu of %zu members killed: %zu replies, %zu answered 200, "
        "%zu refused, %zu lost, %zu twice\n",
        members_max - 1, members_max, messages, told.delivered.size(), refused, lost, twice);
    return lost == 0 && refused == 0 && told.delivered.size() == messages ? 0 : 1;
}

int run_member(std::uint16_t port) {
    Client socket({"127.0.0.1", port});
    socket.send(
        "GET /psub/pool?shared=1 HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    if (socket.read_status() != 101) return 1;
    std::puts("waits");
    std::fflush(stdout);
    // "ok" in one frame; the mask is of zeros.
    constexpr std::string_view receipt{"\x81\x82\0\0\0\0ok", 8};
    for (std::string message; socket.read_frame(message);) {
        std::puts(message.c_str());
        std::fflush(stdout);
        if (!socket.send(receipt)) break;
    }
    return 0;
}

}  // namespace weft::testing

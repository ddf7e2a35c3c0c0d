#pragma once
// A small DNS server on loopback (UDP, RFC 1035 and 2782) that answers from a table, for tests of
// what looks names up. Names are compared in lower case.
// Threads: it has one of its own; every function from any thread.

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/support/descriptor.hpp"

namespace weft::testing {

class NameServer {
public:
    struct Srv {
        std::string target;
        std::uint16_t port;
    };

    NameServer() : socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t length = sizeof address;
        auto* const generic = reinterpret_cast<sockaddr*>(&address);
        if (::bind(socket_.get(), generic, length) != 0 ||
            ::getsockname(socket_.get(), generic, &length) != 0) {
            fail_with_errno("name server");
        }
        port_ = ntohs(address.sin_port);
        thread_ = std::jthread([this](const std::stop_token& stop) { serve(stop); });
    }

    [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
    void set_srv(const std::string& name, std::vector<Srv> records) {
        const std::scoped_lock lock(mutex_);
        srv_[name] = std::move(records);
    }
    /// IPv4 addresses in network order of bytes, such as "\x7F\0\0\1".
    void set_host(const std::string& name, std::vector<std::string> addresses) {
        const std::scoped_lock lock(mutex_);
        hosts_[name] = std::move(addresses);
    }
    void be_silent(bool silent) { silent_ = silent; }
    [[nodiscard]] std::size_t questions() const { return questions_; }

private:
    static void put_u16(std::string& out, std::size_t number) {
        out += static_cast<char>(number >> 8U);
        out += static_cast<char>(number & 0xFFU);
    }
    static void put_name(std::string& out, std::string_view name) {
        while (!name.empty()) {
            const std::string_view label = name.substr(0, name.find('.'));
            out += static_cast<char>(label.size());
            out += label;
            name.remove_prefix(std::min(name.size(), label.size() + 1));
        }
        out += '\0';
    }
    static void put_record(std::string& out, std::size_t type, const std::string& data) {
        put_u16(out, 0xC00C);  // the name of the question
        put_u16(out, type);
        put_u16(out, 1);
        put_u16(out, 0);
        put_u16(out, 7);  // seconds to live
        put_u16(out, data.size());
        out += data;
    }

    std::string answer(std::string_view question) {
        std::string name;
        std::size_t at = 12;
        while (at < question.size() && question[at] != 0) {
            const auto count = static_cast<unsigned char>(question[at]);
            if (!name.empty()) name += '.';
            for (std::size_t i = 1; i <= count && at + i < question.size(); ++i) {
                name += static_cast<char>(std::tolower(question[at + i]));
            }
            at += count + 1U;
        }
        if (at + 5 > question.size()) return "";
        const auto type = static_cast<unsigned char>(question[at + 2]);
        std::string records;
        std::size_t count = 0;
        const std::scoped_lock lock(mutex_);
        const bool is_known = srv_.contains(name) || hosts_.contains(name);
        if (type == 33 && srv_.contains(name)) {
            for (const Srv& record : srv_[name]) {
                std::string data(4, '\0');
                put_u16(data, record.port);
                put_name(data, record.target);
                put_record(records, 33, data);
                ++count;
            }
        } else if (type == 1 && hosts_.contains(name)) {
            for (const std::string& address : hosts_[name]) {
                put_record(records, 1, address);
                ++count;
            }
        }
        std::string reply(question.substr(0, 2));
        put_u16(reply, is_known ? 0x8180 : 0x8183);  // an answer, or: no such name
        put_u16(reply, 1);
        put_u16(reply, count);
        put_u16(reply, 0);
        put_u16(reply, 0);
        reply += question.substr(12, at + 5 - 12);
        return reply + records;
    }

    void serve(const std::stop_token& stop) {
        std::array<char, 512> buffer{};
        while (!stop.stop_requested()) {
            pollfd ready{socket_.get(), POLLIN, 0};
            if (::poll(&ready, 1, 20) != 1) continue;
            sockaddr_in from{};
            socklen_t length = sizeof from;
            const ssize_t count = ::recvfrom(socket_.get(), buffer.data(), buffer.size(), 0,
                                             reinterpret_cast<sockaddr*>(&from), &length);
            if (count < 12) continue;
            ++questions_;
            if (silent_) continue;
            const std::string reply = answer({buffer.data(), static_cast<std::size_t>(count)});
            static_cast<void>(::sendto(socket_.get(), reply.data(), reply.size(), 0,
                                       reinterpret_cast<sockaddr*>(&from), length));
        }
    }

    Descriptor socket_;
    std::uint16_t port_ = 0;
    std::atomic<bool> silent_{false};
    std::atomic<std::size_t> questions_{0};
    std::mutex mutex_;
    std::map<std::string, std::vector<Srv>> srv_;
    std::map<std::string, std::vector<std::string>> hosts_;
    std::jthread thread_;
};

}  // namespace weft::testing

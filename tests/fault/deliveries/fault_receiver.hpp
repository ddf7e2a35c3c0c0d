#pragma once
// A receiver of callbacks that keeps to a script: it answers well or badly, hangs, resets, stops in
// the middle, or says a byte a second. One thread for all connections, so that a hundred thousand
// requests cost nothing but themselves.
// Threads: the script is called by the receiver's thread. Errors: std::system_error.

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>

#include "tests/support/loopback_listener.hpp"

namespace weft::fault {

enum class Answer : std::uint8_t { ok, error, too_many, hang, reset, half, drip };

class FaultReceiver {
public:
    using Script = std::function<Answer(std::string_view path, std::string_view body)>;

    explicit FaultReceiver(Script script);
    ~FaultReceiver();
    FaultReceiver(const FaultReceiver&) = delete;
    FaultReceiver& operator=(const FaultReceiver&) = delete;

    [[nodiscard]] std::string url(const std::string& path) const {
        return "http://127.0.0.1:" + std::to_string(listener_.port()) + path;
    }

private:
    struct Connection {
        std::string buffer;
        bool silent = false, drips = false;
    };

    void run();
    /// False: it is over.
    [[nodiscard]] bool serve(int fd, Connection& connection);
    [[nodiscard]] bool reply(int fd, Connection& connection, Answer answer) const;
    void drip();

    Script script_;
    testing::LoopbackListener listener_{1024};
    std::unordered_map<int, Connection> connections_;  // the thread's
    std::chrono::steady_clock::time_point next_drip_{};
    std::thread thread_;
};

}  // namespace weft::fault

#pragma once
// One prep: a WebSocket whose frames are replies, handed on in their order. In receipt mode one at
// a time, each with its answer; else several may be on their way, and when they are too many
// nothing more is read. Threads: any; hooks one at a time.

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "gateway/esub/elsewhere.hpp"
#include "gateway/esub/prep_frame.hpp"
#include "gateway/http/exchange.hpp"

namespace weft::gateway::esub {

class PrepSession : public std::enable_shared_from_this<PrepSession> {
public:
    using Deliver = std::function<void(const Rep&, std::string body, OnVerdict done)>;
    /// `ended` is told once whether it had been open.
    PrepSession(bool confirm, Deliver deliver, std::function<void(bool was_open)> ended);

    [[nodiscard]] WebSocketHooks hooks();

private:
    void on_message(std::string_view text);
    void on_done(Verdict verdict);
    void pump(std::unique_lock<std::mutex>& lock);

    const bool confirm_;
    const Deliver deliver_;
    const std::function<void(bool)> ended_;
    std::mutex mutex_;
    std::shared_ptr<WebSocket> socket_;
    std::deque<PrepFrame> waiting_;
    std::size_t out_ = 0;
    bool is_pumping_ = false, is_held_ = false, is_over_ = false, was_open_ = false;
};

}  // namespace weft::gateway::esub

#pragma once
// What a handler holds of a request: reaches the connection through its loop, and does nothing once
// the connection, or the whole server, has gone. Threads: any.

#include <atomic>
#include <memory>

#include "gateway/http/asio_connection.hpp"
#include "gateway/http/exchange.hpp"

namespace weft::gateway {

class HttpExchange final : public Exchange {
public:
    HttpExchange(std::shared_ptr<Turn> turn, std::weak_ptr<Connection> connection,
                 std::shared_ptr<LoopHandle> loop)
        : turn_(std::move(turn)), connection_(std::move(connection)), loop_(std::move(loop)) {}
    ~HttpExchange() override;

    [[nodiscard]] const Request& request() const override { return turn_->request; }
    void answer(Response response) override;
    [[nodiscard]] std::shared_ptr<Stream> stream(Response head) override;
    bool upgrade(WebSocketHooks hooks, std::string protocol) override;
    void on_gone(std::function<void()> hook) override;

private:
    bool use();
    void send(Response response);
    bool send_directly(Response& response);
    void answer_refusal(const Refusal& refusal);

    std::shared_ptr<Turn> turn_;
    std::weak_ptr<Connection> connection_;
    std::shared_ptr<LoopHandle> loop_;
    std::atomic<bool> used_{false};
};

}  // namespace weft::gateway

#pragma once
// libzmq's side of requests and answers: ROUTER and DEALER.
// Stays inside fabric: it shows libzmq's types.
// Threads: that of the port; wake() from any.

#include <memory>
#include <string>
#include <vector>

#include "fabric/transport/transport.hpp"
#include "fabric/transport/zmq_links.hpp"
#include "fabric/transport/zmq_listener.hpp"
#include "fabric/transport/zmq_socket.hpp"

namespace weft::fabric {

class ZmqAnswerPort final : public AnswerPort {
public:
    ZmqAnswerPort(zmq::context_t& context, const ZmqOptions& options, ZmqGate* gate);
    [[nodiscard]] tl::expected<void, std::string> bind_first(
        const std::vector<std::string>& endpoints);

    bool receive(std::string_view& who, Arrival& arrival) override;
    std::string peer() const override;
    bool send(std::string_view who, std::string_view topic, std::string_view contents,
              std::string_view proof) override;
    void wait(std::chrono::milliseconds timeout) override;
    void wake() override { wake_.wake(); }
    std::string bound() const override { return bound_; }

private:
    WakeFd wake_;
    ZmqListener listener_;
    zmq::message_t who_;
    ZmqFrames frames_;
    std::string bound_;
};

class ZmqRequestPort final : public RequestPort {
public:
    ZmqRequestPort(zmq::context_t& context, const ZmqOptions& options,
                   std::shared_ptr<Curve> curve);

    tl::expected<void, std::string> connect(const std::string& endpoint) override;
    bool send(std::string_view topic, std::string_view contents, std::string_view proof) override;
    bool receive(Arrival& arrival) override;
    std::string peer() const override;
    void wait(std::chrono::milliseconds timeout) override;
    void wake() override { wake_.wake(); }

private:
    zmq::socket_t socket_;
    WakeFd wake_;
    ZmqFrames frames_;
    ZmqLinks links_;
    std::string endpoint_;
};

}  // namespace weft::fabric

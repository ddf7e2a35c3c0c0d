#include "gateway/http/asio_exchange.hpp"

#include "gateway/http/asio_queueing.hpp"
#include "gateway/http/compression.hpp"
#include "gateway/http/problem.hpp"
#include "gateway/http/response_head.hpp"
#include "gateway/http/websocket_request.hpp"

namespace weft::gateway {
namespace {

/// Longer answers are left to the io thread, which goes on where the socket is full.
constexpr std::size_t direct_bytes_max = std::size_t{256} << 10U;

class HttpStream final : public Stream {
public:
    HttpStream(std::shared_ptr<Core> core, std::shared_ptr<StreamLink> link,
               std::weak_ptr<Connection> connection, std::shared_ptr<LoopHandle> loop)
        : core_(std::move(core)),
          link_(std::move(link)),
          connection_(std::move(connection)),
          loop_(std::move(loop)) {}
    /// Nobody can send any more: that is its end.
    ~HttpStream() override { HttpStream::end(); }

    bool send(SharedBytes bytes) override {
        // An empty chunk would be the end of the body.
        if (!bytes || bytes->empty()) return !link_->queue.closed();
        return put_or_cut_off(link_->queue, {std::move(bytes)}, core_->counters,
                              [this] { wake(); });
    }
    void end() override {
        if (link_->queue.end()) wake();
    }
    [[nodiscard]] bool closed() const override { return link_->queue.closed(); }
    [[nodiscard]] std::size_t queued() const override { return link_->queue.queued(); }
    void on_closed(std::function<void()> hook) override {
        if (!link_->closed.tell(hook)) (void)loop_->post(std::move(hook));
    }

private:
    void wake() {
        (void)loop_->post([connection = connection_, link = link_] {
            if (const auto open = connection.lock()) open->wake(link);
        });
    }
    std::shared_ptr<Core> core_;
    std::shared_ptr<StreamLink> link_;
    std::weak_ptr<Connection> connection_;
    std::shared_ptr<LoopHandle> loop_;
};

}  // namespace

HttpExchange::~HttpExchange() {
    if (used_.exchange(true)) return;
    if (turn_->gone.happened()) {
        (void)loop_->run([connection = connection_, turn = turn_] {
            if (const auto open = connection.lock()) open->abandon(turn);
        });
        return;
    }
    turn_->core->counters.refused(Refused::unanswered);
    send(
        problem(500, "the request got no answer; try again, and tell the operator if it stays so"));
}

bool HttpExchange::use() {
    if (!used_.exchange(true)) return true;
    ++turn_->core->counters[Count::answered_twice];
    return false;
}

/// By a thread that is not the connection's: writes it here and now, so that nobody has to wake up.
/// False: the io thread has to do it, and `response` is as it was.
bool HttpExchange::send_directly(Response& response) {
    Core& core = *turn_->core;
    const Request& request = turn_->request;
    if (core.draining || response.close || response.body.size() > direct_bytes_max) return false;
    if (response.status < 200 || response.status > 599) return false;
    const bool has_body = may_have_body(response.status);
    HeadShape shape;
    shape.version = request.version;
    shape.request_id = request.id;
    shape.now = std::time(nullptr);
    if (has_body) shape.length = response.body.size();
    std::string head = response_head(response.status, response.headers, shape);
    const std::string_view body = has_body ? std::string_view{response.body} : "";
    const auto written = turn_->direct.write(head, body, response.report.has_value());
    if (written.state == DirectAnswer::State::closed) return false;
    if (written.state == DirectAnswer::State::partial) {
        if (!has_body) response.body.clear();
        (void)loop_->post([connection = connection_, turn = turn_, response = std::move(response),
                           head = std::move(head), bytes = written.bytes]() mutable {
            if (const auto open = connection.lock()) {
                open->answer_rest(turn, std::move(response), std::move(head), bytes);
            } else if (response.report) {
                response.report->done(false);
            }
        });
        return true;
    }
    turn_->gone.forget();
    --core.counters[Count::requests_open];
    const auto took = std::chrono::steady_clock::now() - turn_->begin;
    core.record(request, request.id, response.status, written.bytes,
                std::chrono::duration_cast<std::chrono::microseconds>(took));
    if (written.tell) {
        (void)loop_->post([connection = connection_, turn = turn_] {
            if (const auto open = connection.lock()) open->go_on(turn);
        });
    }
    if (response.report) response.report->done(true);
    return true;
}

void HttpExchange::send(Response response) {
    if (!loop_->is_here() && send_directly(response)) return;
    (void)loop_->run(
        [connection = connection_, turn = turn_, response = std::move(response)]() mutable {
            if (const auto open = connection.lock()) {
                open->answer(turn, std::move(response));
            } else if (response.report) {
                response.report->done(false);
            }
        });
}

void HttpExchange::answer(Response response) {
    if (!use()) return;
    if (turn_->gone.happened()) ++turn_->core->counters[Count::answered_late];
    // Here, on the thread that answers, and not on the one that serves the connection.
    if (is_compressible(response) && may_have_body(response.status)) {
        response.headers.add("Vary", "Accept-Encoding");
        if (accepts_gzip(turn_->request.headers)) {
            if (auto packed = gzip(response.body)) {
                response.body = std::move(*packed);
                response.headers.add("Content-Encoding", "gzip");
            }
        }
    }
    send(std::move(response));
}

std::shared_ptr<Stream> HttpExchange::stream(Response head) {
    auto link = std::make_shared<StreamLink>(turn_->core->limits.stream_queue);
    auto stream = std::make_shared<HttpStream>(turn_->core, link, connection_, loop_);
    if (!use()) {
        link->queue.close();
        (void)link->closed.happen();
        return stream;
    }
    auto work = [connection = connection_, turn = turn_, link, head = std::move(head)]() mutable {
        if (const auto open = connection.lock()) {
            open->stream(turn, std::move(head), link);
        } else {
            link->queue.close();
            (void)link->closed.happen();
        }
    };
    if (!loop_->run(std::move(work))) {
        link->queue.close();
        (void)link->closed.happen();
    }
    return stream;
}

void HttpExchange::answer_refusal(const Refusal& refusal) {
    turn_->core->counters.refused(refusal.reason);
    Response response = problem(refusal.status, refusal.sentence);
    if (refusal.status == 426) {
        response.headers.add("Upgrade", "websocket");
        response.headers.add("Sec-WebSocket-Version", "13");
    }
    send(std::move(response));
}

bool HttpExchange::upgrade(WebSocketHooks hooks, std::string protocol) {
    if (!use()) return false;
    if (const auto refusal = refuse_websocket(turn_->request)) {
        answer_refusal(*refusal);
        return false;
    }
    // Later, when what came behind the handshake has been put aside.
    (void)loop_->post([connection = connection_, turn = turn_, hooks = std::move(hooks),
                       protocol = std::move(protocol)]() mutable {
        if (const auto open = connection.lock()) {
            open->upgrade(turn, std::move(hooks), std::move(protocol));
        } else if (hooks.closed) {
            hooks.closed(1006);
        }
    });
    return true;
}

void HttpExchange::on_gone(std::function<void()> hook) {
    if (!turn_->gone.tell(hook)) (void)loop_->post(std::move(hook));
}

}  // namespace weft::gateway

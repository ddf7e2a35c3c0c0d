#pragma once
// One HTTP connection: reads a request, has it handled, writes the answer, and so on. The next
// request is looked at when the answer before is out, so answers are in order and one client has
// one request in flight; what it sends ahead waits, up to limits.header.
// Threads: the io thread of its loop, apart from the constructor.

#include <memory>
#include <string>
#include <vector>

#include "gateway/http/asio_core.hpp"
#include "gateway/http/asio_wire.hpp"
#include "gateway/http/request_reader.hpp"
#include "gateway/http/send_queue.hpp"

namespace weft::gateway {

/// A stream's queue, shared by the handler's end and the connection's.
struct StreamLink {
    explicit StreamLink(std::size_t bytes_max) : queue(bytes_max) {}
    SendQueue queue;
    OnceHook closed;
};

class Connection final : public LoopMember, public std::enable_shared_from_this<Connection> {
public:
    Connection(std::shared_ptr<Core> core, Loop& loop, std::shared_ptr<const Site> site,
               OpenSlot slot);

    /// `refuse`: too many connections are open; say so and close.
    void start(tcp::socket socket, bool refuse);

    // What the exchange asks for; each does nothing if the turn is over.
    void answer(const std::shared_ptr<Turn>& turn, Response response);
    /// Another thread has written so many bytes of head and body; the rest is to be written here.
    void answer_rest(const std::shared_ptr<Turn>& turn, Response response, std::string head,
                     std::size_t written);
    /// Another thread has written all of it, and the next request is here already.
    void go_on(const std::shared_ptr<Turn>& turn);
    void stream(const std::shared_ptr<Turn>& turn, Response head, std::shared_ptr<StreamLink> link);
    void upgrade(const std::shared_ptr<Turn>& turn, WebSocketHooks hooks, std::string protocol);
    /// Nobody will answer, and nobody would read it: the client has gone.
    void abandon(const std::shared_ptr<Turn>& turn) {
        if (turn == turn_ && phase_ == Phase::handling) close();
    }
    /// The stream has something to send, is ended, or was closed for being too slow.
    void wake(const std::shared_ptr<StreamLink>& link);

    void tick(SteadyTime now) override;
    void drain() override;
    void end() override;
    void abort() override { close(); }

private:
    enum class Phase { opening, reading, handling, writing, streaming, lingering, closed };

    void begin_http(std::unique_ptr<Wire> wire, bool tls);
    void begin_tls();
    void listen();
    void on_bytes(SocketError error, std::string_view bytes);
    void on_end_of_input(SocketError error);
    void feed();
    std::size_t feed_some(std::string_view bytes);
    bool on_head();
    [[nodiscard]] bool will_soon_be_complete() const;
    bool count_body();
    void begin_turn();
    bool settle_direct();
    void refuse(const Refusal& refusal);
    void refuse_with(Response response);
    void refuse_to_https();
    void end_turn();
    void close_stream();
    void finish_turn();
    void tell_report(bool all_taken);
    void linger();
    void close();
    void record_access(unsigned status);

    void put_head(unsigned status, const Headers& headers, std::optional<std::uint64_t> length,
                  bool chunked);
    void write(std::vector<asio::const_buffer> buffers);
    void write_on();
    void on_written(std::size_t bytes);
    void write_done();
    void flush_stream();
    void finish_stream();
    [[nodiscard]] bool is_unsettled() const;
    void settle(std::chrono::microseconds pause);

    std::shared_ptr<Core> core_;
    Loop& loop_;
    std::shared_ptr<const Site> site_;
    std::optional<OpenSlot> slot_;
    std::unique_ptr<TlsStream> opening_;  ///< Until it is known what is spoken.
    std::unique_ptr<Wire> wire_;
    std::string peer_;
    bool loopback_ = false;
    bool same_system_ = false;  ///< What leaves here is there.
    bool tls_ = false;

    Phase phase_ = Phase::opening;
    SteadyTime deadline_ = SteadyTime::max();
    RequestReader reader_;
    std::string input_;  ///< Read and not looked at.
    std::uint64_t counted_body_ = 0;
    bool listening_ = false, eof_ = false, head_seen_ = false, keep_alive_ = true;
    bool is_feeding_ = false;  ///< feed() goes on by itself after an answer.

    std::shared_ptr<Turn> turn_;
    std::shared_ptr<StreamLink> stream_;
    bool chunked_ = false;

    // What is being written.
    bool is_writing_ = false;
    std::string out_head_, out_body_;
    std::vector<SendQueue::Item> out_items_;
    std::vector<asio::const_buffer> buffers_;
    std::vector<asio::const_buffer> next_buffers_;  ///< Behind "100 Continue".
    std::size_t out_queue_bytes_ = 0;
    std::uint64_t turn_bytes_ = 0;
    unsigned status_ = 0;
    std::string refused_id_;  ///< Of what was refused before it became a turn.
    std::optional<WriteReport> report_;
    bool asks_system_ = false;  ///< The report needs more than that the answer was written.
    int unsettled_ = 0;         ///< Bytes that the client's system had not acknowledged.
};

}  // namespace weft::gateway

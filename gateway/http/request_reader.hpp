#pragma once
// Makes requests out of bytes, strictly (rule H4): whatever two readers could read in two ways is
// refused, and after a refusal the connection must be closed, since nobody knows where the next
// request would begin. Nothing is allocated by a length that the client only declares.
// Pure state machine: no socket, no clock. Threads: one.

#include <cstdint>
#include <string>
#include <string_view>

#include "gateway/http/limits.hpp"
#include "gateway/http/message.hpp"
#include "gateway/http/refused.hpp"

namespace weft::gateway {

class RequestReader {
public:
    enum class State {
        idle,      ///< Not a byte of a request has come.
        head,      ///< In the request line or the headers.
        body,      ///< The headers are whole, the body is not.
        complete,  ///< take_request() has it.
        refused,   ///< refusal() says why; nothing more is read.
    };

    /// `limits` must outlive the reader.
    explicit RequestReader(const Limits& limits);

    /// Reads until the request is complete or refused, and returns how many bytes it took: what is
    /// left belongs to the next request.
    std::size_t read(std::string_view bytes);

    [[nodiscard]] State state() const noexcept { return state_; }
    [[nodiscard]] const Refusal& refusal() const noexcept { return refusal_; }
    /// The request as far as it has been read; its line and headers are whole in State::body.
    [[nodiscard]] const Request& request() const noexcept { return request_; }
    /// The client waits for "100 Continue" before it sends the body.
    [[nodiscard]] bool expects_continue() const noexcept { return expects_continue_; }
    /// What is still to come of the body; 0 where that is not declared (chunks).
    [[nodiscard]] std::uint64_t body_left() const noexcept { return chunked_ ? 0 : left_; }
    /// The client wants to send another request after the answer.
    [[nodiscard]] bool keeps_alive() const noexcept { return keeps_alive_; }

    /// Only in State::complete; the reader is idle again, for the next request.
    [[nodiscard]] Request take_request();

private:
    enum class Part { request_line, headers, fixed, chunk_size, chunk_data, chunk_end, trailer };

    void refuse(Refused reason, unsigned status, std::string sentence);
    std::size_t read_line(std::string_view bytes);
    std::size_t read_data(std::string_view bytes);
    void on_line(std::string_view line);
    void on_request_line(std::string_view line);
    void on_target(std::string_view target);
    void on_version(std::string_view version);
    void on_header(std::string_view line);
    void on_head_end();
    void on_chunk_size(std::string_view line);
    void on_trailer(std::string_view line);
    bool check_host();
    bool check_once();
    bool find_framing();
    bool find_length(std::string_view text);
    void find_connection();
    void begin_body();
    [[nodiscard]] std::size_t line_max() const noexcept;
    void refuse_long_line();

    const Limits& limits_;
    State state_ = State::idle;
    Part part_ = Part::request_line;
    Refusal refusal_{};
    Request request_;
    std::string line_;             ///< The beginning of a line whose end has not come.
    std::string authority_;        ///< Of an absolute target: what Host must say, too.
    std::size_t head_bytes_ = 0;   ///< Of the request line and the headers.
    std::size_t extra_bytes_ = 0;  ///< Of chunk extensions and trailers.
    std::uint64_t left_ = 0;       ///< Of the body or of this chunk.
    bool chunked_ = false;
    bool expects_continue_ = false;
    bool keeps_alive_ = true;
    bool skipped_empty_line_ = false;
};

}  // namespace weft::gateway

// The writing half of a connection: answers and streams.
#include <algorithm>
#include <array>
#include <cassert>
#include <cstdio>
#include <ctime>

#include "gateway/http/asio_connection.hpp"
#include "gateway/http/problem.hpp"
#include "gateway/http/response_head.hpp"

namespace weft::gateway {
namespace {

constexpr std::size_t batch_items_max = 60;
/// How long an answer that has left is let alone before it is looked at: a moment, then longer.
constexpr std::chrono::microseconds first_pause{250}, longest_pause{50'000};
constexpr std::string_view line_end = "\r\n";

asio::const_buffer buffer_of(std::string_view bytes) {
    return {bytes.data(), bytes.size()};
}

std::string chunk_head(std::size_t bytes) {
    std::array<char, 24> text{};
    std::snprintf(text.data(), text.size(), "%zx\r\n", bytes);
    return text.data();
}

}  // namespace

void Connection::put_head(unsigned status, const Headers& headers,
                          std::optional<std::uint64_t> length, bool chunked) {
    HeadShape shape;
    if (turn_) {
        shape.version = turn_->request.version;
        shape.request_id = turn_->request.id;
    } else {
        refused_id_ = core_->request_id(reader_.request().headers);
        shape.request_id = refused_id_;
    }
    if (core_->draining) keep_alive_ = false;
    shape.keep_alive = keep_alive_;
    shape.chunked = chunked;
    shape.length = length;
    shape.now = std::time(nullptr);
    status_ = status;
    out_head_ = response_head(status, headers, shape);
}

void Connection::answer(const std::shared_ptr<Turn>& turn, Response response) {
    if (turn != turn_ || phase_ != Phase::handling) {
        if (response.report) response.report->done(false);
        return;
    }
    report_ = std::move(response.report);
    asks_system_ = report_ && (!same_system_ || response.body.size() > sure_bytes || eof_ ||
                               wire_->peer_has_closed());
    if (response.close) keep_alive_ = false;
    if (response.status < 200 || response.status > 599) response.status = 500;
    const bool has_body = may_have_body(response.status);
    const std::uint64_t length = response.body.size();
    put_head(response.status, response.headers, has_body ? std::optional(length) : std::nullopt,
             false);
    if (has_body && turn->request.method != "HEAD") out_body_ = std::move(response.body);
    phase_ = Phase::writing;
    write({buffer_of(out_head_), buffer_of(out_body_)});
}

void Connection::answer_rest(const std::shared_ptr<Turn>& turn, Response response, std::string head,
                             std::size_t written) {
    if (turn != turn_ || phase_ != Phase::handling) {
        if (response.report) response.report->done(false);
        return;
    }
    report_ = std::move(response.report);
    asks_system_ = report_.has_value();  // It had no room for all of it at once.
    status_ = response.status;
    out_head_ = std::move(head);
    out_body_ = std::move(response.body);
    turn_bytes_ = written;
    phase_ = Phase::writing;
    if (written < out_head_.size()) {
        return write({buffer_of(out_head_) + written, buffer_of(out_body_)});
    }
    write({buffer_of(out_body_) + (written - out_head_.size())});
}

void Connection::refuse(const Refusal& refusal) {
    core_->counters.refused(refusal.reason);
    refuse_with(problem(refusal.status, refusal.sentence));
}

void Connection::refuse_with(Response response) {
    keep_alive_ = false;
    put_head(response.status, response.headers, response.body.size(), false);
    if (reader_.request().method != "HEAD") out_body_ = std::move(response.body);
    record_access(response.status);
    phase_ = Phase::writing;
    write({buffer_of(out_head_), buffer_of(out_body_)});
}

void Connection::refuse_to_https() {
    core_->counters.refused(Refused::tls_only);
    const Request& request = reader_.request();
    const auto host = request.headers.find("Host");
    if (!host) {
        return refuse_with(problem(400, "only https is spoken here, to whom? Send a Host header"));
    }
    Response response = problem(308, "only https is spoken here; ask the Location");
    response.headers.add("Location", "https://" + std::string{*host} + request.target);
    refuse_with(std::move(response));
}

void Connection::stream(const std::shared_ptr<Turn>& turn, Response head,
                        std::shared_ptr<StreamLink> link) {
    if (turn != turn_ || phase_ != Phase::handling) {
        link->queue.close();
        asio::post(loop_.context(), [link] { link->closed.happen(); });
        return;
    }
    if (head.status < 200 || head.status > 599) head.status = 500;
    if (head.close || turn->request.version == 10) keep_alive_ = false;
    chunked_ = turn->request.version == 11 && may_have_body(head.status);
    put_head(head.status, head.headers, std::nullopt, chunked_);
    stream_ = std::move(link);
    if (eof_) return close();
    if (turn->request.method == "HEAD" || !may_have_body(head.status)) {
        close_stream();
        phase_ = Phase::writing;
        return write({buffer_of(out_head_)});
    }
    phase_ = Phase::streaming;
    if (!head.body.empty() && chunked_) {
        out_body_ = chunk_head(head.body.size()) + head.body;
        out_body_ += line_end;
    } else {
        out_body_ = std::move(head.body);
    }
    write({buffer_of(out_head_), buffer_of(out_body_)});
}

void Connection::close_stream() {
    stream_->queue.close();
    asio::post(loop_.context(), [link = stream_] { link->closed.happen(); });
    stream_.reset();
}

void Connection::wake(const std::shared_ptr<StreamLink>& link) {
    if (link != stream_) return;
    if (link->queue.cut_off()) return close();
    if (!is_writing_) flush_stream();
}

void Connection::flush_stream() {
    out_items_ = stream_->queue.take(batch_items_max);
    if (out_items_.empty()) {
        deadline_ = SteadyTime::max();
        if (stream_->queue.finished()) finish_stream();
        return;
    }
    out_queue_bytes_ = 0;
    for (const auto& item : out_items_) out_queue_bytes_ += item.bytes->size();
    // One chunk for all that has gathered: its bytes are everybody's, only the size is ours.
    std::vector<asio::const_buffer> buffers;
    buffers.reserve(out_items_.size() + 2);
    out_head_ = chunked_ ? chunk_head(out_queue_bytes_) : std::string{};
    buffers.push_back(buffer_of(out_head_));
    for (const auto& item : out_items_) buffers.push_back(buffer_of(*item.bytes));
    if (chunked_) buffers.push_back(buffer_of(line_end));
    write(std::move(buffers));
}

void Connection::finish_stream() {
    close_stream();
    phase_ = Phase::writing;
    if (!chunked_) return finish_turn();
    out_head_ = "0\r\n\r\n";
    write({buffer_of(out_head_)});
}

void Connection::write(std::vector<asio::const_buffer> buffers) {
    if (is_writing_) {
        // "100 Continue" is still on its way.
        assert(next_buffers_.empty());
        next_buffers_ = std::move(buffers);
        return;
    }
    buffers_ = std::move(buffers);
    is_writing_ = true;
    write_on();
}

void Connection::write_on() {
    if (phase_ != Phase::streaming) {
        // Most answers fit into the socket: no round through the loop then.
        SocketError error;
        const std::size_t bytes = wire_->write_now(buffers_, error);
        if (!error) return on_written(bytes);
        if (error != asio::error::would_block) return close();
    }
    if (phase_ == Phase::writing || phase_ == Phase::streaming) {
        deadline_ = loop_.now() + (report_ ? report_->patience : core_->limits.idle);
    }
    asks_system_ = true;
    wire_->write(buffers_, [self = shared_from_this()](SocketError error, std::size_t bytes) {
        if (self->phase_ == Phase::closed) return;
        if (error) return self->close();
        self->on_written(bytes);
    });
}

void Connection::on_written(std::size_t bytes) {
    turn_bytes_ += bytes;
    std::size_t sent = 0;
    while (sent < buffers_.size() && bytes >= buffers_[sent].size())
        bytes -= buffers_[sent++].size();
    buffers_.erase(buffers_.begin(), buffers_.begin() + static_cast<std::ptrdiff_t>(sent));
    if (!buffers_.empty()) {
        buffers_.front() += bytes;
        return write_on();
    }
    if (!next_buffers_.empty()) {
        buffers_ = std::exchange(next_buffers_, {});
        return write_on();
    }
    is_writing_ = false;
    write_done();
}

void Connection::write_done() {
    if (phase_ == Phase::writing) {
        finish_turn();
    } else if (phase_ == Phase::streaming) {
        out_body_ = {};
        out_items_.clear();
        stream_->queue.taken(std::exchange(out_queue_bytes_, 0));
        if (stream_->queue.cut_off()) return close();
        flush_stream();
    }
}

/// A client may have closed one half, and read on, or both: only its system knows, which
/// acknowledges what it takes and resets what comes too late. Beyond a network the same is true of
/// every answer: it may vanish on its way.
bool Connection::is_unsettled() const {
    return report_ && (asks_system_ || eof_);
}

void Connection::settle(std::chrono::microseconds pause) {
    const auto [fate, left] = wire_->progress(same_system_ && !eof_);
    if (fate == Wire::Fate::lost) return close();
    if (fate == Wire::Fate::taken) {
        tell_report(true);
        return finish_turn();
    }
    if (left != std::exchange(unsettled_, left)) deadline_ = loop_.now() + report_->patience;
    auto timer = std::make_unique<asio::steady_timer>(loop_.context(), pause);
    asio::steady_timer& running = *timer;
    running.async_wait([self = shared_from_this(), timer = std::move(timer), pause](SocketError) {
        const bool is_same = self->phase_ == Phase::writing && self->report_;
        if (is_same) self->settle(std::min(pause * 2, longest_pause));
    });
}

void Connection::finish_turn() {
    if (is_unsettled()) {
        unsettled_ = 0;
        return settle(first_pause);
    }
    tell_report(true);
    if (turn_) record_access(status_);
    end_turn();
    out_head_ = {};
    out_body_ = {};
    buffers_ = {};
    out_items_ = std::vector<SendQueue::Item>{};
    turn_bytes_ = 0;
    if (!keep_alive_ || eof_ || core_->draining) return linger();
    phase_ = Phase::reading;
    deadline_ = loop_.now() + core_->limits.idle;
    if (is_feeding_) return;
    feed();
    listen();
}

void Connection::tell_report(bool all_taken) {
    if (!report_) return;
    const WriteReport report = std::move(*report_);
    report_.reset();
    report.done(all_taken);
}

}  // namespace weft::gateway

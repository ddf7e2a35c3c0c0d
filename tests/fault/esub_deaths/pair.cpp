#include "tests/fault/esub_deaths/pair.hpp"

#include <chrono>
#include <utility>

namespace weft::testing {
namespace {

/// Much more than the sub's system takes, which is next to nothing: most of it stays with the
/// server's, or with the server itself.
constexpr std::size_t small_body = 64, stalled_body = std::size_t{32} << 10U,
                      large_body = std::size_t{128} << 10U, huge_body = std::size_t{4} << 20U;
constexpr int small_buffer = 4096;

std::size_t body_size(Row row, std::size_t number) {
    if (row.stage != Stage::during) return small_body;
    // Where it waits all the time, only a few can be larger than all that systems keep.
    if (row.death == Death::blackhole) return stalled_body;
    if (row.takes_long() && number % 64 != 0) return stalled_body;
    return number % 64 == 0 ? huge_body : large_body;
}

}  // namespace

int Pair::receive_buffer_of(Row row) {
    return row.stage == Stage::during ? small_buffer : 0;
}

Pair::Pair(Client sub, Client rep, std::string key, Row row, std::size_t number)
    : key_(std::move(key)),
      row_(row),
      sub_(std::move(sub)),
      rep_(std::move(rep)),
      body_(body_size(row, number), static_cast<char>('a' + number % 26)),
      number_(number) {
    body_.replace(0, key_.size(), key_);
    sub_.send("GET /sub/" + key_ + " HTTP/1.1\r\nHost: h\r\n\r\n");
}

std::string Pair::request() const {
    return "POST /rep/" + key_ +
           " HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body_.size()) + "\r\n\r\n" +
           body_;
}

void Pair::reply() {
    // If it is refused before its body is there, the answer comes all the same.
    rep_.send(row_.stage == Stage::during ? body_.substr(body_.size() - 1) : request());
}

void Pair::begin() {
    if (row_.stage != Stage::during) return;
    const std::string all = request();
    rep_.send(std::string_view{all}.substr(0, all.size() - 1));
}

void Pair::die() {
    if (row_.death == Death::fin) sub_.close();
    if (row_.death == Death::rst) sub_.reset();
    if (row_.death == Death::half) sub_.close_sending();
}

void Pair::act() {
    switch (row_.stage) {
        case Stage::before:
            if (row_.death == Death::blackhole) return;
            die();
            return reply();
        case Stage::same_moment: {
            if (number_ % 4 == 0) {
                die();
                return reply();
            }
            reply();
            // So that it comes before, within and behind the answer.
            const auto until =
                std::chrono::steady_clock::now() + std::chrono::microseconds{number_ % 64 * 16};
            while (std::chrono::steady_clock::now() < until) {
            }
            return die();
        }
        case Stage::during:
            reply();
            has_head_ = sub_.read_status() == 200;
            if (has_head_) sub_.read_body(small_body + number_ % 64 * 128);
            die();
            if (row_.death == Death::half) {
                sub_.widen();
                sub_.read_body();
            }
            return;
        case Stage::after:
            reply();
            has_head_ = sub_.read_status() == 200;
            if (has_head_) sub_.read_body();
            return die();
    }
}

void Pair::read_on() {
    if (row_.death == Death::blackhole && has_head_) sub_.read_some();
}

void Pair::act_cut_off() {
    if (row_.death == Death::blackhole && row_.stage == Stage::before) reply();
}

void Pair::hear_answer() {
    told_ = rep_.read_status();
    if (told_ != 0) rep_.reset();  // Ports are needed again.
}

void Pair::judge(Tally& tally) {
    // A host that knows nothing of the connection any more says so.
    if (row_.death == Death::blackhole) sub_.send("?");
    if (row_.death == Death::half || row_.death == Death::stop || row_.death == Death::blackhole) {
        sub_.widen();
        has_head_ = has_head_ || sub_.read_status() == 200;
        if (has_head_) sub_.read_body();
    }
    const bool is_there = has_head_ && sub_.body() == body_;
    if (told_ == 0) {
        ++tally.unanswered;
    } else if (told_ == 200) {
        ++(is_there ? tally.delivered : tally.lied);
    } else {
        ++(is_there ? tally.refused_but_there : tally.refused);
    }
}

}  // namespace weft::testing

#pragma once
// A raw HTTP client that may die in any way, on any host. Threads: a value; one at a time.
// Errors: std::system_error where no connection is made; everything else is a value. Nothing waits
// longer than 20 s.

#include <cstdint>
#include <string>
#include <string_view>

#include "tests/support/descriptor.hpp"

namespace weft::testing {

struct Address {
    std::string host = "127.0.0.1";
    std::uint16_t port = 0;
};

class Client {
public:
    /// `receive_buffer` 0: the system's.
    explicit Client(const Address& address, int receive_buffer = 0);

    /// False: the server has closed.
    bool send(std::string_view bytes);
    void close() { socket_.close(); }
    void reset();
    void close_sending();
    /// From now on it takes as much as others do.
    void widen();

    /// Of the answer; 0: the connection ended first, or there is no answer.
    unsigned read_status();
    /// Until so many bytes of the body are there; false: they will not come.
    bool read_body(std::size_t bytes);
    /// All of it.
    bool read_body() { return read_body(length_); }
    /// What is there already.
    void read_some();
    [[nodiscard]] const std::string& body() const noexcept { return body_; }

    /// The next WebSocket frame's payload; false: there is none.
    bool read_frame(std::string& payload);

private:
    bool fill(std::string& into);

    Descriptor socket_;
    std::string body_;
    std::size_t length_ = 0;
};

}  // namespace weft::testing

#pragma once
// What the load for esub needs of sockets, HTTP and WebSockets; it knows just what servers of esub
// send. A connection that breaks ends the program. Threads: one.

#include <cstdint>
#include <string>
#include <string_view>

namespace weft::bench {

[[noreturn]] void fail(const std::string& what);

/// Where an esub is: a port of this host, and what stands in front of every path.
struct Place {
    std::uint16_t port = 0;
    std::string prefix;

    /// "8090", "127.0.0.1:8090" or "http://127.0.0.1:8090/esub"; ends the program if it is none.
    [[nodiscard]] static Place parse(std::string_view text);
};

/// One connection. What was read and is not whole yet waits in `in`.
struct Line {
    int fd = -1;
    std::string in;

    Line() = default;
    explicit Line(const Place& place);
    Line(Line&& other) noexcept;
    Line& operator=(Line&& other) noexcept;
    ~Line();

    void send(std::string_view bytes) const;
    /// Reads once; the bytes, with what waited in front, are there until the next fill() of any
    /// line. Give what is left of them to keep().
    [[nodiscard]] std::string_view fill();
    void keep(std::string_view rest);
    /// The answer to what was sent, waiting for it.
    [[nodiscard]] std::string await_answer();
    /// Sends the request for a WebSocket, and waits until it is one.
    void upgrade(const std::string& path);
};

/// The first answer in `bytes`: its status, or 0 if it is not whole yet; takes it out.
[[nodiscard]] int take_answer(std::string_view& bytes, std::string_view& body);
/// The first frame of a server; false: it is not whole yet.
[[nodiscard]] bool take_frame(std::string_view& bytes, std::string_view& body);
/// The head of a client's text frame, with a mask of zeros: masked, and as it was.
void append_frame_head(std::string& frame, std::size_t bytes);

/// Seconds of processor time of a process, and of this one; its resident memory. 0: unknown.
[[nodiscard]] double cpu_of(int pid);
[[nodiscard]] double own_cpu();
[[nodiscard]] double resident_kib(int pid);

}  // namespace weft::bench

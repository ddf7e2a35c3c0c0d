// Load for esub on a gateway that runs: round trips of pairs, one connection each side, every body
// verified. One thread, epoll.
//   esub_load PORT [--mode sub|cold|psub|prep] [--pairs N] [--seconds S] [--bytes B] [--prefix P]
// sub:  GET /sub first; POST /rep once that was a while ago; a 404 is tried again after 200 us.
// cold: GET and POST are written together.
// psub: POST /rep, read by a WebSocket.  prep: the same, sent by a WebSocket.
// A table on stdout: what was done in a second, and percentiles from the reply to its body.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::microseconds;

enum class Mode { sub, cold, psub, prep };

struct Options {
    std::uint16_t port = 0;
    Mode mode = Mode::sub;
    std::size_t pairs = 64, bytes = 64;
    double seconds = 4;
    std::string prefix;
};

[[noreturn]] void fail(const std::string& what) {
    std::fprintf(stderr, "esub_load: %s\n", what.c_str());
    std::exit(1);
}

int connect_to(std::uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
        fail("nobody listens there");
    }
    return fd;
}

void send_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) fail("a connection was closed");
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
}

/// One side of a pair.
struct Line {
    int fd = -1;
    std::string in;
    bool is_websocket = false;
};

/// The next answer in `in`: its status, or 0 if it is not whole yet; takes it out.
int take_answer(std::string& in, std::string& body) {
    const std::size_t head = in.find("\r\n\r\n");
    if (head == std::string::npos) return 0;
    const std::size_t field = in.find("Content-Length: ");
    const std::size_t length =
        field < head ? static_cast<std::size_t>(std::atol(in.c_str() + field + 16)) : 0;
    if (in.size() < head + 4 + length) return 0;
    const int status = std::atoi(in.c_str() + 9);
    body.assign(in, head + 4, length);
    in.erase(0, head + 4 + length);
    return status;
}

bool take_frame(std::string& in, std::string& body) {
    if (in.size() < 2) return false;
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(in[i]); };
    std::size_t length = byte(1) & 127U, head = 2;
    if (length >= 126) {
        const std::size_t more = length == 126 ? 2 : 8;
        if (in.size() < 2 + more) return false;
        length = 0;
        for (std::size_t i = 0; i < more; ++i) length = length << 8U | byte(2 + i);
        head += more;
    }
    if (in.size() < head + length) return false;
    body.assign(in, head, length);
    in.erase(0, head + length);
    return true;
}

std::string masked_text(std::string_view text) {
    std::string frame = "\x81";
    if (text.size() < 126) {
        frame += static_cast<char>(128U | text.size());
    } else {
        frame += static_cast<char>(128U | 126U);
        frame += static_cast<char>(text.size() >> 8U);
        frame += static_cast<char>(text.size());
    }
    frame += std::string(4, '\0');  // A mask of zeros: masked, and as it was.
    return frame.append(text);
}

class Load {
public:
    explicit Load(Options options) : options_(std::move(options)), epoll_(::epoll_create1(0)) {
        pairs_.resize(options_.pairs);
        for (std::size_t i = 0; i < pairs_.size(); ++i) open(i);
    }

    int run() {
        const auto begin = Clock::now();
        const auto until = begin + microseconds{static_cast<std::int64_t>(options_.seconds * 1e6)};
        for (std::size_t i = 0; i < pairs_.size(); ++i) next_round(i);
        std::vector<epoll_event> events(256);
        auto now = Clock::now();
        while (now < until) {
            const int timeout = retries_.empty() ? 100 : 0;
            const int count = ::epoll_wait(epoll_, events.data(), 256, timeout);
            for (int i = 0; i < count; ++i) {
                const std::uint64_t id = events[static_cast<std::size_t>(i)].data.u64;
                on_bytes(id >> 1U, (id & 1U) != 0);
            }
            now = Clock::now();
            while (!retries_.empty() && retries_.front().first <= now) {
                const std::size_t again = retries_.front().second;
                retries_.pop_front();
                reply(again);
            }
        }
        report(std::chrono::duration<double>(now - begin).count());
        return wrong_ == 0 ? 0 : 1;
    }

private:
    struct Pair {
        Line sub, rep;
        std::uint64_t round = 0;
        std::string body, got, key;
        bool has_body = false, is_answered = false;
        Clock::time_point sent;
    };

    void add(Line& line, std::size_t index, bool is_rep) {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.u64 = index << 1U | (is_rep ? 1U : 0U);
        ::epoll_ctl(epoll_, EPOLL_CTL_ADD, line.fd, &event);
    }
    void upgrade(Line& line, const std::string& path) {
        send_all(line.fd, "GET " + options_.prefix + path +
                              " HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket"
                              "\r\nSec-WebSocket-Version: 13\r\n"
                              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
        while (line.in.find("\r\n\r\n") == std::string::npos) fill(line);
        if (!line.in.starts_with("HTTP/1.1 101")) fail("no WebSocket: " + line.in);
        line.in.erase(0, line.in.find("\r\n\r\n") + 4);
        line.is_websocket = true;
    }
    void open(std::size_t index) {
        Pair& pair = pairs_[index];
        pair.key = "load-" + std::to_string(::getpid()) + "-" + std::to_string(index);
        pair.sub.fd = connect_to(options_.port);
        pair.rep.fd = connect_to(options_.port);
        if (options_.mode == Mode::psub || options_.mode == Mode::prep) {
            upgrade(pair.sub, "/psub/" + pair.key);
        }
        if (options_.mode == Mode::prep) upgrade(pair.rep, "/prep");
        add(pair.sub, index, false);
        add(pair.rep, index, true);
    }

    void next_round(std::size_t index) {
        Pair& pair = pairs_[index];
        ++pair.round;
        pair.body = pair.key + " " + std::to_string(pair.round) + " ";
        pair.body.resize(std::max(options_.bytes, pair.body.size()),
                         static_cast<char>('a' + pair.round % 26));
        pair.has_body = false;
        // Over a prep nothing comes back.
        pair.is_answered = options_.mode == Mode::prep;
        if (options_.mode == Mode::sub || options_.mode == Mode::cold) {
            send_all(pair.sub.fd, "GET " + options_.prefix + "/sub/" + pair.key +
                                      " HTTP/1.1\r\nHost: h\r\n\r\n");
        }
        if (options_.mode == Mode::sub) {
            // Behind what all others do now, so that it is registered first.
            retries_.emplace_back(Clock::now(), index);
        } else {
            reply(index);
        }
    }
    void reply(std::size_t index) {
        Pair& pair = pairs_[index];
        pair.sent = Clock::now();
        if (options_.mode == Mode::prep) {
            return send_all(pair.rep.fd, masked_text(R"({"key":")" + pair.key + R"(","data":")" +
                                                     pair.body + "\"}"));
        }
        send_all(pair.rep.fd, "POST " + options_.prefix + "/rep/" + pair.key +
                                  " HTTP/1.1\r\nHost: h\r\nContent-Length: " +
                                  std::to_string(pair.body.size()) + "\r\n\r\n" + pair.body);
    }

    void fill(Line& line) {
        char bytes[65536];
        const ssize_t got = ::recv(line.fd, bytes, sizeof bytes, 0);
        if (got <= 0) fail("a connection was closed");
        line.in.append(bytes, static_cast<std::size_t>(got));
    }
    void on_bytes(std::size_t index, bool is_rep) {
        Pair& pair = pairs_[index];
        Line& line = is_rep ? pair.rep : pair.sub;
        fill(line);
        if (is_rep) {
            const int status = take_answer(line.in, pair.got);
            if (status == 0) return;
            if (status == 404) {
                ++again_;
                retries_.emplace_back(Clock::now() + microseconds{200}, index);
                return;
            }
            if (status != 200) ++wrong_;
            pair.is_answered = true;
        } else {
            if (line.is_websocket ? !take_frame(line.in, pair.got)
                                  : take_answer(line.in, pair.got) == 0) {
                return;
            }
            if (pair.got != pair.body) ++wrong_;
            pair.has_body = true;
            took_.push_back(static_cast<float>(
                std::chrono::duration<double, std::micro>(Clock::now() - pair.sent).count()));
        }
        if (pair.has_body && pair.is_answered) next_round(index);
    }

    void report(double seconds) {
        static constexpr const char* names[] = {"sub", "cold", "psub", "prep"};
        std::sort(took_.begin(), took_.end());
        const auto percentile = [&](double share) {
            if (took_.empty()) return 0.0F;
            return took_[static_cast<std::size_t>(share * static_cast<double>(took_.size() - 1))];
        };
        std::printf("%-5s %6s %6s %10s %9s %9s %8s %6s\n", "mode", "pairs", "bytes", "rate/s",
                    "p50 us", "p99 us", "again", "wrong");
        std::printf("%-5s %6zu %6zu %10.0f %9.0f %9.0f %8zu %6zu\n",
                    names[static_cast<std::size_t>(options_.mode)], options_.pairs, options_.bytes,
                    static_cast<double>(took_.size()) / seconds,
                    static_cast<double>(percentile(0.5)), static_cast<double>(percentile(0.99)),
                    again_, wrong_);
    }

    const Options options_;
    const int epoll_;
    std::vector<Pair> pairs_;
    std::deque<std::pair<Clock::time_point, std::size_t>> retries_;
    std::vector<float> took_;
    std::size_t again_ = 0, wrong_ = 0;
};

Options read_options(int argc, char** argv) {
    Options options;
    if (argc < 2) fail("name the port of esub");
    options.port = static_cast<std::uint16_t>(std::atoi(argv[1]));
    for (int i = 2; i + 1 < argc; i += 2) {
        const std::string_view name = argv[i], value = argv[i + 1];
        if (name == "--mode") {
            options.mode = value == "cold"   ? Mode::cold
                           : value == "psub" ? Mode::psub
                           : value == "prep" ? Mode::prep
                                             : Mode::sub;
        } else if (name == "--pairs") {
            options.pairs = static_cast<std::size_t>(std::atol(argv[i + 1]));
        } else if (name == "--seconds") {
            options.seconds = std::atof(argv[i + 1]);
        } else if (name == "--bytes") {
            options.bytes = static_cast<std::size_t>(std::atol(argv[i + 1]));
        } else if (name == "--prefix") {
            options.prefix = value;
        } else {
            fail("--mode, --pairs, --seconds, --bytes and --prefix are known");
        }
    }
    return options;
}

}  // namespace

int main(int argc, char** argv) {
    return Load(read_options(argc, argv)).run();
}

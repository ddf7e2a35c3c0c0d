// Load for esub on a gateway that runs: round trips of pairs, one connection each side, every body
// verified. One thread, epoll.
//   esub_load PORT [--mode sub|cold|psub|prep] [--pairs N] [--seconds S] [--bytes B] [--prefix P]
//             [--ahead N] [--waiting N] [--server PID]
// sub:  a pair has `ahead` subs with keys of their own, which are replied to in turn; so a key was
//       asked for that many rounds before its reply. A 404 is tried again after 200 us, and
//       counted.
// cold: GET and POST are written together.
// psub: POST /rep, read by a WebSocket.  prep: the same, sent by a WebSocket.
// --waiting: so many other subs wait all the time, and nobody replies to them.
// A table on stdout: what was done in a second, percentiles from the reply to its body, how many
// bodies were compared, and what a round cost this program, so that its own limit is known. With
// the server's PID also what a round cost the server, and its resident memory.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
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
    std::size_t pairs = 64, bytes = 64, ahead = 5, waiting = 0;
    double seconds = 4;
    int server = 0;
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

/// One connection of a pair.
struct Line {
    int fd = -1;
    std::string key, in;
    bool is_websocket = false;
};

/// Seconds of processor time that another process has had; 0: not to be known.
double cpu_of(int pid) {
    std::FILE* file = std::fopen(("/proc/" + std::to_string(pid) + "/stat").c_str(), "r");
    if (file == nullptr) return 0;
    unsigned long user = 0, system = 0;
    const int got = std::fscanf(file, "%*d %*s %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
                                &user, &system);
    std::fclose(file);
    return got == 2
               ? static_cast<double>(user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK))
               : 0;
}
double own_cpu() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}
double resident_kib(int pid) {
    std::FILE* file = std::fopen(("/proc/" + std::to_string(pid) + "/statm").c_str(), "r");
    if (file == nullptr) return 0;
    unsigned long pages = 0;
    const int got = std::fscanf(file, "%*u %lu", &pages);
    std::fclose(file);
    return got == 1
               ? static_cast<double>(pages) * static_cast<double>(::sysconf(_SC_PAGESIZE)) / 1024
               : 0;
}

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
        allow_many_files();
        idle_kib_ = resident_kib(options_.server);
        for (std::size_t i = 0; i < options_.waiting; ++i) wait_idly(i);
        if (options_.waiting > 0) await_keys(options_.waiting);
        waiting_kib_ = resident_kib(options_.server);
        pairs_.resize(options_.pairs);
        for (std::size_t i = 0; i < pairs_.size(); ++i) open(i);
        if (options_.mode == Mode::sub) await_keys(options_.waiting + pairs_.size() * ahead());
    }

    int run() {
        const auto begin = Clock::now();
        const auto until = begin + microseconds{static_cast<std::int64_t>(options_.seconds * 1e6)};
        cpu_ = own_cpu();
        server_cpu_ = cpu_of(options_.server);
        for (std::size_t i = 0; i < pairs_.size(); ++i) next_round(i);
        std::vector<epoll_event> events(256);
        auto now = Clock::now();
        while (now < until) {
            const int timeout = retries_.empty() ? 100 : 0;
            const int count = ::epoll_wait(epoll_, events.data(), 256, timeout);
            for (int i = 0; i < count; ++i) {
                const std::uint64_t id = events[static_cast<std::size_t>(i)].data.u64;
                on_bytes(id >> 8U, id & 0xFFU);
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
    static constexpr std::size_t ahead_max = 200, rep_slot = 255;
    struct Pair {
        std::vector<Line> subs;
        std::size_t turn = 0;  ///< Whose round it is.
        Line rep;
        std::uint64_t round = 0;
        std::string body, got, key;
        bool has_body = false, is_answered = false;
        Clock::time_point sent;
    };

    static void allow_many_files() {
        rlimit files{};
        ::getrlimit(RLIMIT_NOFILE, &files);
        files.rlim_cur = files.rlim_max;
        ::setrlimit(RLIMIT_NOFILE, &files);
    }
    [[nodiscard]] std::size_t ahead() const {
        return options_.mode == Mode::sub ? std::clamp<std::size_t>(options_.ahead, 1, ahead_max)
                                          : 1;
    }
    void add(Line& line, std::size_t index, std::size_t slot) {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.u64 = index << 8U | slot;
        ::epoll_ctl(epoll_, EPOLL_CTL_ADD, line.fd, &event);
    }
    void wait_idly(std::size_t number) {
        Line line;
        line.fd = connect_to(options_.port);
        line.key = key_of(number) + "-idle";
        ask(line);
        idle_.push_back(std::move(line));
    }
    static std::string key_of(std::size_t number) {
        return "load-" + std::to_string(::getpid()) + "-" + std::to_string(number);
    }
    void ask(const Line& line) const {
        send_all(line.fd,
                 "GET " + options_.prefix + "/sub/" + line.key + " HTTP/1.1\r\nHost: h\r\n\r\n");
    }
    /// Until so many of our keys are waited for.
    void await_keys(std::size_t count) {
        Line line;
        line.fd = connect_to(options_.port);
        const std::string ours = "\"load-" + std::to_string(::getpid()) + "-";
        std::string body;
        for (std::size_t seen = 0; seen < count;) {
            send_all(line.fd, "GET " + options_.prefix + "/keys HTTP/1.1\r\nHost: h\r\n\r\n");
            while (take_answer(line.in, body) == 0) fill(line);
            seen = 0;
            for (std::size_t at = 0; (at = body.find(ours, at)) != body.npos; ++at) ++seen;
        }
        ::close(line.fd);
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
        pair.key = key_of(index);
        pair.rep.fd = connect_to(options_.port);
        pair.subs.resize(ahead());
        for (std::size_t slot = 0; slot < pair.subs.size(); ++slot) {
            Line& sub = pair.subs[slot];
            sub.fd = connect_to(options_.port);
            sub.key = pair.key + "." + std::to_string(slot);
            if (options_.mode == Mode::sub) ask(sub);
            if (options_.mode == Mode::psub || options_.mode == Mode::prep) {
                upgrade(sub, "/psub/" + sub.key);
            }
            add(sub, index, slot);
        }
        if (options_.mode == Mode::prep) upgrade(pair.rep, "/prep");
        add(pair.rep, index, rep_slot);
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
        if (options_.mode == Mode::cold) ask(pair.subs.front());
        reply(index);
    }
    void reply(std::size_t index) {
        Pair& pair = pairs_[index];
        const std::string& key = pair.subs[pair.turn].key;
        pair.sent = Clock::now();
        if (options_.mode == Mode::prep) {
            return send_all(pair.rep.fd,
                            masked_text(R"({"key":")" + key + R"(","data":")" + pair.body + "\"}"));
        }
        send_all(pair.rep.fd, "POST " + options_.prefix + "/rep/" + key +
                                  " HTTP/1.1\r\nHost: h\r\nContent-Length: " +
                                  std::to_string(pair.body.size()) + "\r\n\r\n" + pair.body);
    }

    void fill(Line& line) {
        char bytes[65536];
        const ssize_t got = ::recv(line.fd, bytes, sizeof bytes, 0);
        if (got <= 0) fail("a connection was closed");
        line.in.append(bytes, static_cast<std::size_t>(got));
    }
    void on_bytes(std::size_t index, std::size_t slot) {
        Pair& pair = pairs_[index];
        const bool is_rep = slot == rep_slot;
        Line& line = is_rep ? pair.rep : pair.subs[slot];
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
            if (slot != pair.turn || pair.has_body || pair.got != pair.body) ++wrong_;
            ++verified_;
            pair.has_body = true;
            took_.push_back(static_cast<float>(
                std::chrono::duration<double, std::micro>(Clock::now() - pair.sent).count()));
        }
        if (!pair.has_body || !pair.is_answered) return;
        if (options_.mode == Mode::sub) ask(pair.subs[pair.turn]);
        pair.turn = (pair.turn + 1) % pair.subs.size();
        next_round(index);
    }

    void report(double seconds) {
        static constexpr const char* names[] = {"sub", "cold", "psub", "prep"};
        std::sort(took_.begin(), took_.end());
        const auto percentile = [&](double share) {
            if (took_.empty()) return 0.0F;
            return took_[static_cast<std::size_t>(share * static_cast<double>(took_.size() - 1))];
        };
        const double rounds = std::max(1.0, static_cast<double>(took_.size()));
        const double own = (own_cpu() - cpu_) / rounds * 1e6;
        std::printf("%-5s %6s %6s %10s %8s %8s %7s %9s %6s %8s %9s\n", "mode", "pairs", "bytes",
                    "rate/s", "p50 us", "p99 us", "again", "verified", "wrong", "own us",
                    "limit/s");
        std::printf("%-5s %6zu %6zu %10.0f %8.0f %8.0f %7zu %9zu %6zu %8.2f %9.0f\n",
                    names[static_cast<std::size_t>(options_.mode)], options_.pairs, options_.bytes,
                    static_cast<double>(took_.size()) / seconds,
                    static_cast<double>(percentile(0.5)), static_cast<double>(percentile(0.99)),
                    again_, verified_, wrong_, own, 1e6 / own);
        if (options_.server == 0) return;
        std::printf("server: %.2f us of processor a round, %.2f cores",
                    (cpu_of(options_.server) - server_cpu_) / rounds * 1e6,
                    (cpu_of(options_.server) - server_cpu_) / seconds);
        if (options_.waiting > 0) {
            std::printf("; %zu wait, %.2f KiB each", options_.waiting,
                        (waiting_kib_ - idle_kib_) / static_cast<double>(options_.waiting));
        }
        std::printf("; resident %.0f KiB\n", resident_kib(options_.server));
    }

    const Options options_;
    const int epoll_;
    std::vector<Pair> pairs_;
    std::deque<std::pair<Clock::time_point, std::size_t>> retries_;
    std::vector<float> took_;
    std::vector<Line> idle_;
    std::size_t again_ = 0, wrong_ = 0, verified_ = 0;
    double cpu_ = 0, server_cpu_ = 0, idle_kib_ = 0, waiting_kib_ = 0;
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
        } else if (name == "--ahead") {
            options.ahead = static_cast<std::size_t>(std::atol(argv[i + 1]));
        } else if (name == "--waiting") {
            options.waiting = static_cast<std::size_t>(std::atol(argv[i + 1]));
        } else if (name == "--server") {
            options.server = std::atoi(argv[i + 1]);
        } else if (name == "--seconds") {
            options.seconds = std::atof(argv[i + 1]);
        } else if (name == "--bytes") {
            options.bytes = static_cast<std::size_t>(std::atol(argv[i + 1]));
        } else if (name == "--prefix") {
            options.prefix = value;
        } else {
            fail("known are --mode --pairs --seconds --bytes --prefix --ahead --waiting --server");
        }
    }
    return options;
}

}  // namespace

int main(int argc, char** argv) {
    return Load(read_options(argc, argv)).run();
}

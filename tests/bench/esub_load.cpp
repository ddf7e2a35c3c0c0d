// Load for esub on a gateway that runs: round trips of pairs, one connection each side, every body
// verified. One thread, epoll. `--help` says how it is called and what it prints.

#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/esub_wire.hpp"

namespace {

using namespace weft::bench;
using Clock = std::chrono::steady_clock;
using std::chrono::microseconds;

enum class Mode { sub, cold, psub, prep };
constexpr const char* mode_names[] = {"sub", "cold", "psub", "prep"};

struct Side {
    Place place;
    int pid = 0;
};
struct Options {
    Side server;
    std::optional<Side> peer;
    std::vector<Mode> modes = {Mode::sub};
    std::vector<std::size_t> pairs = {64};
    std::size_t bytes = 64, ahead = 5, waiting = 0, turns = 1;
    double seconds = 4;
};

struct Result {
    double rate = 0, p50 = 0, p99 = 0, own = 0, server = 0, cores = 0, kib_each = 0, resident = 0;
    std::size_t again = 0, verified = 0, wrong = 0;
};

class Load {
public:
    Load(const Options& options, const Side& side, Mode mode, std::size_t pairs)
        : options_(options), side_(side), mode_(mode), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
        const double idle = resident_kib(side_.pid);
        for (std::size_t i = 0; i < options_.waiting; ++i) {
            idle_.emplace_back(side_.place);
            ask(idle_.back(), key_of(i) + "-idle");
        }
        if (options_.waiting > 0) await_keys(options_.waiting);
        waiting_kib_ = resident_kib(side_.pid) - idle;
        pairs_.resize(pairs);
        for (std::size_t i = 0; i < pairs_.size(); ++i) open(i);
        if (mode_ == Mode::sub) await_keys(options_.waiting + pairs_.size() * ahead());
    }
    Load(const Load&) = delete;
    Load& operator=(const Load&) = delete;
    ~Load() { ::close(epoll_); }

    Result run() {
        const auto begin = Clock::now();
        const auto until = begin + microseconds{static_cast<std::int64_t>(options_.seconds * 1e6)};
        const double cpu = own_cpu(), server_cpu = cpu_of(side_.pid);
        for (std::size_t i = 0; i < pairs_.size(); ++i) next_round(i);
        std::vector<epoll_event> events(1024);
        auto now = Clock::now();
        while (now < until) {
            const timespec patience = until_retry(now);
            const int count = ::epoll_pwait2(epoll_, events.data(), 1024, &patience, nullptr);
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
        return result(std::chrono::duration<double>(now - begin).count(), own_cpu() - cpu,
                      cpu_of(side_.pid) - server_cpu);
    }

private:
    static constexpr std::size_t ahead_max = 200, rep_slot = 255;
    struct Sub {
        Line line;
        std::string key;
    };
    struct Pair {
        std::vector<Sub> subs;
        std::size_t turn = 0;  ///< Whose round it is.
        Line rep;
        std::uint64_t round = 0;
        std::string body, key;
        bool has_body = false, is_answered = false;
        Clock::time_point sent;
    };

    [[nodiscard]] std::size_t ahead() const {
        return mode_ == Mode::sub ? std::clamp<std::size_t>(options_.ahead, 1, ahead_max) : 1;
    }
    [[nodiscard]] bool is_socket() const { return mode_ == Mode::psub || mode_ == Mode::prep; }
    void add(const Line& line, std::size_t index, std::size_t slot) const {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.u64 = index << 8U | slot;
        ::epoll_ctl(epoll_, EPOLL_CTL_ADD, line.fd, &event);
    }
    /// Of each run its own: what a server still has of the run before is not met again.
    [[nodiscard]] std::string family() const {
        return "load-" + std::to_string(::getpid()) + "-" + std::to_string(serial_) + "-";
    }
    [[nodiscard]] std::string key_of(std::size_t number) const {
        return family() + std::to_string(number);
    }
    void ask(const Line& line, std::string_view key) {
        text_ = "GET ";
        text_.append(side_.place.prefix).append("/sub/").append(key);
        line.send(text_.append(" HTTP/1.1\r\nHost: h\r\n\r\n"));
    }
    /// Until so many of our keys are waited for.
    void await_keys(std::size_t count) {
        Line line(side_.place);
        const std::string ours = "\"" + family();
        for (std::size_t seen = 0; seen < count;) {
            line.send("GET " + side_.place.prefix + "/keys HTTP/1.1\r\nHost: h\r\n\r\n");
            const std::string keys = line.await_answer();
            seen = 0;
            for (std::size_t at = 0; (at = keys.find(ours, at)) != keys.npos; ++at) ++seen;
        }
    }
    void open(std::size_t index) {
        Pair& pair = pairs_[index];
        pair.key = key_of(index);
        pair.rep = Line(side_.place);
        pair.subs.resize(ahead());
        for (std::size_t slot = 0; slot < pair.subs.size(); ++slot) {
            Sub& sub = pair.subs[slot];
            sub.line = Line(side_.place);
            sub.key = pair.key + "." + std::to_string(slot);
            if (mode_ == Mode::sub) ask(sub.line, sub.key);
            if (is_socket()) sub.line.upgrade(side_.place.prefix + "/psub/" + sub.key);
            add(sub.line, index, slot);
        }
        if (mode_ == Mode::prep) pair.rep.upgrade(side_.place.prefix + "/prep");
        add(pair.rep, index, rep_slot);
    }

    /// Asleep, so that the server has the processor for what is waited for.
    [[nodiscard]] timespec until_retry(Clock::time_point now) const {
        std::chrono::nanoseconds left = std::chrono::milliseconds{100};
        if (!retries_.empty()) {
            left = std::clamp<std::chrono::nanoseconds>(retries_.front().first - now,
                                                        std::chrono::nanoseconds{0}, left);
        }
        return {0, left.count()};
    }

    void next_round(std::size_t index) {
        Pair& pair = pairs_[index];
        ++pair.round;
        pair.body = pair.key;
        pair.body.append(" ").append(std::to_string(pair.round)).append(" ");
        pair.body.resize(std::max(options_.bytes, pair.body.size()),
                         static_cast<char>('a' + pair.round % 26));
        pair.has_body = false;
        // Over a prep nothing comes back.
        pair.is_answered = mode_ == Mode::prep;
        if (mode_ == Mode::cold) ask(pair.subs.front().line, pair.subs.front().key);
        reply(index);
    }
    void reply(std::size_t index) {
        Pair& pair = pairs_[index];
        const std::string& key = pair.subs[pair.turn].key;
        text_.clear();
        if (mode_ == Mode::prep) {
            static constexpr std::string_view before = R"({"key":")", between = R"(","data":")",
                                              behind = "\"}";
            append_frame_head(text_, before.size() + key.size() + between.size() +
                                         pair.body.size() + behind.size());
            text_.append(before).append(key).append(between).append(pair.body).append(behind);
        } else {
            text_.append("POST ").append(side_.place.prefix).append("/rep/").append(key);
            text_.append(" HTTP/1.1\r\nHost: h\r\nContent-Length: ");
            text_.append(std::to_string(pair.body.size())).append("\r\n\r\n").append(pair.body);
        }
        pair.sent = Clock::now();
        pair.rep.send(text_);
    }

    void on_bytes(std::size_t index, std::size_t slot) {
        Pair& pair = pairs_[index];
        const bool is_rep = slot == rep_slot;
        Line& line = is_rep ? pair.rep : pair.subs[slot].line;
        std::string_view bytes = line.fill(), got;
        if (is_rep) {
            const int status = take_answer(bytes, got);
            line.keep(bytes);
            if (status == 0) return;
            if (status == 404) {
                ++result_.again;
                retries_.emplace_back(Clock::now() + microseconds{200}, index);
                return;
            }
            if (status != 200) ++result_.wrong;
            pair.is_answered = true;
        } else {
            const bool is_whole =
                is_socket() ? take_frame(bytes, got) : take_answer(bytes, got) != 0;
            const bool is_right = slot == pair.turn && !pair.has_body && got == pair.body;
            line.keep(bytes);
            if (!is_whole) return;
            if (!is_right) ++result_.wrong;
            ++result_.verified;
            pair.has_body = true;
            took_.push_back(static_cast<float>(
                std::chrono::duration<double, std::micro>(Clock::now() - pair.sent).count()));
        }
        if (!pair.has_body || !pair.is_answered) return;
        if (mode_ == Mode::sub) ask(pair.subs[pair.turn].line, pair.subs[pair.turn].key);
        pair.turn = (pair.turn + 1) % pair.subs.size();
        next_round(index);
    }

    Result result(double seconds, double cpu, double server_cpu) {
        std::sort(took_.begin(), took_.end());
        const auto percentile = [&](double share) {
            if (took_.empty()) return 0.0;
            return static_cast<double>(
                took_[static_cast<std::size_t>(share * static_cast<double>(took_.size() - 1))]);
        };
        const double rounds = std::max(1.0, static_cast<double>(took_.size()));
        result_.rate = static_cast<double>(took_.size()) / seconds;
        result_.p50 = percentile(0.5);
        result_.p99 = percentile(0.99);
        result_.own = cpu / rounds * 1e6;
        result_.server = server_cpu / rounds * 1e6;
        result_.cores = server_cpu / seconds;
        result_.kib_each = waiting_kib_ / std::max(1.0, static_cast<double>(options_.waiting));
        result_.resident = resident_kib(side_.pid);
        return result_;
    }

    static inline std::size_t serials_ = 0;
    const std::size_t serial_ = ++serials_;
    const Options& options_;
    const Side& side_;
    const Mode mode_;
    const int epoll_;
    std::vector<Pair> pairs_;
    std::deque<std::pair<Clock::time_point, std::size_t>> retries_;
    std::vector<float> took_;
    std::vector<Line> idle_;
    std::string text_;
    double waiting_kib_ = 0;
    Result result_;
};

double median(const std::vector<Result>& results, double Result::*figure) {
    std::vector<double> all;
    for (const Result& result : results) all.push_back(result.*figure);
    std::sort(all.begin(), all.end());
    const std::size_t middle = all.size() / 2;
    return all.size() % 2 == 1 ? all[middle] : (all[middle - 1] + all[middle]) / 2;
}

void print_head() {
    std::printf("%-5s %-5s %6s %6s %10s %10s %10s %8s %8s %7s %9s %6s %7s %9s %9s %6s\n", "who",
                "mode", "pairs", "bytes", "rate/s", "least", "most", "p50 us", "p99 us", "again",
                "verified", "wrong", "own us", "limit/s", "server us", "cores");
}

void print(const char* who, const Options& options, Mode mode, std::size_t pairs,
           const std::vector<Result>& results) {
    const auto [least, most] = std::minmax_element(
        results.begin(), results.end(),
        [](const auto& one, const auto& other) { return one.rate < other.rate; });
    std::size_t again = 0, verified = 0, wrong = 0;
    for (const Result& result : results) {
        again += result.again;
        verified += result.verified;
        wrong += result.wrong;
    }
    const double own = median(results, &Result::own);
    std::printf(
        "%-5s %-5s %6zu %6zu %10.0f %10.0f %10.0f %8.0f %8.0f %7zu %9zu %6zu %7.2f %9.0f %9.2f "
        "%6.2f\n",
        who, mode_names[static_cast<std::size_t>(mode)], pairs, options.bytes,
        median(results, &Result::rate), least->rate, most->rate, median(results, &Result::p50),
        median(results, &Result::p99), again, verified, wrong, own, 1e6 / own,
        median(results, &Result::server), median(results, &Result::cores));
    if (options.waiting > 0) {
        std::printf("      %zu wait, %.2f KiB each; resident %.0f KiB\n", options.waiting,
                    median(results, &Result::kib_each), median(results, &Result::resident));
    }
}

/// How many bodies were wrong.
std::size_t measure(const Options& options, Mode mode, std::size_t pairs) {
    std::vector<Result> ours, theirs;
    for (std::size_t turn = 0; turn < options.turns; ++turn) {
        ours.push_back(Load(options, options.server, mode, pairs).run());
        if (options.peer) theirs.push_back(Load(options, *options.peer, mode, pairs).run());
    }
    print("weft", options, mode, pairs, ours);
    if (options.peer) {
        print("peer", options, mode, pairs, theirs);
        std::printf("      ratio %.2f\n",
                    median(ours, &Result::rate) / std::max(1.0, median(theirs, &Result::rate)));
    }
    std::fflush(stdout);
    std::size_t wrong = 0;
    for (const Result& result : ours) wrong += result.wrong;
    return wrong;
}

std::vector<std::string> parts_of(std::string_view list) {
    std::vector<std::string> parts;
    while (!list.empty()) {
        const std::size_t end = std::min(list.find(','), list.size());
        parts.emplace_back(list.substr(0, end));
        list.remove_prefix(std::min(end + 1, list.size()));
    }
    return parts;
}

Mode mode_of(std::string_view name) {
    for (const Mode mode : {Mode::sub, Mode::cold, Mode::psub, Mode::prep}) {
        if (name == mode_names[static_cast<std::size_t>(mode)]) return mode;
    }
    fail("known modes are sub cold psub prep");
}

constexpr const char* help =
    R"(Load for esub on a gateway that runs: round trips of pairs, every body verified.
Usage: esub_load PLACE [options]
A PLACE is a port of this host, or http://127.0.0.1:PORT/PREFIX.

  --mode LIST         of sub, cold, psub and prep (default sub)
      sub    a pair has --ahead subs with keys of their own, which are replied to in turn; so a key
             was asked for that many rounds before its reply. A 404 is tried again after 200 us,
             and counted
      cold   GET and POST are written together
      psub   POST /rep, read by a WebSocket
      prep   the same, sent by a WebSocket
  --pairs LIST        how many pairs (default 64)
  --seconds S         of a turn (default 4)
  --turns N           medians of so many (default 1)
  --bytes B           of a body (default 64)
  --ahead N           see sub (default 5)
  --waiting N         so many other subs wait all the time, and nobody replies to them
  --peer PLACE        another esub, measured in turns with this one; prints the ratio of the medians
  --server PID        what a round costs this server, and its resident memory
  --peer-server PID   the same for the peer

Prints a table: what was done in a second, percentiles from the reply to its body, how many bodies
were compared, and what a round cost this program, so that its own limit is known.

Example:
  esub_load 8090 --mode sub,psub --pairs 1,64 --seconds 1 --turns 5 --server 4711
)";

Options read_options(int argc, char** argv) {
    Options options;
    for (int i = 1; i < argc; ++i) {
        const std::string_view name = argv[i];
        if (name != "--help" && name != "-h") continue;
        std::fputs(help, stdout);
        std::exit(0);
    }
    if (argc < 2) fail("name the port of esub; --help says more");
    if (argc % 2 != 0) fail(std::string{argv[argc - 1]} + " needs a value; --help says more");
    options.server.place = Place::parse(argv[1]);
    int peer_pid = 0;
    for (int i = 2; i + 1 < argc; i += 2) {
        const std::string_view name = argv[i], value = argv[i + 1];
        const auto number = static_cast<std::size_t>(std::atol(argv[i + 1]));
        if (name == "--mode") {
            options.modes.clear();
            for (const auto& part : parts_of(value)) options.modes.push_back(mode_of(part));
        } else if (name == "--pairs") {
            options.pairs.clear();
            for (const auto& part : parts_of(value)) {
                options.pairs.push_back(static_cast<std::size_t>(std::atol(part.c_str())));
            }
        } else if (name == "--peer") {
            options.peer = Side{Place::parse(value)};
        } else if (name == "--turns") {
            options.turns = std::max<std::size_t>(1, number);
        } else if (name == "--ahead") {
            options.ahead = number;
        } else if (name == "--waiting") {
            options.waiting = number;
        } else if (name == "--server") {
            options.server.pid = std::atoi(argv[i + 1]);
        } else if (name == "--peer-server") {
            peer_pid = std::atoi(argv[i + 1]);
        } else if (name == "--seconds") {
            options.seconds = std::atof(argv[i + 1]);
        } else if (name == "--bytes") {
            options.bytes = number;
        } else {
            fail(std::string{name} + " is not known; --help says what is");
        }
    }
    if (options.peer) options.peer->pid = peer_pid;
    return options;
}

void allow_many_files() {
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
}

}  // namespace

int main(int argc, char** argv) {
    const Options options = read_options(argc, argv);
    allow_many_files();
    print_head();
    std::size_t wrong = 0;
    for (const Mode mode : options.modes) {
        for (const std::size_t pairs : options.pairs) wrong += measure(options, mode, pairs);
    }
    return wrong == 0 ? 0 : 1;
}

// esub_deaths [--reps N] [--stalls N] [--stage before|same|during|after]: replies to subs that die
// before, during and after their answer, by FIN, by RST, with a half that stays open, or by not
// reading any more, on a real gateway. A reply answered 200 whose sub does not have the body is a
// fault, and so is a reply without an answer; the table says how many there were. Exit 1 if there
// was one. `stalls`: replies to subs that stop to read, each of which costs seconds.

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "tests/integration/fabric_fixture.hpp"
#include "tests/support/http_client.hpp"
#include "tests/support/look_again.hpp"

namespace {

using weft::testing::Fabric;
using weft::testing::HttpClient;
using weft::testing::Process;

enum class Stage { before, same_moment, during, after };
/// `half`: it closes its sending half and reads on. `stop`: it reads nothing, as a process that was
/// stopped; in the end it goes on.
enum class Death { fin, rst, half, stop };

struct Row {
    Stage stage;
    Death death;
};
/// A close at the very moment of the reply is not among them: what the system of a client throws
/// away then no server can know.
constexpr std::array<Row, 12> rows = {{{Stage::before, Death::fin},
                                       {Stage::before, Death::rst},
                                       {Stage::before, Death::half},
                                       {Stage::before, Death::stop},
                                       {Stage::same_moment, Death::half},
                                       {Stage::during, Death::fin},
                                       {Stage::during, Death::rst},
                                       {Stage::during, Death::half},
                                       {Stage::during, Death::stop},
                                       {Stage::after, Death::fin},
                                       {Stage::after, Death::rst},
                                       {Stage::after, Death::half}}};

constexpr std::size_t wave = 32;
/// More than the systems of both sides keep on the way, so that an answer is under way for long.
constexpr std::size_t large_body = std::size_t{4} << 20U, small_body = 64;
constexpr int small_buffer = 4096;

struct Tally {
    std::size_t delivered = 0, refused = 0, refused_but_there = 0;
    std::size_t lied = 0, unanswered = 0;  ///< The faults.
};

const char* name_of(Stage stage) {
    static constexpr std::array<const char*, 4> names = {"before", "same moment", "during",
                                                         "after"};
    return names[static_cast<std::size_t>(stage)];
}
const char* name_of(Death death) {
    static constexpr std::array<const char*, 4> names = {"FIN", "RST", "half closed",
                                                         "stops reading"};
    return names[static_cast<std::size_t>(death)];
}

/// One sub and who replies to it.
class Pair {
public:
    Pair(std::uint16_t port, std::string key, Row row, std::size_t number)
        : key_(std::move(key)),
          row_(row),
          sub_(port, row.stage == Stage::during ? small_buffer : 0),
          rep_(port),
          body_(row.stage == Stage::during ? large_body : small_body,
                static_cast<char>('a' + number % 26)),
          reply_first_(number % 4 != 0),
          head_start_(number % 64 * 16) {
        body_.replace(0, key_.size(), key_);
        sub_.send("GET /sub/" + key_ + " HTTP/1.1\r\nHost: h\r\n\r\n");
    }

    void act() {
        if (row_.stage == Stage::before || (row_.stage == Stage::same_moment && !reply_first_)) {
            die();
        }
        is_sent_ = rep_.send("POST /rep/" + key_ + " HTTP/1.1\r\nHost: h\r\nContent-Length: " +
                             std::to_string(body_.size()) + "\r\n\r\n" + body_);
        if (row_.stage == Stage::same_moment && reply_first_) {
            // So that it comes before, within and behind the answer.
            const auto until = std::chrono::steady_clock::now() + head_start_;
            while (std::chrono::steady_clock::now() < until) {
            }
            die();
        }
        if (row_.stage == Stage::during) {
            if (sub_.head().status == 200) got_ = sub_.take(small_body);
            die();
            if (row_.death == Death::half) read_rest();
        }
        if (row_.stage == Stage::after) {
            got_ = sub_.answer().body;
            die();
        }
    }
    void judge(Tally& tally) {
        unsigned status = 0;
        try {
            if (is_sent_) status = rep_.answer().status;
        } catch (const std::exception&) {
            ++tally.unanswered;
            return;
        }
        if (got_ != body_ && (row_.death == Death::half || row_.death == Death::stop)) read_rest();
        const bool is_there = got_ == body_;
        if (status == 200) {
            ++(is_there ? tally.delivered : tally.lied);
        } else {
            ++(is_there ? tally.refused_but_there : tally.refused);
        }
    }

private:
    void die() {
        if (row_.death == Death::fin) sub_.close();
        if (row_.death == Death::rst) sub_.reset();
        if (row_.death == Death::half) sub_.close_sending();
    }
    void read_rest() {
        try {
            if (got_.empty()) {
                got_ = sub_.answer().body;
            } else {
                got_ += sub_.take(body_.size() - got_.size());
            }
        } catch (const std::exception&) {
            return;  // It was cut off.
        }
    }

    const std::string key_;
    const Row row_;
    HttpClient sub_, rep_;
    std::string body_, got_;
    const bool reply_first_;
    const std::chrono::microseconds head_start_;
    bool is_sent_ = false;
};

void await_keys(HttpClient& control, const std::string& prefix, std::size_t count) {
    for (std::size_t seen = 0; seen < count;) {
        const std::string keys = control.ask("GET /keys HTTP/1.1\r\nHost: h\r\n\r\n").body;
        seen = 0;
        for (std::size_t at = 0; (at = keys.find(prefix, at)) != std::string::npos; ++at) ++seen;
        if (seen < count) weft::testing::look_again_after_ms(1);
    }
}

Tally run(std::uint16_t port, Row row, std::size_t reps) {
    Tally tally;
    HttpClient control(port);
    const std::string name = std::string{name_of(row.stage)}.substr(0, 4) + "-" +
                             std::to_string(static_cast<int>(row.death)) + "-";
    for (std::size_t done = 0; done < reps;) {
        const std::string prefix = name + std::to_string(done) + "-";
        std::vector<Pair> pairs;
        pairs.reserve(wave);
        for (std::size_t i = 0; i < wave && done < reps; ++i, ++done) {
            pairs.emplace_back(port, prefix + std::to_string(i), row, done);
        }
        await_keys(control, "\"" + prefix, pairs.size());
        for (Pair& pair : pairs) pair.act();
        for (Pair& pair : pairs) pair.judge(tally);
    }
    return tally;
}

std::size_t option(int argc, char** argv, std::string_view name, std::size_t otherwise) {
    for (int i = 1; i + 1 < argc; i += 2) {
        if (argv[i] == name) return std::strtoull(argv[i + 1], nullptr, 10);
    }
    return otherwise;
}

/// Of all stages, or of the one whose name begins so.
int all_rows(std::uint16_t port, std::size_t reps, std::size_t stalls, std::string_view stage) {
    std::printf("%-12s %-14s %8s %9s %9s %10s %11s %10s\n", "stage", "death", "reps", "200 there",
                "404 gone", "404 there", "200 absent", "no answer");
    std::size_t faults = 0;
    for (const Row& row : rows) {
        if (!std::string_view{name_of(row.stage)}.starts_with(stage)) continue;
        const bool stalls_it = row.stage == Stage::during && row.death == Death::stop;
        const std::size_t count = stalls_it ? stalls : reps;
        const Tally tally = run(port, row, count);
        std::printf("%-12s %-14s %8zu %9zu %9zu %10zu %11zu %10zu\n", name_of(row.stage),
                    name_of(row.death), count, tally.delivered, tally.refused,
                    tally.refused_but_there, tally.lied, tally.unanswered);
        std::fflush(stdout);
        faults += tally.lied + tally.unanswered;
        // A row in which nobody died when it was meant to has shown nothing.
        if (row.stage == Stage::after && tally.delivered == 0) ++faults;
        if (row.stage == Stage::before && row.death == Death::rst && tally.refused == 0) ++faults;
    }
    return faults == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        const std::size_t reps = option(argc, argv, "--reps", 10'000);
        const std::size_t stalls = option(argc, argv, "--stalls", 64);
        std::string_view stage;
        for (int i = 1; i + 1 < argc; i += 2) {
            if (std::string_view{argv[i]} == "--stage") stage = argv[i + 1];
        }
        Fabric fabric;
        const auto port = static_cast<std::uint16_t>(weft::testing::free_port());
        fabric.configure(
            "reliability: { journals: [git.host1], journal: { listen: 'tcp://127.0.0.1:" +
            std::to_string(weft::testing::free_port()) +
            "' } }\ngateway: { listeners: [ { address: '127.0.0.1:" + std::to_string(port) +
            "', serve: [esub] } ] }");
        const Process relay = fabric.relay();
        Process gateway = fabric.start({"gateway"});
        gateway.wait_for_line(weft::testing::Stream::out, "ready");
        return all_rows(port, reps, stalls, stage);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "esub_deaths: %s\n", error.what());
        return 1;
    }
}

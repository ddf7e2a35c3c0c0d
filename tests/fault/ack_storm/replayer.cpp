// Has no key at all: listens to the publisher's ACK topic with a bare socket, keeps whole ACKs of
// others (topic, contents, proof), and sends them again and again under newer publishes, also
// altered, spliced and under other topics.

#include <poll.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>
#include <zmq.hpp>

#include "tests/fault/ack_storm/players.hpp"
#include "tests/fault/random.hpp"

namespace weft::fault::storm {
namespace {

using namespace std::chrono_literals;

struct Kept {
    std::string topic, contents, proof;
};

/// Hashes of the last things that were added: at least `generation_max` of them, at most twice
/// that.
class Recent {
public:
    static constexpr std::size_t generation_max = 50'000;
    void add(std::size_t hash) {
        if (young_.size() >= generation_max) {
            old_ = std::move(young_);
            young_.clear();
        }
        young_.insert(hash);
    }
    [[nodiscard]] bool has(std::size_t hash) const {
        return young_.contains(hash) || old_.contains(hash);
    }

private:
    std::unordered_set<std::size_t> young_, old_;
};

/// What is done for each ACK that comes, and a little also when none does: on a busy machine an
/// attack at a fixed rate would leave no time for anything else.
class Debt {
public:
    explicit Debt(double each) : each_(each) {}
    void add() { owed_ = std::min(owed_ + each_, 1000.0); }
    [[nodiscard]] bool pay() {
        if (owed_ < 1) return false;
        owed_ -= 1;
        return true;
    }

private:
    const double each_;
    double owed_ = 0;
};

class Replayer {
public:
    static constexpr std::size_t kept_max = 4096;
    static constexpr std::size_t forgers_share = 8;  ///< One of so many of the forger's is kept.
    static constexpr double replays_each = 0.6, altered_each = 0.2;

    Replayer(const World& world, std::string ack_topic)
        : listen_(context_, zmq::socket_type::sub), speak_(context_, zmq::socket_type::pub) {
        listen_.set(zmq::sockopt::linger, 0);
        speak_.set(zmq::sockopt::linger, 0);
        speak_.set(zmq::sockopt::sndhwm, 100'000);
        listen_.set(zmq::sockopt::rcvhwm, 100'000);
        listen_.set(zmq::sockopt::subscribe, ack_topic);
        listen_.connect(world.outbound());
        speak_.connect(world.inbound());
    }

    void run(const Cue& cue) {
        while (!cue.is_over()) {
            std::array<zmq::pollitem_t, 2> items{{{listen_.handle(), 0, ZMQ_POLLIN, 0},
                                                  {nullptr, cue.end_descriptor(), ZMQ_POLLIN, 0}}};
            zmq::poll(items.data(), items.size(), 5ms);
            for (int i = 0; i < 1000 && take(); ++i) {
            }
            // Our own come back and wake us, too: idle turns are counted by the clock.
            if (const auto now = std::chrono::steady_clock::now(); now - idle_since_ >= 10ms) {
                idle_since_ = now;
                owe();
            }
            if (kept_.empty()) continue;
            while (replays_.pay()) {
                send(random_.one_of(kept_));
                ++replayed_;
            }
            while (alterations_.pay()) send_altered();
        }
    }

    [[nodiscard]] std::string report() const {
        return std::to_string(seen_) + " ACK runs seen, " + std::to_string(replayed_) +
               " replayed, " + std::to_string(altered_) + " sent altered, " +
               std::to_string(not_sent_) + " not sent";
    }

private:
    bool take() {
        std::array<zmq::message_t, 3> frames;
        std::size_t count = 0;
        bool more = true;
        while (more) {
            zmq::message_t frame;
            if (!listen_.recv(frame, zmq::recv_flags::dontwait)) return false;
            more = frame.more();
            if (count < frames.size()) frames[count] = std::move(frame);
            ++count;
        }
        if (count != frames.size()) return true;
        Kept ack{frames[0].to_string(), frames[1].to_string(), frames[2].to_string()};
        if (sent_.has(hash_of(ack))) return true;  // Our own, come back.
        ++seen_;
        owe();
        keep(std::move(ack));
        return true;
    }

    void owe() {
        replays_.add();
        alterations_.add();
    }

    void keep(Kept ack) {
        const bool forged = ack.proof.find("forger") != std::string::npos;
        if (forged && random_.below(forgers_share) != 0) return;
        if (kept_.size() < kept_max) {
            kept_.push_back(std::move(ack));
        } else {
            kept_[random_.below(kept_max)] = std::move(ack);
        }
    }

    static std::size_t hash_of(const Kept& ack) {
        return std::hash<std::string>{}(ack.topic + ack.contents + ack.proof);
    }

    void send(const Kept& ack) {
        sent_.add(hash_of(ack));
        constexpr auto more = zmq::send_flags::sndmore | zmq::send_flags::dontwait;
        const bool sent = speak_.send(zmq::buffer(ack.topic), more) &&
                          speak_.send(zmq::buffer(ack.contents), more) &&
                          speak_.send(zmq::buffer(ack.proof), zmq::send_flags::dontwait);
        if (!sent) ++not_sent_;
    }

    void send_altered() {
        Kept ack = random_.one_of(kept_);
        const Kept& other = random_.one_of(kept_);
        const auto spoil = [&](std::string& bytes) {
            if (!bytes.empty()) bytes[random_.below(bytes.size())] ^= static_cast<char>(1);
        };
        switch (random_.below(7)) {
            case 0:
                spoil(ack.contents);
                break;
            case 1:
                spoil(ack.proof);
                break;
            case 2:
                ack.proof = other.proof;
                break;
            case 3:
                splice_end(ack.contents, other.contents);
                break;
            case 4:
                ack.topic = "org.weft.dev.storm.0";
                break;
            case 5:
                ack.proof.resize(random_.below(ack.proof.size() + 1));
                break;
            default:
                ack.contents += other.contents;
                break;
        }
        send(ack);
        ++altered_;
    }

    /// Id, digest, publisher, nonce and epoch stand at the end of an ACK: old words about a newer
    /// publish.
    static void splice_end(std::string& contents, const std::string& newer) {
        const std::size_t end = std::min({contents.size(), newer.size(), std::size_t{105}});
        contents.replace(contents.size() - end, end, newer, newer.size() - end, end);
    }

    zmq::context_t context_{1};
    zmq::socket_t listen_, speak_;
    Random random_{11};
    std::vector<Kept> kept_;
    Recent sent_;
    Debt replays_{replays_each}, alterations_{altered_each};
    std::chrono::steady_clock::time_point idle_since_{};
    std::uint64_t seen_ = 0, replayed_ = 0, altered_ = 0, not_sent_ = 0;
};

}  // namespace

std::string play_replayer(const World& world, const Cue& cue) {
    Replayer replayer(world, "org.weft.dev.ack." + std::string{publisher_name});
    cue.ready();
    replayer.run(cue);
    return replayer.report();
}

}  // namespace weft::fault::storm

#include "fabric/transport/zmq_gate.hpp"

#include <algorithm>

namespace weft::fabric {
namespace {

using std::chrono::milliseconds;

/// Where libzmq looks for whoever answers (ZAP, version 1.0).
constexpr const char* zap_endpoint = "inproc://zeromq.zap.01";
constexpr std::string_view zap_version = "1.0";
/// Questions answered before doors are looked at again.
constexpr int answers_per_turn = 64;
/// version, request id, domain, address, routing id, mechanism, credentials
constexpr std::size_t request_frames = 7;

struct Request {
    std::array<std::string, request_frames> frames;
    std::size_t count = 0;

    [[nodiscard]] std::string_view id() const { return frames[1]; }
    [[nodiscard]] std::string_view door() const { return frames[2]; }
    [[nodiscard]] std::string_view address() const { return frames[3]; }
    /// Nullopt unless this is a question about a Curve key.
    [[nodiscard]] std::optional<signing::PublicKey> key() const {
        signing::PublicKey key{};
        if (count != request_frames || frames[0] != zap_version || frames[5] != "CURVE" ||
            frames[6].size() != key.size()) {
            return std::nullopt;
        }
        std::copy(frames[6].begin(), frames[6].end(), key.begin());
        return key;
    }
};

bool read_request(zmq::socket_t& socket, Request& request) {
    request.count = 0;
    zmq::message_t frame;
    do {
        if (!uninterrupted([&] { return socket.recv(frame, zmq::recv_flags::dontwait); })) {
            return false;
        }
        if (request.count < request_frames) request.frames[request.count] = view(frame);
        ++request.count;
    } while (frame.more());
    return true;
}

/// 300 makes libzmq's client try again after its handshake interval, 400 makes it give up.
std::string_view status_of(Entry entry) {
    switch (entry) {
        case Entry::allowed:
            return "200";
        case Entry::never:
            return "400";
        case Entry::try_again:
            break;
    }
    return "300";
}

}  // namespace

bool ZmqDoor::must_reopen() {
    if (!must_reopen_.load(std::memory_order_relaxed)) return false;
    const std::scoped_lock lock(mutex_);
    must_reopen_.store(false, std::memory_order_relaxed);
    inside_.clear();
    return true;
}

void ZmqDoor::leave() {
    const std::scoped_lock lock(mutex_);
    wake_ = nullptr;
}

ZmqGate::ZmqGate(zmq::context_t& context, std::shared_ptr<Curve> curve)
    : curve_(std::move(curve)), socket_(context, zmq::socket_type::rep) {
    socket_.set(zmq::sockopt::linger, 0);
    socket_.bind(zap_endpoint);
    thread_ = std::thread([this] { run(); });
}

ZmqGate::~ZmqGate() {
    stopping_.store(true, std::memory_order_release);
    wake_.wake();
    thread_.join();
}

std::shared_ptr<ZmqDoor> ZmqGate::make_door(Door side, std::function<void()> wake) {
    const std::scoped_lock lock(mutex_);
    std::erase_if(doors_, [](const auto& entry) { return entry.second.expired(); });
    auto id = std::string{name_of(side)} + "." + std::to_string(++next_door_);
    auto door = std::make_shared<ZmqDoor>(std::move(id), side, std::move(wake));
    doors_.emplace(door->id(), door);
    return door;
}

GateStats ZmqGate::stats() const {
    const std::scoped_lock lock(mutex_);
    return stats_;
}

std::shared_ptr<ZmqDoor> ZmqGate::door_of(std::string_view id) {
    const std::scoped_lock lock(mutex_);
    const auto found = doors_.find(id);
    return found == doors_.end() ? nullptr : found->second.lock();
}

void ZmqGate::run() {
    Instant next_look{};
    while (!stopping_.load(std::memory_order_acquire)) {
        answer();
        if (const Instant now = curve_->steady(); now >= next_look) {
            next_look = now + Curve::look_every;
            curve_->look();
            look_again();
        }
        const auto left = std::chrono::duration_cast<milliseconds>(next_look - curve_->steady());
        wait_readable(socket_, wake_, std::clamp(left, milliseconds{1}, milliseconds{250}));
    }
}

void ZmqGate::answer() {
    Request request;
    for (int i = 0; i < answers_per_turn && read_request(socket_, request); ++i) {
        const auto key = request.key();
        const auto door = door_of(request.door());
        EntryDecision decision;
        if (key && door) decision = decide(*door, *key);
        const std::string who =
            decision.entry == Entry::allowed ? decision.who->name() : std::string{};
        if (decision.refused) {
            log_refusal(*decision.refused, decision.who ? decision.who->name() : "",
                        request.address(), door->side());
        }
        send_frame(socket_, zmq::buffer(zap_version), true);
        send_frame(socket_, zmq::buffer(request.id()), true);
        send_frame(socket_, zmq::buffer(status_of(decision.entry)), true);
        send_frame(socket_, zmq::message_t{}, true);  // a text would tell strangers why
        send_frame(socket_, zmq::buffer(who), true);
        send_frame(socket_, zmq::message_t{}, false);
    }
}

EntryDecision ZmqGate::decide(ZmqDoor& door, const signing::PublicKey& key) {
    auto decision = judge_entry(*curve_->certificates(), key, door.side(), curve_->now());
    if (!decision.who) {
        curve_->look_for_stranger();
        decision = judge_entry(*curve_->certificates(), key, door.side(), curve_->now());
    }
    if (decision.entry == Entry::allowed) {
        {
            const std::scoped_lock lock(door.mutex_);
            door.inside_.insert_or_assign(key, decision.who->name());
        }
        const std::scoped_lock lock(mutex_);
        ++stats_.let_in;
    }
    return decision;
}

void ZmqGate::log_refusal(const signing::Refused& why, const std::string& who,
                          std::string_view address, Door side) {
    {
        const std::scoped_lock lock(mutex_);
        ++stats_.refused[static_cast<std::size_t>(why.reason)];
    }
    const std::string peer = std::string{address} + (who.empty() ? "" : " as '" + who + "'") +
                             " at the " + std::string{name_of(side)} + " side";
    if (const auto line = log_.line(why, peer, {}, curve_->steady())) curve_->warn(*line);
}

void ZmqGate::look_again() {
    std::vector<std::shared_ptr<ZmqDoor>> doors;
    {
        const std::scoped_lock lock(mutex_);
        for (const auto& [id, weak] : doors_) {
            if (auto door = weak.lock()) doors.push_back(std::move(door));
        }
    }
    const auto certificates = curve_->certificates();
    for (const auto& door : doors) look_again_at(*door, *certificates);
}

void ZmqGate::look_again_at(ZmqDoor& door, const signing::CurveCertificates& certificates) {
    std::vector<std::string> lines;
    {
        const std::scoped_lock lock(door.mutex_);
        std::erase_if(door.inside_, [&](const auto& inside) {
            const auto decision =
                judge_entry(certificates, inside.first, door.side_, curve_->now());
            if (decision.entry == Entry::allowed) return false;
            lines.push_back("cut off '" + inside.second +
                            "': " + std::string{signing::name_of(decision.refused->reason)} +
                            "; the " + std::string{name_of(door.side_)} +
                            " side is opened anew, and everybody else comes back");
            return true;
        });
    }
    if (lines.empty()) return;
    for (const std::string& line : lines) curve_->warn(line);
    {
        const std::scoped_lock lock(mutex_);
        ++stats_.reopened;
    }
    const std::scoped_lock lock(door.mutex_);
    door.must_reopen_.store(true, std::memory_order_relaxed);
    if (door.wake_) door.wake_();
}

}  // namespace weft::fabric

#pragma once
// The doorkeeper of one libzmq context (rule N1): answers libzmq's question, asked by ZAP, whether
// the holder of a Curve key may come in. It never says yes by mistake: without a certificate that
// is good now, and on anything that it does not understand, the answer is no.
//
// libzmq cannot cut off one peer that was let in. So the gate remembers whom it let in by which
// door, asks of each again four times a second, and when one must go (T5) it asks the owner of the
// door to close the socket and to open it again: everybody else comes back by themselves.
//
// Threads:   one of its own. Doors belong to the threads of their sockets; see each function.
// Ownership: every socket that binds with CURVE in this context must be made after the gate, since
//            libzmq lets everybody in while nobody answers, and closed before it goes.
// Limits:    a door remembers at most as many keys as there are certificates.

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>
#include <zmq.hpp>

#include "fabric/node/refusal_log.hpp"
#include "fabric/transport/curve.hpp"
#include "fabric/transport/gate_stats.hpp"
#include "fabric/transport/zmq_socket.hpp"

namespace weft::fabric {

class ZmqDoor {
public:
    ZmqDoor(std::string id, Door side, std::function<void()> wake)
        : id_(std::move(id)), side_(side), wake_(std::move(wake)) {}

    /// The socket's ZAP domain.
    [[nodiscard]] const std::string& id() const noexcept { return id_; }
    [[nodiscard]] Door side() const noexcept { return side_; }
    /// The socket's thread: true if the socket must be closed and opened again. Who was let in
    /// before is forgotten.
    [[nodiscard]] bool must_reopen();
    /// The socket's thread, at the end: nobody is woken any more.
    void leave();

private:
    friend class ZmqGate;
    const std::string id_;
    const Door side_;
    std::atomic<bool> must_reopen_{false};
    std::mutex mutex_;  // guards what follows
    std::function<void()> wake_;
    std::map<signing::PublicKey, std::string> inside_;  // name, for the log
};

class ZmqGate {
public:
    ZmqGate(zmq::context_t& context, std::shared_ptr<Curve> curve);
    ~ZmqGate();
    ZmqGate(const ZmqGate&) = delete;
    ZmqGate& operator=(const ZmqGate&) = delete;

    /// `wake` is called by the gate's thread when the door must be reopened.
    [[nodiscard]] std::shared_ptr<ZmqDoor> make_door(Door side, std::function<void()> wake);
    [[nodiscard]] GateStats stats() const;
    [[nodiscard]] const Curve& curve() const noexcept { return *curve_; }

private:
    void run();
    void answer();
    EntryDecision decide(ZmqDoor& door, const signing::PublicKey& key);
    void log_refusal(const signing::Refused& why, const std::string& who, std::string_view address,
                     Door side);
    void look_again();
    void look_again_at(ZmqDoor& door, const signing::CurveCertificates& certificates);
    std::shared_ptr<ZmqDoor> door_of(std::string_view id);

    const std::shared_ptr<Curve> curve_;
    WakeFd wake_;
    std::atomic<bool> stopping_{false};
    zmq::socket_t socket_;
    RefusalLog log_;

    mutable std::mutex mutex_;  // guards what follows
    std::map<std::string, std::weak_ptr<ZmqDoor>, std::less<>> doors_;
    std::uint64_t next_door_ = 0;
    GateStats stats_;
    std::thread thread_;  // last: starts after everything that it uses
};

}  // namespace weft::fabric

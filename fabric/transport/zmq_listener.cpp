#include "fabric/transport/zmq_listener.hpp"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "config/endpoint.hpp"

namespace weft::fabric {
namespace {

using std::chrono::milliseconds;

/// libzmq frees the port in its own thread; it takes a fraction of this.
constexpr milliseconds bind_again{5};

/// libzmq removes the file of an ipc socket some time after it was closed; bound before that, the
/// new one would lose its file.
bool has_file(const std::string& text) {
    const auto endpoint = config::Endpoint::parse(text);
    std::error_code ignored;
    return endpoint && endpoint->scheme == config::Endpoint::Scheme::ipc &&
           std::filesystem::exists(endpoint->path, ignored);
}

}  // namespace

ZmqListener::ZmqListener(zmq::context_t& context, zmq::socket_type type, Configure configure,
                         ZmqGate* gate, Door side, WakeFd& wake)
    : context_(context),
      type_(type),
      configure_(std::move(configure)),
      gate_(gate),
      door_(gate != nullptr ? gate->make_door(side, [&wake] { wake.wake(); }) : nullptr) {
    open();
}

ZmqListener::~ZmqListener() {
    if (door_) door_->leave();
}

void ZmqListener::open() {
    socket_ = zmq::socket_t(context_, type_);
    configure_(socket_);
    if (gate_ == nullptr) return;
    use_curve_keys(socket_, gate_->curve().own());
    socket_.set(zmq::sockopt::curve_server, true);
    socket_.set(zmq::sockopt::zap_domain, door_->id());
}

tl::expected<std::string, std::string> ZmqListener::bind(const std::string& endpoint) {
    auto bound = bind_named(socket_, endpoint);
    if (bound) bound_ = *bound;
    return bound;
}

bool ZmqListener::reopened() {
    if (!door_ || !door_->must_reopen()) return false;
    // Whoever must go gets nothing more, not even what is queued for it.
    socket_.set(zmq::sockopt::linger, 0);
    socket_.close();
    open();
    must_bind_ = true;
    next_warning_ = gate_->curve().steady() + std::chrono::seconds{1};
    return true;
}

void ZmqListener::keep_bound() {
    if (!must_bind_) return;
    if (gate_->curve().steady() < next_warning_ && has_file(bound_)) return;
    const auto bound = bind_named(socket_, bound_);
    must_bind_ = !bound;
    if (bound || gate_->curve().steady() < next_warning_) return;
    next_warning_ = gate_->curve().steady() + std::chrono::seconds{1};
    gate_->curve().warn("after somebody was cut off: " + bound.error());
}

milliseconds ZmqListener::patience(milliseconds otherwise) const {
    return must_bind_ ? std::min(otherwise, bind_again) : otherwise;
}

}  // namespace weft::fabric

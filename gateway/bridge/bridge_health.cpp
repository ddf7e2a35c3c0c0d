#include "gateway/bridge/bridge_health.hpp"

#include <array>
#include <utility>

namespace weft::gateway {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds look_every{250};
constexpr int looks_at_the_link = 5;  ///< Meanwhile, so that a stop need not wait.
/// How long it may take until somebody answers: looked at early, since one peer of many that is
/// away would take all of the time. After how many looks it is asked again.
constexpr std::array probe_patience{milliseconds{10}, milliseconds{40}, milliseconds{200}};
constexpr int looks_between_probes = 8;
/// One answer may be late.
constexpr int unheard_max = 2;

}  // namespace

BridgeHealth::BridgeHealth(fabric::Fabric& fabric, JournalHost& host,
                           reliability::ReliablePublisher& reliable)
    : fabric_(fabric),
      publisher_(fabric.publisher()),
      host_(host),
      reliable_(reliable),
      journal_(host.journal().info()),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

BridgeHealth::~BridgeHealth() {
    stop();
}

void BridgeHealth::stop() {
    thread_.request_stop();
    if (thread_.joinable()) thread_.join();
}

void BridgeHealth::run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        host_.follow_identity();
        look();
        // Where the link is missing it is waited for, not looked for: who starts is ready as soon
        // as the relay has answered.
        if (!linked()) {
            for (int i = 0; i < looks_at_the_link && !stop.stop_requested(); ++i) {
                if (publisher_.wait_for_peer(look_every / looks_at_the_link)) break;
            }
            continue;
        }
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, stop, look_every, [] { return false; });
    }
}

std::string BridgeHealth::link_sentence() const {
    const fabric::Settings& settings = fabric_.settings();
    if (settings.mode == fabric::Settings::Mode::relay) {
        return "the relay at " + settings.relay_inbound.text() +
               " cannot be reached: is `weft relay` running?";
    }
    return "nobody is connected to the gateway, not even its own journal: fabric.endpoints must "
           "name " +
           settings.name + " with an endpoint of its own";
}

/// One peer of many that is away does not hold up the others.
bool BridgeHealth::reached(const fabric::ReadyResult& result) const {
    return result.ready ||
           (fabric_.settings().mode == fabric::Settings::Mode::bind && result.answered > 0);
}

template <class Listener>
fabric::ReadyResult BridgeHealth::probe(Listener& listener) const {
    fabric::ReadyResult result;
    for (const milliseconds timeout : probe_patience) {
        result = listener.wait_ready(timeout);
        if (reached(result)) break;
    }
    return result;
}

void BridgeHealth::look() {
    reliability::JournalInfo info = host_.journal().info();
    std::string sentence = info.not_ready;
    const bool linked = publisher_.wait_for_peer(milliseconds{0});
    linked_.store(linked, std::memory_order_release);
    if (!linked) {
        hears_ = false;
        hears_acks_.store(false, std::memory_order_release);
        if (sentence.empty()) sentence = link_sentence();
    } else if (!hears_ || ++looks_ % looks_between_probes == 0) {
        const auto result = probe(host_.recorder());
        unheard_ = reached(result) ? 0 : unheard_ + 1;
        hears_ = unheard_ == 0 || (hears_ && unheard_ < unheard_max);
        if (!hears_ && sentence.empty()) {
            sentence = "the gateway's journal does not hear the fabric: " + result.sentence;
        }
    }
    {
        const std::scoped_lock lock(mutex_);
        looked_ = true;
        journal_ = std::move(info);
        sentence_ = std::move(sentence);
        changed_.notify_all();
    }
    if (linked && !hears_acks_.load(std::memory_order_acquire) && reached(probe(reliable_))) {
        hears_acks_.store(true, std::memory_order_release);
    }
}

std::string BridgeHealth::sentence() const {
    const std::scoped_lock lock(mutex_);
    return looked_ ? sentence_ : "the gateway has not looked at its journal yet: it starts";
}

bool BridgeHealth::wait_ready(milliseconds timeout) const {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, timeout, [this] { return looked_ && sentence_.empty(); });
}

reliability::JournalInfo BridgeHealth::journal() const {
    const std::scoped_lock lock(mutex_);
    return journal_;
}

}  // namespace weft::gateway

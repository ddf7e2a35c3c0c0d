#include "fabric/transport/curve.hpp"

#include <algorithm>

namespace weft::fabric {
namespace {

/// True for one caller each `every`.
bool is_due(std::atomic<std::int64_t>& next, Instant now, Instant every) {
    std::int64_t due = next.load(std::memory_order_relaxed);
    return now.count() >= due && next.compare_exchange_strong(due, (now + every).count());
}

}  // namespace

Curve::Curve(signing::CurveKeyPair own, std::shared_ptr<signing::CurveDirectory> directory,
             const Clock& clock, std::function<void(const std::string&)> warn)
    : own_(std::move(own)),
      directory_(std::move(directory)),
      clock_(clock),
      warn_(std::move(warn)) {}

void Curve::warn(const std::string& line) const {
    if (warn_) warn_(line);
}

void Curve::look() {
    if (is_due(next_look_, clock_.steady(), look_every)) look_now();
}

void Curve::look_for_stranger() {
    {
        const std::scoped_lock lock(mutex_);
        const Instant now = clock_.steady();
        looked_until_ =
            std::max(looked_until_, now - looks_for_strangers_max * look_for_stranger_every);
        if (looked_until_ + look_for_stranger_every > now) return;
        looked_until_ += look_for_stranger_every;
    }
    look_now();
}

void Curve::look_now() {
    for (const std::string& problem : directory_->look()) warn(problem);
    forget_silent();
}

void Curve::forget_silent() {
    const std::scoped_lock lock(mutex_);
    const Instant now = clock_.steady();
    for (auto entry = announced_.begin(); entry != announced_.end();) {
        std::erase_if(entry->second, [&](const Announced& announced) {
            return now - announced.last > keep_announced;
        });
        entry = entry->second.empty() ? announced_.erase(entry) : std::next(entry);
    }
}

void Curve::expect(const std::string& endpoint, const std::string& name) {
    const std::scoped_lock lock(mutex_);
    add_expected(endpoint, {false, name});
}

void Curve::expect_also(const std::string& endpoint, const std::string& address) {
    const std::scoped_lock lock(mutex_);
    const auto found = expected_.find(endpoint);
    if (found == expected_.end()) return;
    for (const Expected& who : std::vector<Expected>(found->second)) add_expected(address, who);
}

void Curve::add_expected(const std::string& endpoint, const Expected& who) {
    if (!expected_.contains(endpoint) && expected_.size() >= expected_max) return;
    auto& all = expected_[endpoint];
    if (std::find(all.begin(), all.end(), who) == all.end()) all.push_back(who);
}

void Curve::expect_relay(const std::string& endpoint, const std::string& name) {
    const std::scoped_lock lock(mutex_);
    add_expected(endpoint, {true, name});
}

void Curve::announce(const std::string& endpoint, const signing::Certificate& certificate) {
    if (certificate.curve_key() == signing::PublicKey{}) return;
    const std::scoped_lock lock(mutex_);
    const auto found = announced_.find(endpoint);
    if (found != announced_.end()) {
        const auto same = std::find_if(
            found->second.begin(), found->second.end(), [&](const Announced& announced) {
                return announced.who->fingerprint() == certificate.fingerprint();
            });
        if (same != found->second.end()) {
            same->last = clock_.steady();
            return;
        }
        if (found->second.size() >= keys_max) return;
    } else if (announced_.size() >= announced_max) {
        return;
    }
    auto verified =
        signing::Certificate::verify(certificate.bytes(), certificates()->trust().authorities());
    if (!verified) return;
    announced_[endpoint].push_back({std::move(*verified), clock_.steady()});
}

std::vector<signing::PublicKey> Curve::keys_at(const std::string& endpoint) const {
    const auto certificates = directory_->current();
    const auto utc = now();
    std::vector<signing::PublicKey> keys;
    const auto add = [&](const signing::PublicKey& key) {
        if (keys.size() < keys_max && std::find(keys.begin(), keys.end(), key) == keys.end()) {
            keys.push_back(key);
        }
    };
    const std::scoped_lock lock(mutex_);
    if (const auto found = expected_.find(endpoint); found != expected_.end()) {
        for (const Expected& expected : found->second) {
            const auto server = expected.relay ? relay_named(*certificates, expected.name, utc)
                                               : server_named(*certificates, expected.name, utc);
            if (server) add((*server)->curve_key());
        }
        return keys;  // what the configuration says, no announcement changes
    }
    if (const auto found = announced_.find(endpoint); found != announced_.end()) {
        for (const Announced& announced : found->second) {
            if (!certificates->trust().judge_signer(*announced.who, signing::Kind::beacon, utc)) {
                add(announced.who->curve_key());
            }
        }
    }
    return keys;
}

}  // namespace weft::fabric

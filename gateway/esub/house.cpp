#include <utility>

#include "gateway/esub/esub_handler.hpp"

namespace weft::gateway::esub {
namespace {

Verdict verdict_of(Look look) noexcept {
    switch (look) {
        case Look::unknown:
            return Verdict::unknown_key;
        case Look::wrong_token:
            return Verdict::wrong_token;
        case Look::found:
            break;
    }
    return Verdict::delivered;
}

/// "10.0.0.1" of "10.0.0.1:5000".
std::string host_of_peer(const Request& request) {
    return request.peer.substr(0, request.peer.rfind(':'));
}

}  // namespace

House::House(Parts parts)
    : settings(std::move(parts.settings)),
      clock(parts.clock),
      timers_(parts.timers),
      elsewhere_(parts.elsewhere != nullptr ? *parts.elsewhere : nowhere_),
      more_figures_(std::move(parts.more_figures)),
      client_of_(parts.client_of ? std::move(parts.client_of) : host_of_peer),
      places_(settings.waiters_per_client),
      metrics_(settings.metric_prefix, settings.confirm),
      subs_(std::make_shared<SubDesk>(settings, metrics_, clock, elsewhere_)),
      psubs_(std::make_shared<PsubRoom>(settings, metrics_, clock, timers_, elsewhere_)) {
    psubs_->start();
}

Verdict House::look(const Rep& rep) {
    Look look = Look::unknown;
    if (!rep.psub_only) look = subs_->look(rep.key, rep.token);
    if (look == Look::unknown) look = psubs_->look(rep.key, rep.token);
    if (look == Look::unknown && elsewhere_.may_have(rep)) return Verdict::delivered;
    return verdict_of(look);
}

/// What `done` is told goes through Elsewhere::keep() first.
OnVerdict House::kept(const Rep& rep, const std::string& body, OnVerdict done) {
    return [this, key = std::string{rep.key}, token = std::string{rep.token},
            psub_only = rep.psub_only, copy = std::make_shared<const std::string>(body),
            done = std::move(done)](Told told) {
        elsewhere_.keep({key, token, psub_only, false}, copy, told, done);
    };
}

Look House::displace(Kind kind, const std::string& key, std::uint64_t id) {
    return kind == Kind::sub ? subs_->displace(key, id) : psubs_->displace(key);
}

/// To a member elsewhere; if there is none any more, to ours.
void House::deliver_in_turn(const Rep& rep, std::string body, OnVerdict done) {
    const auto shared = std::make_shared<const std::string>(std::move(body));
    elsewhere_.rep(rep, shared,
                   [psubs = psubs_, key = std::string{rep.key}, token = std::string{rep.token},
                    shared, done = std::move(done)](Told told) mutable {
                       if (told != Verdict::unknown_key && told != Verdict::no_listeners) {
                           return done(told);
                       }
                       std::string again = *shared;
                       const Look look = psubs->deliver(key, token, again, done);
                       if (look != Look::found) done(told);
                   });
}

void House::deliver(const Rep& rep, std::string body, OnVerdict done) {
    if (!rep.here_only && elsewhere_.keeps()) done = kept(rep, body, std::move(done));
    Look look = Look::unknown;
    if (!rep.psub_only) look = subs_->deliver(rep.key, rep.token, body, done);
    if (look == Look::unknown && elsewhere_.takes_turn(rep) &&
        psubs_->look(rep.key, rep.token) == Look::found) {
        return deliver_in_turn(rep, std::move(body), std::move(done));
    }
    if (look == Look::unknown) look = psubs_->deliver(rep.key, rep.token, body, done);
    if (look == Look::found) return;
    if (look == Look::wrong_token) return done(Verdict::wrong_token);
    elsewhere_.rep(rep, std::make_shared<const std::string>(std::move(body)), std::move(done));
}

bool House::has_room_for(const Request& request) const {
    return !places_.counts() || places_.has_room(client_of_(request));
}

bool House::take_place(const Request& request, PeerPlaces::Place& place) {
    return !places_.counts() || places_.take(client_of_(request), place);
}

std::vector<std::string> House::keys() {
    std::vector<std::string> keys;
    subs_->add_keys(keys);
    psubs_->add_keys(keys);
    return keys;
}

Figures House::figures() const {
    Figures figures;
    add_figures(figures);
    if (more_figures_) more_figures_(figures);
    return figures;
}

void House::stop() {
    subs_->stop();
}

}  // namespace weft::gateway::esub

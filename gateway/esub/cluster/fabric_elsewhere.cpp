#include "gateway/esub/cluster/fabric_elsewhere.hpp"

#include <optional>
#include <utility>

#include "gateway/esub/cluster/token_hash.hpp"

namespace weft::gateway::esub {

FabricElsewhere::FabricElsewhere(fabric::Fabric& fabric, FabricBridge& bridge,
                                 const ClusterSettings& settings, bool confirms)
    : fabric_(fabric),
      settings_(settings),
      topics_(fabric.settings().space, settings.topic_root),
      membership_(fabric, settings,
                  [this](Kind kind, const std::string& key, std::uint64_t id) {
                      if (House* house = house_) house->displace(kind, key, id);
                  }),
      forwarder_(
          bridge,
          [this](std::string_view key, bool psub_only, const std::set<std::string>& but) {
              return membership_.find(key, psub_only, but);
          },
          topics_,
          {settings.owner_time, confirms ? settings.receipt_time : std::chrono::milliseconds{0}}),
      store_(std::make_shared<UnclaimedStore>(bridge, fabric.clock(), topics_, settings)) {}

FabricElsewhere::~FabricElsewhere() {
    stop();
}

void FabricElsewhere::serve(House& house) {
    house_ = &house;
    membership_.start();
    desk_ = std::make_unique<OwnerDesk>(fabric_, topics_, static_cast<Waiters&>(*this));
}

void FabricElsewhere::stop() {
    membership_.stop();
    if (desk_) desk_->stop();
}

bool FabricElsewhere::may_have(const Rep& rep) {
    if (settings_.keeps()) return true;  // Then its body is wanted in any case.
    return settings_.clustered() && membership_.find(rep.key, rep.psub_only);
}

bool FabricElsewhere::takes_turn(const Rep& rep) {
    return settings_.clustered() && !rep.here_only && membership_.takes_turn_elsewhere(rep.key);
}

void FabricElsewhere::rep(const Rep& rep, SharedBytes body, OnVerdict done) {
    if (rep.here_only || !settings_.clustered()) return done(Verdict::unknown_key);
    forwarder_.rep(rep, std::move(body), std::move(done));
}

void FabricElsewhere::keep(const Rep& rep, SharedBytes body, Verdict verdict, OnVerdict done) {
    store_->keep(rep, body, verdict, std::move(done));
}

void FabricElsewhere::opened(Kind kind, std::string_view key, std::string_view token, bool shared,
                             std::uint64_t id) {
    membership_.opened(kind, key, token, shared, id);
}

void FabricElsewhere::closed(Kind kind, std::string_view key, std::uint64_t id) {
    membership_.closed(kind, key, id);
}

void FabricElsewhere::deliver(const Reply& reply, std::string body, OnVerdict done) {
    std::string token = reply.token;
    if (reply.hash) {
        std::optional<LocalKeys::Held> held;
        if (!reply.psub_only) held = membership_.held_here(Kind::sub, reply.key);
        if (!held) held = membership_.held_here(Kind::psub, reply.key);
        if (!held) return done(Verdict::unknown_key);
        if (!same_hash(token_hash(reply.key, held->token), *reply.hash)) {
            return done(Verdict::wrong_token);
        }
        token = std::move(held->token);
    }
    // Should the waiter be another one by now, it must have the same token.
    house_.load()->deliver({reply.key, token, reply.psub_only, true}, std::move(body),
                           std::move(done));
}

Verdict FabricElsewhere::release(Kind kind, const Reply& reply) {
    const auto held = membership_.held_here(kind, reply.key);
    if (!held) return Verdict::unknown_key;
    const std::string hash = reply.hash ? *reply.hash : token_hash(reply.key, reply.token);
    if (!held->token.empty() && !same_hash(token_hash(reply.key, held->token), hash)) {
        return Verdict::wrong_token;
    }
    house_.load()->displace(kind, reply.key, held->id);
    return Verdict::delivered;
}

void FabricElsewhere::add_figures(Figures& figures) const {
    const auto count = [&](const char* name, const char* what, std::uint64_t value) {
        figures.counter(name, what, static_cast<double>(value));
    };
    if (desk_) {
        const OwnerDeskStats desk = desk_->stats();
        count("weft_esub_fabric_delivered_total", "Replies of the fabric that a waiter took.",
              desk.delivered);
        count("weft_esub_fabric_refused_total", "Replies of the fabric that nobody took.",
              desk.refused);
        count("weft_esub_claims_total", "Keys that other gateways asked for.", desk.claims);
    }
    if (!settings_.clustered()) return;
    const Directory::Stats directory = membership_.stats();
    count("weft_esub_directory_gaps_total", "Announcements of other gateways that were missed.",
          directory.gaps);
    count("weft_esub_members_dead_total", "Gateways that fell silent.", directory.dead);
    count("weft_esub_directory_full_total", "Gateways and keys beyond the limits.",
          directory.members_full + directory.keys_full);
}

}  // namespace weft::gateway::esub

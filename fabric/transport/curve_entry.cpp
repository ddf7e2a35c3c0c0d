#include "fabric/transport/curve_entry.hpp"

#include <algorithm>

namespace weft::fabric {
namespace {

using signing::Refusal;
using signing::Refused;
using signing::Role;

bool has_role_for(const signing::Certificate& who, Door door) {
    if (door != Door::inbound) return who.roles() != 0;
    return who.has(Role::publish) || who.has(Role::gateway) || who.has(Role::journal) ||
           who.has(Role::ack);
}

std::optional<Refused> refusal_of(const signing::Trust& trust, const signing::Certificate& who,
                                  Door door, signing::UtcSeconds now) {
    // What is asked of the signer of a beacon is what is asked of everybody: time and revocation.
    if (auto refused = trust.judge_signer(who, signing::Kind::beacon, now)) return refused;
    if (has_role_for(who, door)) return std::nullopt;
    return Refused{Refusal::role_missing, "'" + who.name() + "' has '" +
                                              signing::roles_text(who.roles()) +
                                              "'; to send into a relay takes publish, ack, "
                                              "journal or gateway"};
}

/// What another list or the mere passing of time may cure is no reason to stay away for good.
Entry entry_after(Refusal reason) {
    switch (reason) {
        case Refusal::certificate_expired:
        case Refusal::certificate_revoked:
        case Refusal::role_missing:
            return Entry::never;
        default:
            return Entry::try_again;
    }
}

std::string text_of(const Refused& refused) {
    std::string text(signing::sentence_for(refused.reason));
    if (!refused.detail.empty()) text += " (" + refused.detail + ")";
    return text;
}

auto no_server(std::string_view name, const std::string& why) {
    return tl::make_unexpected("cannot connect to '" + std::string(name) +
                               "' with fabric.curve on: " + why);
}

}  // namespace

std::string_view name_of(Door door) noexcept {
    switch (door) {
        case Door::inbound:
            return "inbound";
        case Door::outbound:
            return "outbound";
        case Door::answers:
            return "answers";
    }
    return "?";
}

EntryDecision judge_entry(const signing::CurveCertificates& certificates,
                          const signing::PublicKey& curve_key, Door door, signing::UtcSeconds now) {
    EntryDecision decision;
    decision.refused = Refused{
        Refusal::curve_key_unknown,
        "key " + signing::hex({reinterpret_cast<const char*>(curve_key.data()), curve_key.size()})};
    for (const auto& who : certificates.with_key(curve_key)) {
        auto refused = refusal_of(certificates.trust(), *who, door, now);
        decision = {refused ? entry_after(refused->reason) : Entry::allowed, who,
                    std::move(refused)};
        if (decision.entry == Entry::allowed) break;
    }
    return decision;
}

Server server_named(const signing::CurveCertificates& certificates, std::string_view name,
                    signing::UtcSeconds now) {
    const auto who = certificates.named(name);
    const std::string file = std::string(name) + ".cert";
    if (!who) {
        return no_server(name, "its certificate is not in the key directory; copy its " + file +
                                   " there, so that its key can be told from a stranger's");
    }
    if (who->curve_key() == signing::PublicKey{}) {
        return no_server(name, file + " holds no Curve key; issue it again with `weft keys issue`");
    }
    if (const auto refused = certificates.trust().judge_signer(*who, signing::Kind::beacon, now)) {
        return no_server(name, text_of(*refused));
    }
    return who;
}

Server relay_named(const signing::CurveCertificates& certificates, std::string_view name,
                   signing::UtcSeconds now) {
    if (!name.empty()) {
        auto server = server_named(certificates, name, now);
        if (server && !(*server)->has(Role::relay)) {
            return no_server(name,
                             "its certificate has not the role relay; issue it again with "
                             "`weft keys issue " +
                                 std::string(name) + " --role relay`");
        }
        return server;
    }
    std::shared_ptr<const signing::Certificate> found;
    for (const auto& who : certificates.with_role(Role::relay)) {
        if (!server_named(certificates, who->name(), now)) continue;
        if (found) {
            return tl::make_unexpected(
                "with fabric.curve on the relay must be known by name, and '" + found->name() +
                "' and '" + who->name() + "' both have the role relay: set fabric.relay.name");
        }
        found = who;
    }
    if (!found) {
        return tl::make_unexpected(std::string{
            "with fabric.curve on the relay must be known by name, and no valid certificate in "
            "the key directory has the role relay: copy the relay's .cert file there, and set "
            "fabric.relay.name"});
    }
    return found;
}

}  // namespace weft::fabric

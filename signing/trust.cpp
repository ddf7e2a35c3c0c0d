// What a snapshot of trust decides. How it is loaded stands in trust_store.cpp.
#include <limits>

#include "signing/trust_store.hpp"

namespace weft::signing {
namespace {

/// Warn this long before a list needs its next update.
constexpr UtcSeconds list_warning_seconds = UtcSeconds{24} * 60 * 60;

std::string about(const Certificate& signer) {
    return "signer '" + signer.name() + "'";
}

Refused refused(Refusal reason, std::string detail) {
    return {reason, std::move(detail)};
}

/// a - b, without overflow: times come from foreign certificates.
UtcSeconds seconds_between(UtcSeconds a, UtcSeconds b) {
    UtcSeconds difference = 0;
    if (!__builtin_sub_overflow(a, b, &difference)) return difference;
    return a < b ? std::numeric_limits<UtcSeconds>::min() : std::numeric_limits<UtcSeconds>::max();
}

bool has_role_for(const Certificate& signer, Kind kind) {
    switch (kind) {
        case Kind::message:
            return signer.has(Role::publish);
        case Kind::ack:
            return signer.has(Role::ack) || signer.has(Role::journal);
        case Kind::beacon:
        case Kind::request:
            return signer.roles() != 0;
        case Kind::answer:
            return signer.has(Role::journal);
    }
    return false;
}

std::string_view role_for(Kind kind) {
    switch (kind) {
        case Kind::message:
            return "publish";
        case Kind::ack:
            return "ack";
        case Kind::answer:
            return "journal";
        case Kind::beacon:
        case Kind::request:
            break;
    }
    return "any";
}

}  // namespace

std::optional<Refused> Trust::judge(const Certificate& signer, Kind kind, std::string_view topic,
                                    UtcSeconds now) const {
    if (auto no = judge_signer(signer, kind, now)) return no;
    if (kind == Kind::message) return judge_topic(signer, topic);
    return std::nullopt;
}

std::optional<Refused> Trust::judge_validity(const Certificate& signer, UtcSeconds now) const {
    if (const UtcSeconds early = seconds_between(signer.not_before(), now);
        early > clock_skew_seconds) {
        return refused(Refusal::certificate_not_yet_valid,
                       about(signer) + ", valid in " + std::to_string(early) + " s by our clock");
    }
    if (const UtcSeconds late = seconds_between(now, signer.not_after());
        late > clock_skew_seconds) {
        return refused(Refusal::certificate_expired,
                       about(signer) + ", expired " + std::to_string(late) + " s ago by our clock");
    }
    if (lists_.find(signer.issuer()) == lists_.end()) {
        return refused(Refusal::revocation_list_missing, about(signer));
    }
    return std::nullopt;
}

std::optional<Refused> Trust::judge_signer(const Certificate& signer, Kind kind,
                                           UtcSeconds now) const {
    if (auto no = judge_validity(signer, now)) return no;
    if (const Revocation* revocation = revocation_of(signer)) {
        return refused(Refusal::certificate_revoked,
                       about(signer) + ", reason " + std::string(name_of(revocation->reason)));
    }
    return judge_list_and_role(signer, kind, now);
}

std::optional<Refused> Trust::judge_stored_signer(const Certificate& signer, Kind kind,
                                                  UtcSeconds stored, bool& revoked_later) const {
    if (auto no = judge_validity(signer, stored)) return no;
    const Revocation* revocation = revocation_of(signer);
    if (revocation != nullptr && revocation->revoked_at <= stored) {
        return refused(Refusal::certificate_revoked,
                       about(signer) + ", revoked " +
                           std::to_string(seconds_between(stored, revocation->revoked_at)) +
                           " s before this was stored, reason " +
                           std::string(name_of(revocation->reason)));
    }
    revoked_later = revocation != nullptr;
    return judge_list_and_role(signer, kind, stored);
}

std::optional<Refused> Trust::judge_list_and_role(const Certificate& signer, Kind kind,
                                                  UtcSeconds now) const {
    const auto list = lists_.find(signer.issuer());
    if (const UtcSeconds late = seconds_between(now, list->second.next_update());
        late > clock_skew_seconds && when_list_expired_ == WhenListExpired::refuse) {
        return refused(Refusal::revocation_list_expired,
                       about(signer) + ", list expired " + std::to_string(late) + " s ago");
    }
    if (!has_role_for(signer, kind)) {
        return refused(Refusal::role_missing, about(signer) + ", needs role " +
                                                  std::string(role_for(kind)) + ", has '" +
                                                  roles_text(signer.roles()) + "'");
    }
    return std::nullopt;
}

std::optional<Refused> Trust::judge_topic(const Certificate& signer, std::string_view topic) const {
    const auto detail = [&] { return about(signer) + ", topic '" + escape(topic) + "'"; };
    if (!signer.grants(topic)) return refused(Refusal::topic_not_granted, detail());
    switch (policy_.evaluate(topic, signer.name())) {
        case RoutingPolicy::Decision::allowed:
            return std::nullopt;
        case RoutingPolicy::Decision::denied:
            return refused(Refusal::policy_denied, detail());
        case RoutingPolicy::Decision::unlisted:
            break;
    }
    if (nitpicky_) return refused(Refusal::policy_unlisted, detail());
    return std::nullopt;
}

const Revocation* Trust::revocation_of(const Certificate& signer) const noexcept {
    const auto list = lists_.find(signer.issuer());
    return list == lists_.end() ? nullptr : list->second.find(signer.serial());
}

std::vector<std::string> Trust::warnings(UtcSeconds now) const {
    std::vector<std::string> sentences = load_warnings_;
    for (const CertificateAuthorityKey& authority : authorities_) {
        const auto list = lists_.find(authority.id());
        if (list == lists_.end()) continue;
        const UtcSeconds left = seconds_between(list->second.next_update(), now);
        const std::string whose = "The revocation list of CA '" + authority.name + "'";
        if (const UtcSeconds late = seconds_between(now, list->second.next_update()); late > 0) {
            sentences.push_back(whose + " is " + std::to_string(late) +
                                " s past its next update, so a revocation may be withheld from "
                                "us; fetch the current list." +
                                (when_list_expired_ == WhenListExpired::refuse
                                     ? " Messages of its signers are refused until then."
                                     : ""));
        } else if (left < list_warning_seconds) {
            sentences.push_back(whose + " needs its next update in " + std::to_string(left) +
                                " s; fetch the current list before.");
        }
    }
    return sentences;
}

}  // namespace weft::signing

#include "reliability/service/operation.hpp"

namespace weft::reliability {

using signing::Role;

std::string right_refusal(Right right, const signing::Certificate* signer,
                          std::string_view journal) {
    if (right == Right::anybody) return "";
    if (signer == nullptr) return "this takes a signed request; set signing.sign and a key";
    if (signer->has(Role::journal)) return "";
    const bool writes = signer->has(Role::publish) || signer->has(Role::gateway);
    if (right == Right::writer && writes) return "";
    if (right == Right::consumer && (writes || signer->has(Role::ack))) return "";
    if (right == Right::keeper && signer->name() == journal) return "";
    const char* const wanted = right == Right::keeper   ? "journal"
                               : right == Right::writer ? "publish, gateway or journal"
                                                        : "publish, ack, gateway or journal";
    return "'" + signer->name() + "' has '" + signing::roles_text(signer->roles()) +
           "'; this takes the role " + wanted;
}

std::string journal_topic(std::string_view root, std::string_view journal) {
    return std::string{root} + ".journal." + std::string{journal};
}

}  // namespace weft::reliability

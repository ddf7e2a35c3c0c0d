#include "signing/overdue.hpp"

namespace weft::signing {

std::optional<std::string> overdue_list(const Trust& trust, UtcSeconds now) {
    for (const CertificateAuthorityKey& authority : trust.authorities()) {
        const auto list = trust.lists().find(authority.id());
        if (list == trust.lists().end()) continue;
        // Not `next_update + skew`: a list says any number.
        if (now <= list->second.next_update() ||
            now - clock_skew_seconds <= list->second.next_update()) {
            continue;
        }
        return "the revocation list of CA '" + authority.name +
               "' is past its next update, so a revocation may be withheld from us: fetch the "
               "current list (`weft keys list` shows what is there)";
    }
    return std::nullopt;
}

}  // namespace weft::signing

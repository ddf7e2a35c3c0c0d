// A revocation list behind a genuine signature of the CA: what is accepted is written back to the
// same bytes, and finds each of its entries.

#include <cassert>
#include <string>

#include "tests/fuzz/fixed_world.hpp"
#include "tests/fuzz/targets.hpp"

namespace weft::fuzz {

void revocation_list(std::string_view input) {
    static const FixedAuthority authority;
    using signing::RevocationList;
    const auto forged = RevocationList::verify(input, authority.public_half);
    assert(!forged && !forged.error().empty());

    const auto list =
        RevocationList::verify(authority.signed_by_me("weft1.list", input), authority.public_half);
    if (!list) return;
    assert(list->issuer() == authority.public_half.id());
    assert(RevocationList::unsigned_bytes(list->issuer(), list->number(), list->this_update(),
                                          list->next_update(), list->revocations()) == input);
    for (const signing::Revocation& entry : list->revocations()) {
        assert(list->find(entry.serial) != nullptr && *list->find(entry.serial) == entry);
        if (list->find(entry.serial + 1) != nullptr) {
            assert(list->find(entry.serial + 1)->serial == entry.serial + 1);
        }
    }
}

}  // namespace weft::fuzz

// The texts of a key directory. Both readers, the plain one and the one for secrets, must agree;
// what they find is found again in what the writer makes of it.

#include <array>
#include <cassert>
#include <string>

#include "signing/armor.hpp"
#include "signing/key_file.hpp"
#include "tests/fuzz/targets.hpp"

namespace weft::fuzz {

void armor(std::string_view input) {
    using signing::ArmorLabel;
    constexpr std::array labels{ArmorLabel::signing_key, ArmorLabel::certificate,
                                ArmorLabel::ca_key, ArmorLabel::ca, ArmorLabel::revocation_list};
    const signing::Secret text = signing::Secret::copy_of(input);
    int accepted = 0;
    for (const ArmorLabel label : labels) {
        const auto plain = signing::unarmor(label, input);
        const auto secret = signing::unarmor_secret(label, text);
        assert(plain.has_value() == secret.has_value());
        const bool is_private = label == ArmorLabel::signing_key || label == ArmorLabel::ca_key;
        const auto key = is_private ? signing::read_key_text(text, label)
                                    : tl::make_unexpected(std::string{"no key"});
        if (!plain) {
            assert(plain.error() == secret.error() && !key);
            continue;
        }
        ++accepted;
        assert(!plain->empty() && secret->equals(*plain));
        const std::string again = signing::armor(label, *plain);
        assert(signing::unarmor(label, again) == *plain);
        assert(signing::armor_secret(label, *secret).equals(again));
        if (key) assert(plain->ends_with(key->seed().reveal()) && plain->size() == 38);
    }
    assert(accepted <= 1);
}

}  // namespace weft::fuzz

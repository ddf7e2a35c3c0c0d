#include "reliability/ack/wanted_names.hpp"

#include <utility>

namespace weft::reliability {
namespace {

constexpr std::size_t why_bytes_max = 200;

/// Not in the middle of a UTF-8 character.
std::string_view cut(std::string_view text) {
    if (text.size() <= why_bytes_max) return text;
    std::size_t end = why_bytes_max;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
    return text.substr(0, end);
}

}  // namespace

WantedNames::Wanted WantedNames::want(const std::string& name) {
    Known& known = *names_.try_emplace(name).first;
    known.second.owner = this;
    ++known.second.waits;
    return Wanted{&known};
}

void WantedNames::release(Known& known) noexcept {
    if (--known.second.waits > 0) return;
    budget_.give_back(known.second.why.size());
    names_.erase(names_.find(known.first));
}

void WantedNames::refused(std::string_view name, std::string_view why) {
    const auto place = names_.find(name);
    if (place == names_.end()) return;
    Standing& standing = place->second;
    ++standing.refused;
    std::string text{cut(why)};
    if (!budget_.take(text.size())) return;  // the one before is kept
    budget_.give_back(standing.why.size());
    standing.why = std::move(text);
}

}  // namespace weft::reliability

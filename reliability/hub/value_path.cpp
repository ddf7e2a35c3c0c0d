#include "reliability/hub/value_path.hpp"

#include <charconv>
#include <cstddef>

#include "fabric/message/json_form.hpp"
#include "signing/refusal.hpp"

namespace weft::reliability::hub {
namespace {

const fabric::Value* step_into(const fabric::Value& value, std::string_view step) {
    if (const auto* map = value.map()) {
        for (auto entry = map->rbegin(); entry != map->rend(); ++entry) {
            if (entry->first == step) return &entry->second;
        }
        return nullptr;
    }
    const auto* list = value.list();
    if (list == nullptr) return nullptr;
    std::size_t index = 0;
    const auto [end, failed] = std::from_chars(step.data(), step.data() + step.size(), index);
    const bool whole = failed == std::errc{} && end == step.data() + step.size();
    return whole && index < list->size() ? &(*list)[index] : nullptr;
}

}  // namespace

const fabric::Value* find(const fabric::Value& value, std::string_view path) {
    const fabric::Value* found = &value;
    while (found != nullptr && !path.empty()) {
        const std::size_t dot = path.find('.');
        found = step_into(*found, path.substr(0, dot));
        path = dot == std::string_view::npos ? std::string_view{} : path.substr(dot + 1);
    }
    return found;
}

std::optional<double> number_of(const fabric::Value& value) {
    if (const double* real = value.real()) return *real;
    if (const auto* number = value.signed_number()) return static_cast<double>(*number);
    if (const auto* large = value.unsigned_number()) return static_cast<double>(*large);
    return std::nullopt;
}

std::string described(const fabric::Value& value) {
    if (value.is_nil()) return "nothing";
    if (const auto* text = value.text()) return "the text \"" + signing::escape(*text) + "\"";
    if (number_of(value)) return "the number " + fabric::to_json(value);
    if (const bool* flag = value.flag()) return *flag ? "true" : "false";
    if (value.list() != nullptr) return "a list";
    return value.map() != nullptr ? "a map" : "bytes";
}

}  // namespace weft::reliability::hub

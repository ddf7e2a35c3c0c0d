#include "reliability/hub/plugin_settings.hpp"

#include <stdexcept>
#include <utility>

#include "fabric/message/json_form.hpp"
#include "reliability/hub/value_path.hpp"
#include "signing/refusal.hpp"

namespace weft::reliability::hub {
namespace {

[[noreturn]] void refuse(std::string_view path, const fabric::Value& value,
                         std::string_view wanted) {
    throw plugin::BadSetting("settings." + signing::escape(path) + " is " + described(value) +
                             "; " + std::string{wanted} + " is wanted");
}

}  // namespace

PluginSettings::PluginSettings(std::string json) : json_(std::move(json)) {
    auto value = fabric::from_json(json_);
    if (!value) throw std::invalid_argument("the settings are not JSON: " + value.error());
    if (value->map() == nullptr) throw std::invalid_argument("the settings are not a map");
    value_ = *std::move(value);
}

const fabric::Value* PluginSettings::at(std::string_view path) const {
    const fabric::Value* const found = find(value_, path);
    return found == nullptr || found->is_nil() ? nullptr : found;
}

std::optional<std::string> PluginSettings::text(std::string_view path) const {
    const fabric::Value* const value = at(path);
    if (value == nullptr) return std::nullopt;
    if (value->text() != nullptr) return *value->text();
    // YAML reads 1.10 and true as a number and a truth value, which surprises at first.
    const bool scalar = value->list() == nullptr && value->map() == nullptr;
    refuse(path, *value, scalar ? "a text, so in quotes," : "a text");
}

std::optional<std::int64_t> PluginSettings::integer(std::string_view path) const {
    const fabric::Value* const value = at(path);
    if (value == nullptr) return std::nullopt;
    if (const auto* number = value->signed_number()) return *number;
    if (value->unsigned_number() != nullptr) {
        refuse(path, *value, "a whole number up to 9223372036854775807");
    }
    refuse(path, *value, "a whole number");
}

std::optional<double> PluginSettings::number(std::string_view path) const {
    const fabric::Value* const value = at(path);
    if (value == nullptr) return std::nullopt;
    if (const auto number = number_of(*value)) return number;
    refuse(path, *value, "a number");
}

std::optional<bool> PluginSettings::flag(std::string_view path) const {
    const fabric::Value* const value = at(path);
    if (value == nullptr) return std::nullopt;
    if (const bool* flag = value->flag()) return *flag;
    refuse(path, *value, "true or false");
}

std::vector<std::string> PluginSettings::texts(std::string_view path) const {
    const fabric::Value* const value = at(path);
    if (value == nullptr) return {};
    // One text is a list of one, as elsewhere in the configuration.
    if (value->text() != nullptr) return {*value->text()};
    if (value->list() == nullptr) refuse(path, *value, "a list of texts");
    std::vector<std::string> texts;
    for (const fabric::Value& item : *value->list()) {
        if (item.text() == nullptr) {
            refuse(std::string{path} + "." + std::to_string(texts.size()), item, "a text");
        }
        texts.push_back(*item.text());
    }
    return texts;
}

}  // namespace weft::reliability::hub

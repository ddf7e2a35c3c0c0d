#pragma once
// What a plugin sees of its `settings`.
// Threads: immutable once made; any thread. Errors: plugin::BadSetting names the setting, what
// stands there and what was wanted.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fabric/message/value.hpp"
#include "reliability/hub/plugin.hpp"

namespace weft::reliability::hub {

class PluginSettings final : public plugin::Settings {
public:
    /// `json` is one JSON object, as ConsumerSettings::settings_json; std::invalid_argument else.
    explicit PluginSettings(std::string json);

    [[nodiscard]] std::string_view json() const override { return json_; }
    [[nodiscard]] std::optional<std::string> text(std::string_view path) const override;
    [[nodiscard]] std::optional<std::int64_t> integer(std::string_view path) const override;
    [[nodiscard]] std::optional<double> number(std::string_view path) const override;
    [[nodiscard]] std::optional<bool> flag(std::string_view path) const override;
    [[nodiscard]] std::vector<std::string> texts(std::string_view path) const override;

private:
    /// Null where nothing stands, or null: `report_every:` without a value says nothing.
    [[nodiscard]] const fabric::Value* at(std::string_view path) const;

    std::string json_;
    fabric::Value value_;
};

}  // namespace weft::reliability::hub

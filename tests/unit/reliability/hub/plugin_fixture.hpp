#pragma once
// A consumer whose plugin does what its messages say; see tests/plugins/scripted_plugin.cpp.

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "fabric/message/json_form.hpp"
#include "reliability/hub/handler.hpp"
#include "tests/unit/fabric/message/sample_message.hpp"
#include "tests/unit/reliability/hub/recording_surroundings.hpp"

namespace weft::reliability::hub {

inline ConsumerSettings scripted(std::string settings_json = "{}") {
    ConsumerSettings settings;
    settings.name = "counter";
    settings.plugin = std::string{WEFT_TEST_PLUGINS} + "/scripted_plugin.so";
    settings.settings_json = std::move(settings_json);
    return settings;
}

/// {"do": `what`}, with other fields.
inline fabric::Message order(std::string_view what, fabric::Value::Map fields = {}) {
    fields.emplace_back("do", fabric::Value{what});
    return fabric::received(fabric::Value{std::move(fields)});
}

}  // namespace weft::reliability::hub

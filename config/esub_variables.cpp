#include "config/esub_variables.hpp"

#include <utility>

namespace weft::config {

std::optional<Assignment> read_esub_variable(std::string_view variable, std::string_view value,
                                             const Schema& schema) {
    std::string_view key;
    std::string text(value);
    const bool is_number =
        !value.empty() && value.find_first_not_of("0123456789") == std::string_view::npos;
    if (variable == "ESUB_PORT") {
        key = "PORT";
    } else if (variable == "ESUB_NODE_IP") {
        key = "NODE_IP";
    } else if (variable == "ESUB_CONFIRM_RECEIPT") {
        key = "CONFIRM";
        text = value.empty() || value == "0" ? "false" : "true";
    } else if (variable == "ESUB_PING_FREQUENCY") {
        key = "PING";
        if (is_number) text += "s";
    } else if (variable == "ESUB_CLOSE_CONNECTIONS") {
        key = "CLOSE_CONNECTIONS";
        text = value.empty() ? "false" : "true";
    } else if (variable == "ESUB_METRIC_PREFIX") {
        key = "METRIC_PREFIX";
    } else {
        // ESUB_PERIODIC_METRIC_FREQUENCY, too: the gauges are never older than it asks for.
        return std::nullopt;
    }
    if (text.empty()) return std::nullopt;
    return read_variable_as(Origin::environment(std::string(variable)),
                            std::string(variable_prefix) + "GATEWAY__ESUB__" + std::string(key),
                            text, schema);
}

}  // namespace weft::config

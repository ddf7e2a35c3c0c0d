#include "reliability/hub/handler.hpp"

#include "reliability/hub/exec_handler.hpp"
#include "reliability/hub/isolated_plugin.hpp"

namespace weft::reliability::hub {

std::unique_ptr<HandlerHost> make_handler_host(const ConsumerSettings& settings,
                                               Surroundings& surroundings,
                                               const std::string& program) {
    if (!settings.exec.empty()) return std::make_unique<ExecHost>(settings, surroundings);
    return make_plugin_host(settings, surroundings, program);
}

}  // namespace weft::reliability::hub

#include "gateway/bridge/fabric_bridge.hpp"

namespace weft::gateway {

std::string_view name_of(BridgeError::Kind kind) noexcept {
    switch (kind) {
        case BridgeError::Kind::invalid:
            return "invalid";
        case BridgeError::Kind::not_granted:
            return "not_granted";
        case BridgeError::Kind::too_large:
            return "too_large";
        case BridgeError::Kind::busy:
            return "busy";
        case BridgeError::Kind::journal_away:
            return "journal_away";
        case BridgeError::Kind::disk_full:
            return "disk_full";
        case BridgeError::Kind::not_acknowledged:
            return "not_acknowledged";
        case BridgeError::Kind::stopped:
            return "stopped";
    }
    return "?";
}

}  // namespace weft::gateway

#include "gateway/delivery/notice.hpp"

namespace weft::gateway::delivery {

std::string_view name_of(Notice::Kind kind) noexcept {
    switch (kind) {
        case Notice::Kind::failing:
            return "failing";
        case Notice::Kind::disabled_soon:
            return "disabled_soon";
        case Notice::Kind::disabled:
            return "disabled";
        case Notice::Kind::lagging:
            return "lagging";
        case Notice::Kind::recovered:
            break;
    }
    return "recovered";
}

}  // namespace weft::gateway::delivery

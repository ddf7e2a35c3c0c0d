#include "config/origin.hpp"

namespace weft::config {

std::string Origin::text() const {
    switch (kind) {
        case Kind::defaults:
            return "default";
        case Kind::environment:
            return "environment " + name;
        case Kind::option:
            return name;
        case Kind::file:
            break;
    }
    std::string text = name;
    if (line != 0) text += ":" + std::to_string(line);
    if (column != 0) text += ":" + std::to_string(column);
    return text;
}

}  // namespace weft::config

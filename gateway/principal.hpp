#pragma once
// Who a request is from, and what they may do. Threads: a value; `via()` etc. are pure.

#include <string>
#include <string_view>
#include <vector>

#include "signing/topic_glob.hpp"

namespace weft::gateway {

struct Principal {
    std::string name;                               ///< Of the token; "" is anonymous.
    std::vector<signing::TopicGlob> publish, read;  ///< Full globs.
    bool admin = false;
    bool everything = false;  ///< Anonymous where auth.required is false.

    /// `topic` is a full one.
    [[nodiscard]] bool may_publish(std::string_view topic) const;
    [[nodiscard]] bool may_read(std::string_view topic) const;
    /// Stands in the header `via` of what it publishes: "http:NAME", "http:anonymous".
    [[nodiscard]] std::string via() const;
};

}  // namespace weft::gateway

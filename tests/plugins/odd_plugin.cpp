// Libraries that are no plugins for this hub, each in its own way.

#include "reliability/hub/plugin.hpp"

extern "C" int weft_somebody_else_has_this();

namespace {

using weft::plugin::Description;

Description odd_description() {
    return {sizeof(Description), weft::plugin::interface_version, weft::plugin::toolchain(),
            []() -> weft::plugin::Consumer* { return nullptr; }, [](weft::plugin::Consumer*) {}};
}

}  // namespace

#if !defined(ODD_SYMBOL)
extern "C" __attribute__((visibility("default"))) const Description* weft_consumer_plugin() {
    static Description description = odd_description();
#if defined(ODD_INTERFACE)
    description.interface_version = 2;
    description.toolchain = nullptr;  // Must not be looked at.
#elif defined(ODD_TOOLCHAIN)
    description.toolchain = "C++ ABI 7";
#elif defined(ODD_SIZE)
    description.bytes = 96;
#elif defined(ODD_FUNCTIONS)
    description.create = nullptr;
#elif defined(ODD_UNDEFINED)
    if (weft_somebody_else_has_this() == 1) return nullptr;
#elif defined(ODD_NULL)
    return nullptr;
#endif
    return &description;
}
#else
extern "C" __attribute__((visibility("default"))) int weft_other_symbol() {
    return odd_description().bytes == 0 ? 1 : 0;
}
#endif

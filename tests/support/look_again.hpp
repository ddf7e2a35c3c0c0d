#pragma once
// Between two looks at a condition that nothing can be waited on for, such as the length of a file
// that another process writes: gives the processor away. Whatever loops has a deadline of its own.

#include <poll.h>

namespace weft::testing {

inline void look_again_after_ms(int milliseconds) {
    static_cast<void>(::poll(nullptr, 0, milliseconds));
}

}  // namespace weft::testing

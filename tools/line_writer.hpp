#pragma once
// Lines to standard output that a signal can interrupt: a reader that has stopped reading (a pager,
// a full pipe) must not keep the command from ending. Threads: one writer.

#include <string_view>

#include "tools/stop_signal.hpp"

namespace weft::tools {

class LineWriter {
public:
    explicit LineWriter(const StopSignal& stop) : stop_(stop) {}

    /// Writes the line and a newline. False if the reader has gone or a stop came while it was
    /// waited for; the last line may then be cut.
    [[nodiscard]] bool write(std::string_view line);

private:
    bool write_all(std::string_view bytes);

    const StopSignal& stop_;
};

}  // namespace weft::tools

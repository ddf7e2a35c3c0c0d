#pragma once
// Lines of standard input, until its end or a signal: a Ctrl-C between two lines loses neither.
// Threads: one.

#include <cstddef>
#include <string>

#include "tools/stop_signal.hpp"

namespace weft::tools {

class LineReader {
public:
    LineReader(int fd, StopSignal& stop, std::size_t line_bytes_max)
        : fd_(fd), stop_(stop), line_bytes_max_(line_bytes_max) {}

    enum class Result { line, too_long, end, stopped };
    /// The next line without its end. After too_long that line is skipped and `line` is empty.
    Result next(std::string& line);
    /// Everything that is left, as it is.
    std::string rest();
    [[nodiscard]] std::size_t number() const noexcept { return number_; }  ///< Of the last line.

private:
    bool fill();
    bool take(std::string& line, std::size_t end);

    int fd_;
    StopSignal& stop_;
    std::size_t line_bytes_max_;
    std::string buffer_;
    std::size_t begin_ = 0, number_ = 0;
    bool ended_ = false, stopped_ = false;
};

}  // namespace weft::tools

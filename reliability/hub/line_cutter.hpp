#pragma once
// Cuts a stream of bytes into lines that are never longer than a limit.
// Threads: a value; one at a time. Limits: keeps at most `bytes_max` bytes.

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace weft::reliability::hub {

class LineCutter {
public:
    /// A line without its line break; `cut`: it was longer, and its rest is left out.
    using Sink = std::function<void(std::string_view line, bool cut)>;

    LineCutter(std::size_t bytes_max, Sink sink);
    void take(std::string_view bytes);
    /// The stream has ended: what stands without a line break is a line, too.
    void finish();

private:
    void keep(std::string_view part);

    std::size_t bytes_max_;
    Sink sink_;
    std::string kept_;
    bool cut_ = false;
};

}  // namespace weft::reliability::hub

#pragma once
// How far long work is, on stderr. Threads: one.

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>

namespace weft::tools {

/// On a terminal only: files and pipes get the figures alone.
class Progress {
public:
    explicit Progress(std::uint64_t total) : total_(total), shown_(::isatty(STDERR_FILENO) != 0) {}
    void show(std::uint64_t done) {
        const auto now = std::chrono::steady_clock::now();
        if (!shown_ || now - last_ < std::chrono::milliseconds{200}) return;
        last_ = now;
        const std::size_t width = 40;
        const std::size_t full = std::min(
            width, static_cast<std::size_t>(static_cast<double>(width) * static_cast<double>(done) /
                                            static_cast<double>(total_)));
        std::fprintf(stderr, "\r[%s%s] %llu of %llu", std::string(full, '#').c_str(),
                     std::string(width - full, '.').c_str(), static_cast<unsigned long long>(done),
                     static_cast<unsigned long long>(total_));
    }
    void end() const {
        if (shown_) std::fprintf(stderr, "\r\033[K");
    }

private:
    std::uint64_t total_;
    bool shown_;
    std::chrono::steady_clock::time_point last_{};
};

}  // namespace weft::tools

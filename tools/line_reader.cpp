#include "tools/line_reader.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace weft::tools {

bool LineReader::fill() {
    std::array<char, 65536> chunk;
    while (!ended_ && !stopped_) {
        std::array<pollfd, 2> polls{{{fd_, POLLIN, 0}, {stop_.fd(), POLLIN, 0}}};
        if (::poll(polls.data(), polls.size(), -1) < 0 && errno != EINTR) ended_ = true;
        if (stop_.requested()) {
            stopped_ = true;
            break;
        }
        if ((polls[0].revents & (POLLIN | POLLHUP | POLLERR)) == 0) continue;
        const ssize_t got = ::read(fd_, chunk.data(), chunk.size());
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) {
            ended_ = true;
            break;
        }
        buffer_.erase(0, begin_);
        begin_ = 0;
        buffer_.append(chunk.data(), static_cast<std::size_t>(got));
        return true;
    }
    return false;
}

bool LineReader::take(std::string& line, std::size_t end) {
    line.assign(buffer_, begin_, end - begin_);
    if (!line.empty() && line.back() == '\r') line.pop_back();
    begin_ = std::min(end + 1, buffer_.size());
    return line.size() <= line_bytes_max_;
}

LineReader::Result LineReader::next(std::string& line) {
    std::size_t searched = begin_;
    bool skipping = false;
    while (true) {
        if (const auto end = buffer_.find('\n', searched); end != std::string::npos) {
            ++number_;
            if (take(line, end) && !skipping) return Result::line;
            line.clear();
            return Result::too_long;
        }
        if (buffer_.size() - begin_ > line_bytes_max_) {
            skipping = true;  // keep nothing of it but what may hold its end
            begin_ = buffer_.size();
        }
        searched = buffer_.size() - begin_;  // fill() moves what is kept to the front
        if (fill()) continue;
        if (stopped_) return Result::stopped;
        if (begin_ == buffer_.size() && !skipping) return Result::end;
        ++number_;
        if (take(line, buffer_.size()) && !skipping) return Result::line;
        line.clear();
        return Result::too_long;
    }
}

std::string LineReader::rest() {
    while (fill()) {
    }
    std::string all = buffer_.substr(begin_);
    begin_ = buffer_.size();
    return all;
}

}  // namespace weft::tools

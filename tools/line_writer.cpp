#include "tools/line_writer.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <string>

namespace weft::tools {

bool LineWriter::write(std::string_view line) {
    std::string text;
    text.reserve(line.size() + 1);
    text += line;
    text += '\n';
    return write_all(text);
}

bool LineWriter::write_all(std::string_view bytes) {
    while (!bytes.empty()) {
        std::array<pollfd, 2> polls{{{STDOUT_FILENO, POLLOUT, 0}, {stop_.fd(), POLLIN, 0}}};
        if (::poll(polls.data(), polls.size(), -1) < 0 && errno != EINTR) return false;
        if ((polls[0].revents & (POLLOUT | POLLERR | POLLHUP)) == 0) {
            if (stop_.requested()) return false;
            continue;
        }
        // A pipe that polls writable takes PIPE_BUF bytes without blocking, and promises no more.
        const ssize_t wrote =
            ::write(STDOUT_FILENO, bytes.data(), std::min<std::size_t>(bytes.size(), PIPE_BUF));
        if (wrote < 0 && errno != EINTR && errno != EAGAIN) return false;
        if (wrote > 0) bytes.remove_prefix(static_cast<std::size_t>(wrote));
    }
    return true;
}

}  // namespace weft::tools

#include "gateway/access_log/access_log.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

namespace weft::gateway {
namespace {

/// Of one write(): enough to be cheap, and little beside the queue.
constexpr std::size_t chunk_bytes = std::size_t{64} << 10U;

int open_file(const std::string& path) {
    if (path == "-") return STDERR_FILENO;
    return ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
}

/// 0, or the errno; what was written before an error stays.
int write_all(int descriptor, std::string_view text) {
    while (!text.empty()) {
        const ssize_t sent = ::write(descriptor, text.data(), text.size());
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0) return errno;
        text.remove_prefix(static_cast<std::size_t>(sent));
    }
    return 0;
}

}  // namespace

tl::expected<std::unique_ptr<AccessLog>, std::string> AccessLog::open(std::string path, Warn warn) {
    const int descriptor = open_file(path);
    if (descriptor < 0) {
        return tl::make_unexpected("gateway.access_log.path: " + path +
                                   " cannot be written: " + std::strerror(errno) +
                                   "; name a file in a directory that is ours, or - for stderr");
    }
    return std::unique_ptr<AccessLog>(new AccessLog(std::move(path), std::move(warn), descriptor));
}

AccessLog::AccessLog(std::string path, Warn warn, int descriptor)
    : path_(std::move(path)),
      warn_(std::move(warn)),
      descriptor_(descriptor),
      thread_([this] { run(); }) {}

AccessLog::~AccessLog() {
    {
        const std::lock_guard lock(mutex_);
        stop_ = true;
    }
    wake_.notify_one();
    thread_.join();
    if (descriptor_ != STDERR_FILENO) ::close(descriptor_);
}

bool AccessLog::write(std::string line) {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() + under_way_ >= lines_max) {
        ++stats_.dropped;
        return false;
    }
    waiting_.push_back(std::move(line));
    if (waiting_.size() == 1) wake_.notify_one();
    return true;
}

void AccessLog::reopen() {
    const std::lock_guard lock(mutex_);
    reopen_ = true;
    wake_.notify_one();
}

AccessLogStats AccessLog::stats() const {
    const std::lock_guard lock(mutex_);
    return stats_;
}

void AccessLog::run() {
    std::unique_lock lock(mutex_);
    while (true) {
        wake_.wait(lock, [this] { return stop_ || reopen_ || !waiting_.empty(); });
        if (waiting_.empty() && !reopen_) return;
        const std::vector<std::string> lines = std::exchange(waiting_, {});
        under_way_ = lines.size();
        const bool reopen = std::exchange(reopen_, false);
        lock.unlock();
        // What came before the wish to reopen belongs to the old file.
        if (!lines.empty()) write_out(lines);
        if (reopen) open_again();
        lock.lock();
        under_way_ = 0;
    }
}

void AccessLog::write_out(const std::vector<std::string>& lines) {
    std::string chunk;
    std::size_t in_chunk = 0;
    const auto send = [&] {
        const int error = write_all(descriptor_, chunk);
        if (error != 0) complain("cannot be written", error);
        if (error == 0) complained_ = false;
        const std::lock_guard lock(mutex_);
        (error == 0 ? stats_.written : stats_.failed) += in_chunk;
        under_way_ -= in_chunk;
        chunk.clear();
        in_chunk = 0;
    };
    for (const std::string& line : lines) {
        chunk += line;
        ++in_chunk;
        if (chunk.size() >= chunk_bytes) send();
    }
    if (in_chunk > 0) send();
}

void AccessLog::open_again() {
    if (path_ == "-") return;
    const int fresh = open_file(path_);
    if (fresh < 0) return complain("cannot be opened again, the old file stays", errno);
    ::close(std::exchange(descriptor_, fresh));
}

void AccessLog::complain(const std::string& what, int error) {
    if (std::exchange(complained_, true)) return;
    warn_("the access log " + path_ + " " + what + ": " + std::strerror(error));
}

}  // namespace weft::gateway

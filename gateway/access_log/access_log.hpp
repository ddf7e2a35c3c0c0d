#pragma once
// Where access lines go: a file that is opened again on request (logrotate), or stderr. Lines wait
// in a queue for a thread that writes them, so a slow disk costs lines and no answers.
//
// Threads:   write(), reopen() and stats() from any, none blocks on the file; one thread of its
// own. Limits:    lines_max wait; what comes then is dropped and counted. Errors:    open() says
// why not. A write or a reopening that fails later is counted and said once,
//            until one works again.
// Stop:      the destructor writes what waits.

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <tl/expected.hpp>
#include <vector>

namespace weft::gateway {

struct AccessLogStats {
    std::uint64_t written = 0;  ///< Lines.
    std::uint64_t dropped = 0;  ///< The queue was full.
    std::uint64_t failed = 0;   ///< Lines that could not be written, or not whole.
};

class AccessLog {
public:
    static constexpr std::size_t lines_max = 10'000;
    using Warn = std::function<void(const std::string&)>;

    /// `path`: "-" is stderr. `warn` is called by the writing thread.
    [[nodiscard]] static tl::expected<std::unique_ptr<AccessLog>, std::string> open(
        std::string path, Warn warn);
    ~AccessLog();
    AccessLog(const AccessLog&) = delete;
    AccessLog& operator=(const AccessLog&) = delete;

    /// `line` has its '\n'. False: dropped.
    bool write(std::string line);
    /// What is written after it goes to the file that has the name then.
    void reopen();
    [[nodiscard]] AccessLogStats stats() const;

private:
    AccessLog(std::string path, Warn warn, int descriptor);
    void run();
    void write_out(const std::vector<std::string>& lines);
    void open_again();
    void complain(const std::string& what, int error);

    const std::string path_;
    const Warn warn_;
    int descriptor_;  ///< Of the writing thread.
    bool complained_ = false;

    mutable std::mutex mutex_;
    std::condition_variable wake_;
    std::vector<std::string> waiting_;
    std::size_t under_way_ = 0;  ///< Taken by the thread, not yet written; they count as waiting.
    bool reopen_ = false, stop_ = false;
    AccessLogStats stats_;
    std::thread thread_;  // last: it uses everything above
};

}  // namespace weft::gateway

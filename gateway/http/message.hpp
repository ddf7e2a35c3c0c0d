#pragma once
// What a handler sees of a request and says in an answer. Nothing of the HTTP library is in it.
// Threads: values.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weft::gateway {

/// Names of headers, and tokens in them: the case of ASCII letters does not matter.
[[nodiscard]] bool same_name(std::string_view one, std::string_view other) noexcept;
/// Without the blanks and tabs round it.
[[nodiscard]] std::string_view trimmed(std::string_view text) noexcept;

/// In the order of the wire; names compare without regard to case.
class Headers {
public:
    /// The value of the first of that name, or nothing.
    [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const noexcept;
    [[nodiscard]] std::vector<std::string_view> all(std::string_view name) const;
    /// One of the values of that name, which are lists with commas, is `token`.
    [[nodiscard]] bool lists(std::string_view name, std::string_view token) const noexcept;
    void add(std::string name, std::string value);
    /// In the place of all of that name.
    void set(std::string name, std::string value);
    [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& list() const noexcept {
        return list_;
    }

private:
    std::vector<std::pair<std::string, std::string>> list_;
};

/// Whose token a request showed, for the access log alone. Threads: any.
class CallerNote {
public:
    void set(std::string_view token_name) {
        const std::lock_guard lock(mutex_);
        name_ = token_name;
    }
    [[nodiscard]] std::string get() const {
        const std::lock_guard lock(mutex_);
        return name_;
    }

private:
    mutable std::mutex mutex_;
    std::string name_;
};

struct Request {
    std::string method;     ///< As sent, such as "GET": methods are case-sensitive.
    std::string target;     ///< As sent: path and query, not decoded, no fragment.
    unsigned version = 11;  ///< 10 or 11.
    Headers headers;
    std::string body;  ///< Whole, the chunks put together; never half of one that was cut short.

    std::string id;    ///< For the log and problem bodies; the client's X-Request-Id if it is one.
    std::string peer;  ///< "127.0.0.1:4711".
    std::string listener;  ///< The address of the configuration.
    bool tls = false;
    bool loopback = false;    ///< The peer is on this host.
    std::string traceparent;  ///< The client's, if it sent a valid one (trace_parent.hpp).
    std::shared_ptr<CallerNote> caller{};  ///< Null: nobody wants to know.

    /// Who asks has found out whose token it is.
    void note_caller(std::string_view token_name) const {
        if (caller) caller->set(token_name);
    }

    /// The target up to the query, not decoded; begins with '/'.
    [[nodiscard]] std::string_view raw_path() const noexcept;
    /// What follows the first '?', not decoded; nothing: there is none.
    [[nodiscard]] std::optional<std::string_view> raw_query() const noexcept;
};

/// For who must know whether an answer left: the client then has it, as far as that can be known.
struct WriteReport {
    /// Called once, by the io thread of the connection or, before answer() returns, by the thread
    /// that answers; unless the server goes first. True: the client's system acknowledged every
    /// byte; on our own system it is enough that they left. What it does with them nobody can know.
    std::function<void(bool all_taken)> done;
    /// Without progress for so long the client is cut off, and gets nothing more.
    std::chrono::milliseconds patience{5000};
};

struct Response {
    unsigned status = 200;
    Headers headers;
    std::string body;
    /// Close the connection after it, whatever the client asked for.
    bool close = false;
    std::optional<WriteReport> report{};

    /// Content-Type and body.
    [[nodiscard]] static Response of(unsigned status, std::string content_type, std::string body);
};

}  // namespace weft::gateway

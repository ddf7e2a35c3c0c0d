#pragma once
// What a plugin of the hub is written against. This header needs nothing else of weft, and a plugin
// links nothing of it: everything comes through the interfaces below.
//
//     #include <weft/reliability/hub/plugin.hpp>
//
//     class CommitCounter : public weft::plugin::Consumer {
//         weft::plugin::Result consume(const weft::plugin::Message& message) override {
//             ++commits_[message.text("author").value_or("somebody")];
//             return weft::plugin::Result::done();
//         }
//         std::map<std::string, int> commits_;
//     };
//     WEFT_CONSUMER_PLUGIN(CommitCounter)
//
//     g++ -std=c++20 -shared -fPIC -o commit_counter.so commit_counter.cpp
//
// With CMake: find_package(weft REQUIRED COMPONENTS plugin), then weft::plugin. A whole one, with
// settings and state, is examples/consumer_plugin.
//
// Life:      created, start(), consume() for each message, stop(), destroyed; one object in the
//            hub's process, or with `isolate: true` one for each worker, in a process of its own. A
//            reload that changes the consumer's configuration stops the old one before it starts a
//            new one. The library stays loaded until the process ends: a changed one needs a
//            restart, or `isolate: true`.
// Delivery:  each message at least once; see Message::id().
// Threads:   start() and stop() are called by one thread, while no consume() runs. In the hub's
//            process consume() is called by as many threads at once as the consumer has `workers`;
//            with `isolate: true` by one. What Host gives may be used from any thread between
//            start() and the return of stop(), a Message by one thread at a time.
// Ownership: views and references that consume() is given end with its return.
// Limits:    a result's reason, or an exception's text, is cut at 1,000 bytes; a line of the log at
//            4,096.
// Errors:    what start() throws keeps the consumer from running, and its text is shown. What
//            consume() throws is a retry with the exception's text; what stop() throws is logged.
// Time:      in the hub's process nothing can end a consume() that hangs: its worker is lost until
//            the hub restarts, and stop() is not called. With `isolate: true` the process is killed
//            at `timeout`, and the message comes again.
// Versions:  interface_version counts; hub and plugin must agree on it, on the C++ ABI and on the
//            standard library. The hub checks before it calls anything, and says what to rebuild.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weft::plugin {

inline constexpr std::uint32_t interface_version = 1;

/// What becomes of one message.
class Result {
public:
    enum class Is : std::uint8_t { done, retry, reject };

    /// It is processed, and is not shown again.
    [[nodiscard]] static Result done() { return {Is::done, {}}; }
    /// It comes again after the next pause of `retry`, or is given up after `max_attempts`.
    [[nodiscard]] static Result retry(std::string reason) { return {Is::retry, std::move(reason)}; }
    /// It never will be: a dead letter at once.
    [[nodiscard]] static Result reject(std::string reason) {
        return {Is::reject, std::move(reason)};
    }
    [[nodiscard]] Is is() const noexcept { return is_; }
    [[nodiscard]] const std::string& reason() const noexcept { return reason_; }

private:
    Result(Is is, std::string reason) : is_(is), reason_(std::move(reason)) {}
    Is is_;
    std::string reason_;
};

/// One message whose signature has been verified.
class Message {
public:
    [[nodiscard]] virtual std::string_view topic() const = 0;
    /// A UUID as text, the same at each delivery: what tells a repetition from a new message.
    [[nodiscard]] virtual std::string_view id() const = 0;
    /// Its number in the journal; 0 where it came live (`durable: false`).
    [[nodiscard]] virtual std::uint64_t journal_id() const = 0;
    /// The name on the certificate of its publisher; "" if signing.validate is off and none signed.
    [[nodiscard]] virtual std::string_view signer() const = 0;
    [[nodiscard]] virtual std::string_view source() const = 0;
    /// The publisher's clock, microseconds since 1970-01-01 UTC.
    [[nodiscard]] virtual std::uint64_t time_us() const = 0;
    [[nodiscard]] virtual std::string_view parent() const = 0;  ///< "" if there is none.
    /// The number of its message in the stream of its topic and publisher.
    [[nodiscard]] virtual std::uint64_t sequence() const = 0;
    /// Which delivery this is, from 1.
    [[nodiscard]] virtual unsigned attempt() const = 0;
    [[nodiscard]] virtual std::optional<std::string_view> header(std::string_view name) const = 0;
    [[nodiscard]] virtual std::string_view content_type() const = 0;

    /// The body as it was published: msgpack where content_type() is application/msgpack.
    [[nodiscard]] virtual std::string_view body() const = 0;
    /// The body as JSON text, translated where it is msgpack.
    [[nodiscard]] virtual std::string_view body_json() const = 0;
    /// The whole message as one JSON object, as executables get it and `weft tail --json` shows it.
    [[nodiscard]] virtual std::string_view json() const = 0;

    /// What stands in the body at `path` (steps with dots, as in `files.0.name`); nothing if it is
    /// absent or of another type.
    [[nodiscard]] virtual std::optional<std::string> text(std::string_view path) const = 0;
    [[nodiscard]] virtual std::optional<std::int64_t> integer(std::string_view path) const = 0;
    [[nodiscard]] virtual std::optional<double> number(std::string_view path) const = 0;
    [[nodiscard]] virtual std::optional<bool> flag(std::string_view path) const = 0;

protected:
    ~Message() = default;
};

/// The `settings` of the consumer's entry in the configuration.
class Settings {
public:
    /// All of them as one JSON object; "{}" where there are none.
    [[nodiscard]] virtual std::string_view json() const = 0;
    /// One of them by its path; nothing if it is absent or has no value. Throws BadSetting if it is
    /// of another type: in start() that keeps the consumer from running. A number or true is a text
    /// only in quotes.
    [[nodiscard]] virtual std::optional<std::string> text(std::string_view path) const = 0;
    [[nodiscard]] virtual std::optional<std::int64_t> integer(std::string_view path) const = 0;
    [[nodiscard]] virtual std::optional<double> number(std::string_view path) const = 0;
    [[nodiscard]] virtual std::optional<bool> flag(std::string_view path) const = 0;
    /// A list of texts; one text is a list of one.
    [[nodiscard]] virtual std::vector<std::string> texts(std::string_view path) const = 0;

protected:
    ~Settings() = default;
};
class BadSetting : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// Lines for the hub's log, under the consumer's name. A line break begins another line.
class Log {
public:
    virtual void debug(std::string_view line) = 0;
    virtual void info(std::string_view line) = 0;
    virtual void warning(std::string_view line) = 0;
    virtual void error(std::string_view line) = 0;

protected:
    ~Log() = default;
};

/// A message to publish. Its parent is the message that consume() is handling in this thread; what
/// other threads, start() and stop() publish has none.
struct Outgoing {
    /// May be short: "build.done" becomes <prefix>.<environment>.build.done.
    std::string_view topic;
    std::string_view body;  ///< JSON text, which is checked, or whatever `content_type` says.
    std::string_view content_type = "application/json";
    std::vector<std::pair<std::string_view, std::string_view>> headers{};
    /// Returns once a journal has it on its disk.
    bool durable = false;
};
class PublishFailed : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

class Publisher {
public:
    /// The id of the message. Throws PublishFailed with the reason: not granted, queue full, no
    /// journal answered, the body is not JSON.
    virtual std::string publish(const Outgoing& message) = 0;

protected:
    ~Publisher() = default;
};

/// What the hub gives to a consumer.
class Host {
public:
    [[nodiscard]] virtual std::string_view consumer() const = 0;  ///< Its name.
    [[nodiscard]] virtual std::string_view hub() const = 0;       ///< The name on our certificate.
    [[nodiscard]] virtual const Settings& settings() const = 0;
    [[nodiscard]] virtual Log& log() const = 0;
    [[nodiscard]] virtual Publisher& publisher() const = 0;

protected:
    ~Host() = default;
};

class Consumer {
public:
    Consumer() = default;
    Consumer(const Consumer&) = delete;
    Consumer& operator=(const Consumer&) = delete;
    virtual ~Consumer() = default;

    /// `host` stays until stop() has returned.
    virtual void start(Host& /*host*/) {}
    [[nodiscard]] virtual Result consume(const Message& message) = 0;
    virtual void stop() {}
};

/// What a plugin says of itself before anything of it is called. Plain C: a hub of any version can
/// read the first two members.
struct Description {
    std::uint32_t bytes;              ///< sizeof(Description) where the plugin was compiled.
    std::uint32_t interface_version;  ///< plugin::interface_version there.
    const char* toolchain;            ///< toolchain() there.
    Consumer* (*create)();            ///< May throw.
    void (*destroy)(Consumer*);
};

#define WEFT_PLUGIN_TEXT_(x) #x
#define WEFT_PLUGIN_TEXT(x) WEFT_PLUGIN_TEXT_(x)
/// What must be equal on both sides for the classes above to mean the same.
[[nodiscard]] constexpr const char* toolchain() noexcept {
    return "C++ ABI " WEFT_PLUGIN_TEXT(__GXX_ABI_VERSION)
#if defined(__GLIBCXX__) && defined(_GLIBCXX_USE_CXX11_ABI)
        ", libstdc++ with _GLIBCXX_USE_CXX11_ABI=" WEFT_PLUGIN_TEXT(_GLIBCXX_USE_CXX11_ABI)
#elif defined(_LIBCPP_VERSION)
        ", libc++"
#else
        ", another standard library"
#endif
            ", pointers of " WEFT_PLUGIN_TEXT(__SIZEOF_POINTER__) " bytes";
}

/// The one symbol that the hub looks for.
inline constexpr const char* description_symbol = "weft_consumer_plugin";

}  // namespace weft::plugin

/// Makes a shared library a plugin whose consumer is `Class`. Once in a library, in no namespace.
#define WEFT_CONSUMER_PLUGIN(Class)                                                          \
    extern "C" __attribute__((visibility("default"))) const weft::plugin::Description*       \
    weft_consumer_plugin() {                                                                 \
        static const weft::plugin::Description description{                                  \
            sizeof(weft::plugin::Description), weft::plugin::interface_version,              \
            weft::plugin::toolchain(),                                                       \
            []() -> weft::plugin::Consumer* { return std::make_unique<Class>().release(); }, \
            [](weft::plugin::Consumer* consumer) {                                           \
                const std::unique_ptr<weft::plugin::Consumer> gone{consumer};                \
            }};                                                                              \
        return &description;                                                                 \
    }

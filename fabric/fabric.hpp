#pragma once
// The front door: opens the fabric as the configuration says, publishes and subscribes.
//
//     auto fabric = weft::fabric::Fabric::open();
//     fabric->publish("git.commit", {{"hash", "2f1c9e"}, {"author", "ann"}, {"files", 3}});
//
//     auto commits = fabric->subscribe({"git.**"});
//     while (auto message = commits->receive(std::chrono::seconds(5))) {
//         std::cout << message->signer() << ": " << message->value()["hash"].text_or("?") << '\n';
//     }
//
// Threads:   every function from any thread.
// Ownership: what subscribe() returns must be gone before the Fabric is.
// Errors:    open() and publish() throw; the try_ forms return.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "config/configuration.hpp"
#include "config/problem.hpp"
#include "fabric/message/body.hpp"
#include "fabric/message/message.hpp"
#include "fabric/node/publisher.hpp"
#include "fabric/node/subscriber.hpp"
#include "fabric/settings.hpp"
#include "signing/settings.hpp"

namespace weft::fabric {

/// The configuration, a key or an endpoint is not as it must be. what() says what and where, one
/// problem a line.
class OpenFailed : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

struct FabricOptions {
    /// Stands in each message's header as its source; empty: the configured name.
    std::string source;
    /// What kind of receiver subscribes: those of one kind share, from start to start, what they
    /// have seen before (fabric.replay.state). A file name.
    std::string kind = "node";
    /// Lines for a log: warnings and refused messages, at most one a second of a kind.
    std::function<void(const std::string&)> warn;
    /// Tests and simulations put their own in; both must outlive the Fabric. fabric.curve is for
    /// the transport that the Fabric makes itself.
    Transport* transport = nullptr;
    const Clock* clock = nullptr;
};

/// Messages as a queue. What nobody takes in time is dropped and counted once
/// fabric.high_water_mark messages wait.
class Subscription {
public:
    ~Subscription();
    Subscription(const Subscription&) = delete;
    Subscription& operator=(const Subscription&) = delete;

    /// The next message, or nothing after `timeout`.
    [[nodiscard]] std::optional<Message> receive(std::chrono::milliseconds timeout);
    /// See Subscriber::wait_ready.
    [[nodiscard]] ReadyResult wait_ready(std::chrono::milliseconds timeout);
    [[nodiscard]] std::uint64_t dropped() const;
    [[nodiscard]] SubscriberStats stats() const;

private:
    friend class Fabric;
    struct Queue;
    Subscription(std::unique_ptr<Queue> queue, std::unique_ptr<Subscriber> subscriber);
    std::unique_ptr<Queue> queue_;
    std::unique_ptr<Subscriber> subscriber_;  // last: its thread fills the queue
};

struct SubscribeOptions {
    /// False: what was seen is kept in memory alone, not from start to start.
    bool remember = true;
    /// In place of FabricOptions::kind, for a process with several receivers; empty: that one.
    std::string kind{};
};

class Fabric {
public:
    /// With the configuration of the real process: /etc/weft.d, ~/.config/weft.d, ./weft.d and the
    /// environment. Throws OpenFailed.
    [[nodiscard]] static std::unique_ptr<Fabric> open(FabricOptions options = {});
    [[nodiscard]] static std::unique_ptr<Fabric> open(const config::Configuration& configuration,
                                                      FabricOptions options = {});
    ~Fabric();
    Fabric(const Fabric&) = delete;
    Fabric& operator=(const Fabric&) = delete;

    /// `topic` may be short: "git.commit" goes out as "<prefix>.<environment>.git.commit". The
    /// first call opens the publisher: it needs the key and certificate of the configured name.
    /// Throws OpenFailed or PublishFailed.
    MessageId publish(std::string_view topic, const Body& body, const PublishOptions& options = {});
    [[nodiscard]] tl::expected<MessageId, PublishError> try_publish(
        std::string_view topic, BodyView body, const PublishOptions& options = {});
    /// See Publisher::flush. Nothing published yet: complete at once.
    [[nodiscard]] FlushResult flush(std::chrono::milliseconds timeout);
    /// Opens the publisher if need be. Throws OpenFailed.
    [[nodiscard]] Publisher& publisher();

    /// Short globs are completed as topics are. Throws OpenFailed for a glob that is none.
    [[nodiscard]] std::unique_ptr<Subscription> subscribe(const std::vector<std::string>& globs);
    /// Messages come by callback instead; see Subscriber for the rules.
    [[nodiscard]] std::unique_ptr<Subscriber> subscribe(const std::vector<std::string>& globs,
                                                        SubscriberHooks hooks,
                                                        const SubscribeOptions& options = {});

    /// Puts policy, nitpicky and revocation_expired of a configuration that was loaded again in
    /// force, and reads CAs and revocation lists again: for receivers at once, also on what they
    /// have cached, for our own publisher at its next tick. What cannot change while running is
    /// named in a warning. On an error everything stays as it was; the lines say why.
    /// config/watch.hpp tells when the files have changed.
    [[nodiscard]] tl::expected<void, std::vector<std::string>> reload(
        const config::Configuration& configuration);

    /// What open() was given, for the settings of whatever is built upon the fabric.
    [[nodiscard]] const config::Configuration& configuration() const noexcept;
    /// As read by open(); a reload does not change them.
    [[nodiscard]] const Settings& settings() const noexcept;
    [[nodiscard]] const signing::Settings& signing_settings() const noexcept;
    /// Null if signing.validate is off.
    [[nodiscard]] const std::shared_ptr<signing::TrustStore>& trust() const noexcept;
    [[nodiscard]] const Clock& clock() const noexcept;
    /// For sockets of whatever is built upon the fabric; they must be gone before the Fabric is.
    [[nodiscard]] Transport& transport() const noexcept;
    /// Whose certificate the server at `endpoint` has: with fabric.curve to be said before
    /// connecting there. Nothing happens without.
    void expect(const std::string& endpoint, const std::string& name);
    /// A line for the log that FabricOptions::warn goes to.
    void warn(const std::string& line) const;

private:
    struct Core;
    explicit Fabric(std::unique_ptr<Core> core);
    std::unique_ptr<Core> core_;
};

}  // namespace weft::fabric

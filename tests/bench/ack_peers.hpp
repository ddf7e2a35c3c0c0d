#pragma once
// What publishers that wait for answers share: how many may wait, what they send, and the weft pair
// whose other side answers each message.
// Threads: see peers.hpp; a Window from any thread.

#include <condition_variable>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <string>

#include "fabric/fabric.hpp"
#include "reliability/reliable_publisher.hpp"
#include "tests/bench/peers.hpp"

namespace weft::bench {

/// At most load.in_flight at a time.
class Window {
public:
    explicit Window(std::size_t size) : free_(size), size_(size) {}
    void enter() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return free_ > 0; });
        --free_;
    }
    void leave() {
        const std::scoped_lock lock(mutex_);
        ++free_;
        changed_.notify_one();
    }
    /// False if somebody does not leave in time.
    [[nodiscard]] bool wait_until_empty() {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, std::chrono::seconds{60}, [this] { return free_ == size_; });
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::size_t free_;
    const std::size_t size_;
};

/// The body of message `index`: its time of sending, then filling.
class Bodies {
public:
    explicit Bodies(const Load& load) : body_(load.body_bytes, 'w') {}
    const std::string& next() {
        const std::uint64_t now = now_ns();
        std::memcpy(body_.data(), &now, sizeof now);
        return body_;
    }

private:
    std::string body_;
};

/// `publish` is the side that answers, `receive` the one that asks and measures.
class WeftAck : public Peer {
public:
    WeftAck(std::filesystem::path directory, std::string publisher, std::string recipient)
        : directory_(std::move(directory)),
          publisher_(std::move(publisher)),
          recipient_(std::move(recipient)) {}

    [[nodiscard]] std::string name() const override { return "weft"; }
    [[nodiscard]] std::unique_ptr<Middle> middle() const override;
    void publish(const Meeting& meeting, const Load& load) const override;
    [[nodiscard]] Seen receive(const Meeting& meeting, const Load& load) const override;

protected:
    [[nodiscard]] virtual reliability::ReliableOptions options() const;
    [[nodiscard]] std::unique_ptr<fabric::Fabric> open(const std::string& name,
                                                       const Meeting& meeting) const;
    [[nodiscard]] const std::string& recipient() const noexcept { return recipient_; }

private:
    /// The fixture's certificates are valid at its own time of day.
    class WorldClock final : public fabric::Clock {
    public:
        [[nodiscard]] fabric::Instant steady() const noexcept override { return system_.steady(); }
        [[nodiscard]] std::uint64_t utc_us() const noexcept override;

    private:
        fabric::SystemClock system_;
        fabric::Instant start_ = system_.steady();  // before the sides are forked
    };

    std::filesystem::path directory_;
    std::string publisher_, recipient_;
    WorldClock clock_;
};

/// A certificate in the fixture's directory, valid now, that may publish everything.
std::string issue_name(support::SigningFixture& world, const std::string& name,
                       std::initializer_list<signing::Role> roles);

}  // namespace weft::bench

#pragma once
// What one process knows about encrypted connections (CurveZMQ): its own keys, whose certificates
// it has, and who must be at which endpoint. Shared by all sockets of a process, on both ends.
// Threads:   every function from any thread.
// Limits:    announced_max announced endpoints, keys_max keys at one of them; what exceeds them is
//            not connected to.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "fabric/transport/clock.hpp"
#include "fabric/transport/curve_entry.hpp"
#include "signing/curve_directory.hpp"
#include "signing/curve_key.hpp"

namespace weft::fabric {

class Curve {
public:
    static constexpr std::size_t announced_max = 16'384;
    static constexpr std::size_t keys_max = 8;
    /// Endpoints of the configuration, and what its names stood for.
    static constexpr std::size_t expected_max = 65'536;
    /// How often files are looked at. A revocation must be in force within a second (T5).
    static constexpr std::chrono::milliseconds look_every{250};
    /// A stranger's key makes us look at once, in case its certificate has just been put there: so
    /// many times in a row, then only once in this time, or strangers would keep us busy.
    static constexpr int looks_for_strangers_max = 5;
    static constexpr std::chrono::milliseconds look_for_stranger_every{100};
    /// Announcements that are not repeated are forgotten; after those who follow them have let go.
    static constexpr std::chrono::seconds keep_announced{20};

    /// `warn` gets lines for a log, from any thread; it may be empty. `clock` must outlive this.
    Curve(signing::CurveKeyPair own, std::shared_ptr<signing::CurveDirectory> directory,
          const Clock& clock, std::function<void(const std::string&)> warn);

    [[nodiscard]] const signing::CurveKeyPair& own() const noexcept { return own_; }
    [[nodiscard]] std::shared_ptr<const signing::CurveCertificates> certificates() const {
        return directory_->current();
    }
    [[nodiscard]] signing::UtcSeconds now() const {
        return static_cast<signing::UtcSeconds>(clock_.utc_us() / 1'000'000);
    }
    [[nodiscard]] Instant steady() const { return clock_.steady(); }
    void warn(const std::string& line) const;

    /// Reads what has changed, at most each look_every. Call it from any loop that turns.
    void look();
    void look_for_stranger();

    /// The holder of the certificate `name` listens there; more than one may share an endpoint.
    void expect(const std::string& endpoint, const std::string& name);
    /// Who is expected at `endpoint` is expected at `address` as well: a name was looked up.
    void expect_also(const std::string& endpoint, const std::string& address);
    /// The relay listens there: `name`, or "" for the only certificate with the role relay.
    void expect_relay(const std::string& endpoint, const std::string& name);
    /// Whoever holds `certificate` says that it listens there. The caller has verified that it said
    /// so; this verifies the certificate.
    void announce(const std::string& endpoint, const signing::Certificate& certificate);

    /// The Curve keys that may be at this endpoint now; empty if nobody who is known may.
    [[nodiscard]] std::vector<signing::PublicKey> keys_at(const std::string& endpoint) const;

private:
    struct Expected {
        bool relay = false;
        std::string name;
        bool operator==(const Expected&) const = default;
    };
    struct Announced {
        std::shared_ptr<const signing::Certificate> who;
        Instant last{};
    };
    void add_expected(const std::string& endpoint, const Expected& who);
    void look_now();
    void forget_silent();

    const signing::CurveKeyPair own_;
    const std::shared_ptr<signing::CurveDirectory> directory_;
    const Clock& clock_;
    const std::function<void(const std::string&)> warn_;
    std::atomic<std::int64_t> next_look_{0};  // nanoseconds

    mutable std::mutex mutex_;  // guards what follows
    Instant looked_until_{};    // each look for a stranger moves it on by look_for_stranger_every
    std::map<std::string, std::vector<Expected>> expected_;  // at most expected_max endpoints
    std::map<std::string, std::vector<Announced>> announced_;
};

}  // namespace weft::fabric

#pragma once
// Publishers that must be heard and consumers that acknowledge, over the in-process transport with
// real keys: each party is a Fabric of its own, with a clock of its own where it asks for one.
// Threads: Lines and Seen from any; a ReliableWorld from one.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "config/load.hpp"
#include "fabric/fabric.hpp"
#include "reliability/ack/request.hpp"
#include "reliability/ack/statement.hpp"
#include "signing/identity.hpp"
#include "tests/unit/fabric/message/sample_message.hpp"
#include "tests/unit/fabric/node/node_world.hpp"

namespace weft::reliability {

using fabric::eventually;
using fabric::patience;

/// Longer than anything that a test waits for: what must not end by its deadline.
inline constexpr std::chrono::milliseconds long_timeout{60'000};
/// For what is to pass its deadline.
inline constexpr std::chrono::milliseconds short_timeout{300};

/// Real time; the calendar is put where the test wants it, and deadlines are brought nearer.
class ShiftedClock final : public fabric::Clock {
public:
    void shift(std::chrono::microseconds by) { by_us_ += by.count(); }
    void pass(std::chrono::seconds by) { passed_s_ += by.count(); }
    [[nodiscard]] fabric::Instant steady() const noexcept override {
        return world_.steady() + std::chrono::seconds{passed_s_.load()};
    }
    [[nodiscard]] std::uint64_t utc_us() const noexcept override {
        return static_cast<std::uint64_t>(static_cast<std::int64_t>(world_.utc_us()) +
                                          by_us_.load());
    }

private:
    fabric::WorldClock world_;
    std::atomic<std::int64_t> by_us_{0}, passed_s_{0};
};

/// Things that other threads tell.
template <class Item>
class Seen {
public:
    void add(Item item) {
        const std::scoped_lock lock(mutex_);
        items_.push_back(std::move(item));
        changed_.notify_all();
    }
    [[nodiscard]] std::vector<Item> all() const {
        const std::scoped_lock lock(mutex_);
        return items_;
    }
    [[nodiscard]] bool wait_for(std::size_t count) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, patience, [&] { return items_.size() >= count; });
    }

private:
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<Item> items_;
};

/// Opens when it is told to; whoever passes before that waits.
class Gate {
public:
    void open() {
        const std::scoped_lock lock(mutex_);
        is_open_ = true;
        changed_.notify_all();
    }
    void pass() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return is_open_; });
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool is_open_ = false;
};

/// A Fabric and the lines that it had for a log.
struct Party {
    std::shared_ptr<Seen<std::string>> lines = std::make_shared<Seen<std::string>>();
    std::unique_ptr<fabric::Fabric> fabric;

    [[nodiscard]] bool warned(const std::string& part) const {
        return eventually([&] {
            for (const std::string& line : lines->all()) {
                if (line.find(part) != std::string::npos) return true;
            }
            return false;
        });
    }
};

class ReliableWorld : public ::testing::Test {
protected:
    using Roles = std::initializer_list<signing::Role>;

    /// A key and a certificate for this name in the world's directory.
    void issue(const std::string& name,
               Roles roles = {signing::Role::publish, signing::Role::ack}) {
        signing::CertificateRequest request;
        request.name = name;
        request.roles = support::roles_of(roles);
        request.globs = support::globs_of({"**"});
        request.not_before = support::SigningFixture::now - support::SigningFixture::day;
        request.not_after = support::SigningFixture::now + support::SigningFixture::day;
        support::must(signing::issue_identity(world_.signing.directory(),
                                              world_.signing.authority(), request,
                                              signing::WhenFileExists::replace));
    }
    /// Of a certificate that was issued.
    [[nodiscard]] support::Identity identity_of(const std::string& name) {
        auto loaded = support::must(signing::load_identity(world_.signing.directory(), name));
        return {loaded.key, loaded.certificate};
    }

    [[nodiscard]] config::Configuration configuration(const std::string& name,
                                                      const std::string& more) const {
        config::LoadOptions options;
        options.directory = world_.signing.directory();
        std::string endpoints;
        int port = 0;
        for (const char* known : {"git", "a", "b", "c", "mallory"}) {
            endpoints += std::string{endpoints.empty() ? "" : ", "} + known +
                         ": ['tcp://127.0.0.1:" + std::to_string(++port) + "']";
        }
        options.documents.push_back(
            {"weft.d/10.yaml", "name: " + name + "\nfabric: { mode: bind, endpoints: { " +
                                   endpoints +
                                   " }, replay: { state: '' } }\nsigning: { directory: '" +
                                   world_.signing.directory().string() + "' }\n"});
        options.documents.push_back({"weft.d/20.yaml", more});
        auto loaded = config::load(options);
        EXPECT_TRUE(loaded) << config::text_of(loaded.error());
        return std::move(*loaded);
    }
    [[nodiscard]] Party open(const std::string& name, const std::string& more = "",
                             const fabric::Clock* clock = nullptr) {
        Party party;
        fabric::FabricOptions options;
        options.transport = world_.transport.get();
        options.clock = clock == nullptr ? &clock_ : clock;
        options.warn = [lines = party.lines](const std::string& line) { lines->add(line); };
        party.fabric = fabric::Fabric::open(configuration(name, more), options);
        return party;
    }

    /// A port at which any bytes can be sent, once `prefix` has been asked for there.
    [[nodiscard]] std::unique_ptr<fabric::PublishPort> mallory(const std::string& prefix) {
        auto port = world_.bare_port("tcp://127.0.0.1:5");
        EXPECT_TRUE(eventually([&] {
            fabric::SubscriptionEvent event;
            return port->next_subscription(event) && event.prefix == prefix;
        }));
        return port;
    }

    fabric::WorldClock clock_;
    ShiftedClock shifted_;  // for who opens with it
    fabric::NodeWorld world_{clock_};
};

/// What an honest recipient would say about a message that asks for it.
inline AckStatement answer_to(const fabric::Message& message, std::string_view recipient,
                              AckLevel level) {
    AckRequest request;
    EXPECT_TRUE(decode_request(message.ack_request(), request));
    AckStatement statement;
    statement.recipient = recipient;
    statement.level = level;
    statement.subject = {message.id(), message.digest(), message.certificate()->fingerprint(),
                         request.nonce, message.epoch()};
    return statement;
}

/// The frames of an ACK, signed by whoever.
inline support::Frames ack_frames(const support::Identity& signer, const std::string& topic,
                                  const AckStatement& statement,
                                  signing::Kind kind = signing::Kind::ack) {
    fabric::ContentHeader header = fabric::sample_header();
    header.id = fabric::MessageId{};
    header.time_us = static_cast<std::uint64_t>(support::SigningFixture::now) * 1'000'000;
    return support::sign(signer, topic, {fabric::encoded(header, encode_statement(statement))},
                         kind);
}

}  // namespace weft::reliability

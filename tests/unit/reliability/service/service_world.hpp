#pragma once
// A journal that can be asked, who asks it, and messages to put into it: over the in-process
// transport, or the one that a test brings, with real keys.
// Threads: one.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "reliability/service/answer_codec.hpp"
#include "reliability/service/journal_service.hpp"
#include "reliability/service/remote_journal.hpp"
#include "reliability/service/request_codec.hpp"
#include "signing/sodium.hpp"
#include "tests/support/fake_journal.hpp"
#include "tests/unit/fabric/message/sample_message.hpp"
#include "tests/unit/fabric/node/node_world.hpp"

namespace weft::reliability {

using fabric::eventually;
using fabric::patience;
using signing::Role;
using std::chrono::milliseconds;

class ServiceWorld {
public:
    explicit ServiceWorld(std::unique_ptr<fabric::Transport> over = fabric::make_memory_transport(),
                          std::string at = "inproc://journal")
        : transport(std::move(over)), endpoint(std::move(at)) {}

    [[nodiscard]] support::Identity somebody(const std::string& name, Role role) const {
        return signing.identity(name, {.roles = support::roles_of({role})});
    }
    [[nodiscard]] static fabric::TopicSpace space() { return {"org.weft", "dev"}; }
    [[nodiscard]] JournalServiceSettings service_settings() const {
        JournalServiceSettings settings;
        settings.space = space();
        settings.endpoints = {endpoint};
        return settings;
    }
    /// On libzmq a port is free some time after it was let go.
    void serve(JournalServiceSettings settings) {
        service.reset();
        std::string problem;
        const bool opened = eventually([&] {
            auto made = JournalService::open(*transport, clock, settings, journal,
                                             fabric::shared(hub), signing.trust());
            if (made) service = std::move(*made);
            problem = made ? "" : made.error();
            return made.has_value();
        });
        ASSERT_TRUE(opened) << problem;
        endpoint = service->bound();
    }
    void serve() { serve(service_settings()); }
    [[nodiscard]] RemoteSettings remote_settings() const {
        RemoteSettings settings;
        settings.name = "hub";
        settings.endpoint = endpoint;
        settings.space = space();
        settings.patience = patience;
        return settings;
    }
    [[nodiscard]] std::unique_ptr<RemoteJournal> remote(
        std::shared_ptr<const signing::Identity> who = nullptr) {
        return remote(remote_settings(), std::move(who));
    }
    [[nodiscard]] std::unique_ptr<RemoteJournal> remote(
        RemoteSettings settings, std::shared_ptr<const signing::Identity> who = nullptr) {
        return support::must(RemoteJournal::open(*transport, clock, std::move(settings),
                                                 std::move(who), signing.trust()));
    }
    [[nodiscard]] std::unique_ptr<RemoteJournal> remote(const support::Identity& who) {
        return remote(fabric::shared(who));
    }

    static std::string content(std::uint64_t seq, const std::string& text = "hello",
                               std::uint64_t epoch = 3) {
        fabric::ContentHeader header = fabric::sample_header();
        header.id = fabric::MessageId::make(1'800'000'000'000);
        header.epoch = epoch;
        header.seq = seq;
        header.content_type = "text/plain";
        return fabric::encoded(header, text);
    }
    static RunToStore to_store(const support::Identity& who, const std::string& topic,
                               const std::vector<std::string>& contents) {
        const auto frames = support::sign(who, topic, contents);
        RunToStore run{frames.topic, frames.contents, frames.proof, who.name(), {}};
        for (const std::string& one : contents) {
            fabric::DecodedContent decoded;
            if (fabric::decode_content(one, decoded)) {
                run.messages.push_back({decoded.header.id,
                                        decoded.header.parent.value_or(fabric::MessageId{}),
                                        decoded.header.epoch, decoded.header.seq});
            } else {
                run.messages.push_back({});
            }
        }
        return run;
    }
    RunToStore to_store(std::uint64_t seq) { return to_store(git, topic, {content(seq)}); }
    /// Straight into the journal.
    void store(std::uint64_t from, std::uint64_t to) {
        for (std::uint64_t seq = from; seq <= to; ++seq) {
            std::vector<RunToStore> runs{to_store(seq)};
            ASSERT_TRUE(journal.append(std::move(runs)));
        }
    }

    static constexpr const char* topic = "org.weft.dev.git.commit";
    support::SigningFixture signing;
    fabric::WorldClock clock;
    std::unique_ptr<fabric::Transport> transport;
    std::string endpoint;
    support::Identity hub = somebody("hub", Role::journal);
    support::Identity git = somebody("git", Role::publish);
    support::FakeJournal journal;
    std::unique_ptr<JournalService> service;
};

/// Requests by hand: whoever asks may say anything.
class BareAsker {
public:
    explicit BareAsker(ServiceWorld& world)
        : world_(world), port_(support::must(world.transport->open_requests())) {
        support::must(port_->connect(world.endpoint));
    }

    [[nodiscard]] static JournalRequest request(Operation operation, const Fields& fields,
                                                std::uint64_t life = 0) {
        JournalRequest request;
        request.operation = static_cast<std::uint64_t>(operation);
        signing::random_bytes(request.nonce.data(), request.nonce.size());
        request.time_us = static_cast<std::uint64_t>(support::SigningFixture::now) * 1'000'000;
        request.life = life;
        request.count = fields.count;
        request.fields = fields.bytes;
        return request;
    }
    static std::string asking_topic() { return "org.weft.dev.journal.hub"; }
    bool send(const support::Frames& frames) {
        return eventually([&] { return port_->send(frames.topic, frames.contents, frames.proof); });
    }
    bool send(const std::string& content) {
        return send(support::unsigned_frames(asking_topic(), {content}));
    }
    bool send(const support::Identity& who, const std::string& content) {
        return send(support::sign(who, asking_topic(), {content}, signing::Kind::request));
    }
    /// The next answer; its fields are views into what this keeps.
    std::optional<JournalAnswer> answer() {
        fabric::Arrival arrival;
        const bool came = eventually([&] {
            if (port_->receive(arrival)) return true;
            port_->wait(milliseconds{20});
            return false;
        });
        if (!came) return std::nullopt;
        frames_ = {std::string{arrival.topic}, std::string{arrival.contents},
                   std::string{arrival.proof}};
        support::Receiver receiver(world_.signing.trust());
        EXPECT_TRUE(receiver.take(frames_));
        EXPECT_EQ(receiver.run.kind, signing::Kind::answer);
        JournalAnswer read;
        EXPECT_TRUE(decode_journal_answer(std::string_view{frames_.contents}.substr(4), read));
        return read;
    }
    /// True if nothing more has come when a question that is asked now is answered.
    bool silent() {
        const auto probe = request(Operation::info, {});
        EXPECT_TRUE(send(encode_journal_request(probe)));
        const auto got = answer();
        return got && got->nonce == probe.nonce;
    }
    /// The life that the service is in.
    std::uint64_t life() {
        EXPECT_TRUE(send(encode_journal_request(request(Operation::info, {}))));
        const auto got = answer();
        return got ? got->life : 0;
    }
    [[nodiscard]] const support::Frames& frames() const { return frames_; }

private:
    ServiceWorld& world_;
    std::unique_ptr<fabric::RequestPort> port_;
    support::Frames frames_;
};

}  // namespace weft::reliability

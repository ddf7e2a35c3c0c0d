#pragma once
// Asks a journal elsewhere and waits for its answers: many questions under way at once, each tried
// again until its patience is over. What is not a signed answer of that very journal to one of our
// own nonces is dropped and counted, never believed.
//
// Threads:   one that owns the socket and calls the callbacks, one at a time; they must not block,
//            throw, or wait for an answer. Every function from any thread.
// Ownership: transport and clock must outlive it. An answer keeps its bytes.
// Limits:    RemoteSettings; more questions than may wait are answered `busy`.

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <tl/expected.hpp>

#include "fabric/message/msgpack_read.hpp"
#include "fabric/message/topic.hpp"
#include "fabric/transport/clock.hpp"
#include "fabric/transport/transport.hpp"
#include "reliability/journal/journal.hpp"
#include "reliability/service/operation.hpp"
#include "reliability/service/packer.hpp"
#include "signing/identity.hpp"
#include "signing/trust_store.hpp"

namespace weft::reliability {

struct RemoteSettings {
    std::string name;      ///< On the journal's certificate.
    std::string endpoint;  ///< With CURVE, Curve::expect() must have been told who is there.
    fabric::TopicSpace space;
    std::chrono::milliseconds answer_timeout{2000};  ///< Then it is asked again,
    std::chrono::milliseconds patience{5000};        ///< until this is over: `away`.
    /// Below what a service takes of one peer (TurnLimits, WaitLimits).
    std::size_t under_way_max = 48, waits_under_way_max = 200;
    std::size_t questions_max = 16'384;
};

struct RemoteStats {
    std::uint64_t asked = 0;  ///< Requests that were sent,
    std::uint64_t again = 0;  ///< of these not for the first time.
    std::uint64_t answers = 0, away = 0;
    // Dropped.
    std::uint64_t other_topic = 0, other_kinds = 0, other_name = 0, unknown_nonce = 0;
    std::array<std::uint64_t, signing::refusal_count> refused{};
    [[nodiscard]] std::uint64_t refused_total() const noexcept;
};

struct Question {
    Operation operation = Operation::info;
    Fields fields;
    bool is_signed = false;
    bool again = true;     ///< False: asking twice is not asking once.
    bool in_turn = false;  ///< After those before it were answered.
    /// What the journal may take for it before its answer is missed.
    std::chrono::milliseconds longer{};
    std::optional<std::chrono::milliseconds> patience{};
    std::optional<JournalError> failed{};  ///< The answer, if it is known already.
};

struct RemoteAnswer {
    std::shared_ptr<const std::string> content;
    std::uint64_t count = 0;  ///< Of the fields.
    fabric::MsgpackReader fields{std::string_view{}};
};

class RemoteLink {
public:
    using OnAnswer = std::function<void(JournalResult<RemoteAnswer>)>;

    /// `identity` null: only what anybody may ask. `trust` null (signing.validate is off): whoever
    /// has the name is believed.
    [[nodiscard]] static tl::expected<std::unique_ptr<RemoteLink>, std::string> open(
        fabric::Transport& transport, const fabric::Clock& clock, RemoteSettings settings,
        std::shared_ptr<const signing::Identity> identity,
        std::shared_ptr<signing::TrustStore> trust);
    ~RemoteLink();
    RemoteLink(const RemoteLink&) = delete;
    RemoteLink& operator=(const RemoteLink&) = delete;

    /// Returns at once; `on_answer` is called exactly once.
    void ask(Question question, OnAnswer on_answer);
    /// The same, and waits.
    [[nodiscard]] JournalResult<RemoteAnswer> ask(Question question);
    void use(std::shared_ptr<const signing::Identity> identity);
    /// Answers everything with `closed`.
    void close();
    [[nodiscard]] RemoteStats stats() const;

private:
    struct Core;
    explicit RemoteLink(std::unique_ptr<Core> core);
    std::unique_ptr<Core> core_;
};

}  // namespace weft::reliability

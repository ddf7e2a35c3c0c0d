#pragma once
// A subscription: somebody's HTTP endpoint, which topics it wants, and how it is to be served. A
// subscription is a cursor in the journal; delivering moves it. There is no other queue.
//
// Threads: values. Kept as one JSON record each in the journal's state (subscription_record.hpp).

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "reliability/journal/position.hpp"
#include "signing/topic_glob.hpp"

namespace weft::gateway::delivery {

/// What it wants, and since and until when: what was stored while it was wanted is delivered also
/// after it is wanted no more.
struct Interest {
    signing::TopicGlob glob;                      ///< Full.
    reliability::JournalId after = 0;             ///< Nothing up to this id.
    reliability::JournalId through = UINT64_MAX;  ///< Nothing after this one.
};

struct Batching {
    static constexpr std::size_t max_most = 10'000;
    std::size_t max = 1;  ///< Messages of a request, at least 1.
    /// A batch that is not full goes when its first message has been stored for so long.
    std::chrono::milliseconds timeout{0};
    std::size_t bytes = std::size_t{4} << 20;  ///< Of contents; one message goes whatever it has.
};

struct RetryPolicy {
    /// Pauses before the second attempt, the third, and so on; jitter of a fifth is added. Empty:
    /// from 100 ms, doubled each time, at most a tenth of the outage so far and 60 s, for ever.
    std::vector<std::chrono::milliseconds> pauses{};
    /// Nothing: repeated until it succeeds. Else an endpoint that has only failed for so long is
    /// disabled.
    std::optional<std::chrono::milliseconds> disable_after{};
    bool gone_disables = false;  ///< Status 410.
    bool honours_retry_after = true;
};

struct Subscription {
    enum class State : std::uint8_t { active, paused, disabled };

    std::string id;     ///< [A-Za-z0-9_-]{1,100}: its cursor is named by it.
    std::string kind;   ///< Who makes its requests: Presenter::kind(), "webhook", "routemaster".
    std::string owner;  ///< Of a token.
    std::string url;    ///< "": nobody is called; its owner fetches (Engine::confirm()).
    std::vector<Interest> interests;
    Batching batching;
    RetryPolicy retry;
    /// True: a batch that fails holds back what comes after it. False: it waits aside, at most
    /// parked_max of them, and what comes after it goes on; where `pauses` ends it is given up,
    /// counted and kept among the attempts.
    bool ordered = true;
    std::size_t concurrency = 1;  ///< Requests at a time; an ordered one has one.
    double per_second_max = 0;    ///< Requests; 0: as many as it takes.
    State state = State::active;
    std::string reason;  ///< Why it is paused or disabled.
    std::uint64_t created_us = 0;
    /// What only its kind knows: secrets, formats, conditions. At most 64 KiB as text.
    nlohmann::json details = nlohmann::json::object();

    static constexpr std::size_t parked_max = 1000;
};

}  // namespace weft::gateway::delivery

#pragma once
// From many publishing threads to one sender: bounded, ordered, in batches that fill by themselves.
//
// A publishing thread claims room under a short lock, which also gives it its sequence number, then
// encodes and hashes outside of the lock, and commits. The sender takes whole batches: whatever has
// gathered since it last looked, so an idle queue hands over one message at once and a busy one
// makes batches without any timer. Neighbours lie side by side in a batch as `u32 length |
// content`, which is the very contents frame of a run.
//
// Threads: claim() and commit() from any thread; take(), recycle() and the subscription functions
//          from the sender's thread.
// Limits:  see the constants; what does not fit waits for room until its deadline, then fails.

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <unordered_map>
#include <vector>

#include "fabric/node/subscription_table.hpp"
#include "fabric/transport/clock.hpp"
#include "signing/digest.hpp"
#include "signing/trust_store.hpp"

namespace weft::fabric {

/// What a publisher knows of one of its topics. Lives as long as the queue.
struct OutgoingTopic {
    std::string text;
    std::uint64_t seq = 0;               ///< Last one given out.
    std::uint64_t table_generation = 0;  ///< For which `wanted` was looked up.
    bool wanted = false;
    std::uint64_t judged_generation = 0;  ///< For which `refusal` was asked.
    std::string refusal;                  ///< Why our own certificate may not say this; "": it may.
};

struct OutgoingSlot {
    OutgoingTopic* topic = nullptr;
    std::uint32_t offset = 0;  ///< Of the item (length, content) in the batch's bytes.
    std::uint32_t item_bytes = 0;
    signing::Kind kind = signing::Kind::message;
    std::uint64_t seq = 0;  ///< 0: sent again, under the number that it had.
    signing::Digest digest{};
    std::atomic<bool> ready{false};
};

struct OutgoingBatch {
    static constexpr std::size_t messages_max = 4096;
    static constexpr std::size_t bytes_max = std::size_t{1024} * 1024;

    explicit OutgoingBatch(std::size_t capacity_bytes);

    std::unique_ptr<OutgoingSlot[]> slots;
    std::size_t count = 0;
    std::unique_ptr<char[]> bytes;
    std::size_t used = 0, capacity;
};

struct OutgoingError {
    enum class Reason { invalid_topic, not_granted, too_many_topics, too_large, full, stopped };
    Reason reason;
    std::string sentence;
};

class OutgoingQueue {
public:
    static constexpr std::size_t messages_max = 65'536;
    static constexpr std::size_t bytes_max = std::size_t{64} * 1024 * 1024;
    static constexpr std::size_t topics_max = 1'000'000;

    /// Asked once per topic and generation, for messages only: certificate globs and policy say
    /// nothing about ACKs and beacons. Answers why it may not be published, or "".
    using JudgeTopic = std::function<std::string(std::string_view topic)>;

    OutgoingQueue(const Clock& clock, JudgeTopic judge) : clock_(clock), judge_(std::move(judge)) {}

    struct Claim {
        OutgoingSlot* slot = nullptr;  ///< Null: nobody wants the topic, nothing is to be done.
        char* content = nullptr;       ///< Room for exactly the bytes asked for.
        std::string_view topic;
        std::uint64_t seq = 0;
        bool wake_sender = false;
    };
    /// What is claimed `always` goes into the queue although nobody wants it now, and is sent if
    /// somebody does when its turn comes.
    enum class Keep { if_wanted, always };
    /// Waits for room until `deadline` at most. After success commit() must follow, always.
    [[nodiscard]] tl::expected<Claim, OutgoingError> claim(std::string_view topic,
                                                           signing::Kind kind,
                                                           std::size_t content_bytes,
                                                           Instant deadline,
                                                           Keep keep = Keep::if_wanted);
    /// For a message that had its number before: gives none, and waits for nothing.
    [[nodiscard]] tl::expected<Claim, OutgoingError> claim_again(std::string_view topic,
                                                                 std::size_t content_bytes);
    /// The content is written and its digest is in the slot.
    static void commit(const Claim& claim) noexcept {
        if (claim.slot != nullptr) claim.slot->ready.store(true, std::memory_order_release);
    }

    /// The next batch, or null. Its last slots may still be on their way: await each.
    [[nodiscard]] std::unique_ptr<OutgoingBatch> take();
    static void await(const OutgoingSlot& slot) noexcept;
    /// The batch was handled; its room is free again.
    void recycle(std::unique_ptr<OutgoingBatch> batch);
    /// True if nothing waits, and then the next claim will ask for a wake-up.
    [[nodiscard]] bool about_to_sleep();

    void on_subscription(std::string_view prefix, bool subscribed);
    void on_all_gone();  ///< Every subscription has ended.
    [[nodiscard]] bool wanted(OutgoingTopic& topic);
    /// While the link is down everything is kept, wanted or not: who subscribes is not known.
    void set_link_up(bool up);
    [[nodiscard]] std::size_t peers() const;
    [[nodiscard]] bool is_wanted(std::string_view topic) const;
    /// Raise it when certificate, policy or their validity may have changed.
    void judge_again();

    void stop();  ///< Further claims fail; those that wait fail now.
    [[nodiscard]] std::uint64_t claimed() const;   ///< Messages that went into the queue so far.
    [[nodiscard]] std::uint64_t unwanted() const;  ///< Not queued: nobody had subscribed.
    [[nodiscard]] std::uint64_t refused_full() const;

private:
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const noexcept {
            return std::hash<std::string_view>{}(text);
        }
    };
    tl::expected<OutgoingTopic*, OutgoingError> find_topic(std::string_view text,
                                                           signing::Kind kind);
    bool look_up(OutgoingTopic& topic);
    bool has_room(std::size_t item_bytes) const;
    OutgoingBatch& batch_for(std::size_t item_bytes);
    void take_slot(OutgoingTopic& topic, signing::Kind kind, std::size_t content_bytes,
                   Claim& claim);
    tl::unexpected<OutgoingError> full();

    const Clock& clock_;
    JudgeTopic judge_;
    mutable std::mutex mutex_;
    std::condition_variable space_;
    std::unordered_map<std::string, std::unique_ptr<OutgoingTopic>, Hash, std::equal_to<>> topics_;
    OutgoingTopic* last_topic_ = nullptr;
    SubscriptionTable table_;
    std::uint64_t judge_generation_ = 1;
    std::deque<std::unique_ptr<OutgoingBatch>> full_;
    std::unique_ptr<OutgoingBatch> open_;
    std::vector<std::unique_ptr<OutgoingBatch>> spare_;
    std::size_t queued_messages_ = 0, queued_bytes_ = 0;
    std::uint64_t claimed_ = 0, unwanted_ = 0, refused_full_ = 0;
    bool sender_sleeps_ = false, link_up_ = false, stopped_ = false;
};

}  // namespace weft::fabric

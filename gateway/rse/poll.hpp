#pragma once
// One poll from its question to its answer: reads, and where nothing is there and the client wants
// to, waits and reads again.
// Threads:   any; one step at a time. Ownership: kept by whoever calls it back next.

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "fabric/message/topic.hpp"
#include "gateway/rse/client.hpp"
#include "gateway/rse/core.hpp"
#include "gateway/rse/parameters.hpp"
#include "gateway/rse/reach.hpp"

namespace weft::gateway::rse {

class Poll : public std::enable_shared_from_this<Poll> {
public:
    struct Question : Reach {
        std::string callback{};  ///< "": JSON.
    };
    Poll(std::shared_ptr<RseHandler::Core> core, std::shared_ptr<Exchange> exchange,
         Question question);

    /// Once. Answers 403 if the client may read nothing of it.
    void start();
    /// The client has gone or the server stops: answers now, with nothing.
    void give_up();

private:
    [[nodiscard]] bool choose_topics();
    void name_question(const std::vector<std::string>& globs);
    void skip_what_is_quiet();
    void remember_quiet();
    void read();
    void on_page(BridgeResult<EventPage> result);
    void wait();
    void on_woken(Woken why);
    void leave_waiting();
    void answer_page(const EventPage& page);
    void look_for_expired(EventPage page);
    [[nodiscard]] Response nothing() const;
    /// What a cache may compare: all that the events depend on, but not how old they are.
    [[nodiscard]] std::string tag_of(const EventPage& page) const;
    void add_poll_after(const EventPage& page, Response& response) const;
    [[nodiscard]] std::string body_of(const EventPage& page) const;
    void answer(Response response);

    const std::shared_ptr<RseHandler::Core> core_;
    const std::shared_ptr<Exchange> exchange_;
    const Question question_;
    reliability::TopicFilter filter_;
    std::function<bool(const StoredEvent&)> keep_;
    fabric::Instant deadline_{};
    /// What the client knows, in the journal; 0: nothing of it.
    const reliability::JournalId cursor_;
    reliability::JournalId after_;          ///< What the next read follows.
    reliability::JournalId watermark_ = 0;  ///< Everything up to it is in the answer.
    reliability::JournalId hidden_ = 0;     ///< The TTL hides everything up to it.
    reliability::JournalId expired_ = 0;    ///< The largest of these that was missed.

    std::string name_;                    ///< Of the question, in Core::quiet; "": not there.
    reliability::JournalId skipped_ = 0;  ///< What Core::quiet answered for ends here.
    std::uint64_t since_us_ = 0;          ///< The newest time that a read hid what is older by.
    bool has_read_ = false;
    bool is_crowded_ = false;  ///< It could not wait, because too many do.
    bool is_whole_ = true;     ///< Nothing was refused, and what expired has been looked for.

    std::atomic<bool> answered_{false};
    std::mutex mutex_;
    bool given_up_ = false;
    FabricBridge::Ticket ticket_ = 0;
};

}  // namespace weft::gateway::rse

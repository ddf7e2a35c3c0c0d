#pragma once
// What the portal is made of; webhook_handler.hpp says what it does. Requests come to route(), and
// each of the others answers one, or is a step on the way to an answer.
// Threads: any; what changes is guarded by the mutex.

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/http/uri.hpp"
#include "gateway/webhooks/views.hpp"
#include "gateway/webhooks/wanted.hpp"
#include "gateway/webhooks/webhook_answers.hpp"
#include "gateway/webhooks/webhook_handler.hpp"

namespace weft::gateway::webhooks {

struct WebhookHandler::Core : std::enable_shared_from_this<WebhookHandler::Core> {
    explicit Core(Parts the_parts) : parts(std::move(the_parts)) {}

    void handle(const Shared& exchange, std::string_view prefix);
    void route(const Shared& exchange, const std::vector<std::string>& path, const Query& query,
               const Principal& who);

    /// Calls `then` if there is one that `who` may see.
    template <class Then>
    void with(const Shared& exchange, const std::string& id, const Principal& who, Then then) {
        parts.engine.status(
            id, [exchange, who,
                 then](const delivery::EngineResult<delivery::SubscriptionStatus>& status) {
                if (!status) return refuse(exchange, status.error());
                if (status->subscription.kind != kind || !owns(who, status->subscription)) {
                    return refuse(exchange, 404, "there is no such webhook");
                }
                then(*status);
            });
    }

    void list(const Shared& exchange, const Principal& who);
    void show(const Shared& exchange, const std::string& id, const Principal& who,
              unsigned status = 200, View beside = View::object());
    void attempts(const Shared& exchange, const std::string& id, const Query& query,
                  const Principal& who);
    void secret(const Shared& exchange, const std::string& id, const Principal& who);
    void answer_secrets(const Shared& exchange, const Details& details);

    /// False, and it was refused: not everything of these topics may be read.
    static bool may_read(const Shared& exchange, const Principal& who,
                         const std::vector<signing::TopicGlob>& topics);
    /// Nothing, and it was refused.
    std::optional<Wanted> wanted_of(const Shared& exchange, const Principal& who);
    /// One change of a webhook at a time, from looking at it to having it stored; it ends with the
    /// last copy of this. Null, and it was refused: another one is under way.
    std::shared_ptr<void> begin_change(const Shared& exchange, const std::string& id);
    void create(const Shared& exchange, const std::string& id, const Principal& who);
    void check_url(const Shared& exchange, const std::string& url, std::function<void()> then);
    void find_start(const Shared& exchange, const Principal& who,
                    const delivery::Subscription& made, const reliability::Start& start);
    void put_new(const Shared& exchange, const Principal& who, const delivery::Subscription& made,
                 std::optional<reliability::JournalId> start);
    void change(const Shared& exchange, const std::string& id, const Principal& who);
    void change_found(const Shared& exchange, const Principal& who,
                      const delivery::SubscriptionStatus& found, bool whole,
                      const std::shared_ptr<void>& changing_it);
    void put_changed(const Shared& exchange, const Principal& who,
                     const delivery::Subscription& made, const std::shared_ptr<void>& changing_it);
    void remove(const Shared& exchange, const std::string& id, const Principal& who);

    static delivery::Engine::OnAttempt tell(const Shared& exchange);
    void test(const Shared& exchange, const std::string& id, const Principal& who);
    void resend(const Shared& exchange, const std::string& id, const Principal& who);
    void find_message(const Shared& exchange, const delivery::Subscription& subscription,
                      const Principal& who, const fabric::MessageId& message);
    /// Only what it is subscribed to: else a webhook would read what its owner may not.
    void resend_if_wanted(const Shared& exchange, const delivery::Subscription& subscription,
                          const Principal& who, reliability::JournalId id);
    void recover(const Shared& exchange, const std::string& id, const Query& query,
                 const Principal& who);
    void rotate(const Shared& exchange, const std::string& id, const Principal& who);
    void set_state(const Shared& exchange, const std::string& id,
                   delivery::Subscription::State state, const Principal& who);

    Parts parts;
    std::mutex mutex;
    std::set<std::string> changing;  // by mutex; as many as requests are open
};

}  // namespace weft::gateway::webhooks

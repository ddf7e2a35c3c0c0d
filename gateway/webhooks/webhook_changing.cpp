// The part of the portal that makes, changes and removes webhooks.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "gateway/grants.hpp"
#include "gateway/problem.hpp"
#include "gateway/webhooks/details.hpp"
#include "gateway/webhooks/webhook_core.hpp"
#include "signing/refusal.hpp"

namespace weft::gateway::webhooks {

using delivery::EngineError;
using delivery::EngineResult;
using delivery::Subscription;
using delivery::SubscriptionStatus;
using reliability::JournalId;

bool WebhookHandler::Core::may_read(const Shared& exchange, const Principal& who,
                                    const std::vector<signing::TopicGlob>& topics) {
    if (sees_all(who)) return true;
    for (const auto& glob : topics) {
        if (covers(who.read, glob)) continue;
        refuse(exchange, 403,
               "topics: this token may not read all of '" + signing::escape(glob.text()) +
                   "'; its grants are those of `weft token list`");
        return false;
    }
    return true;
}

std::optional<Wanted> WebhookHandler::Core::wanted_of(const Shared& exchange,
                                                      const Principal& who) {
    auto wanted = Wanted::parse(exchange->request().body, parts.space);
    if (!wanted) {
        refuse(exchange, 400, wanted.error());
        return std::nullopt;
    }
    if (wanted->topics && !may_read(exchange, who, *wanted->topics)) return std::nullopt;
    return std::move(*wanted);
}

std::shared_ptr<void> WebhookHandler::Core::begin_change(const Shared& exchange,
                                                         const std::string& id) {
    {
        const std::scoped_lock lock(mutex);
        if (changing.insert(id).second) {
            return {this, [self = shared_from_this(), id](void*) {
                        const std::scoped_lock held(self->mutex);
                        self->changing.erase(id);
                    }};
        }
    }
    Response busy =
        problem(409, "another change of this webhook is under way; try again", exchange->request());
    busy.headers.set("Retry-After", "1");
    exchange->answer(std::move(busy));
    return nullptr;
}

void WebhookHandler::Core::create(const Shared& exchange, const std::string& id,
                                  const Principal& who) {
    const auto wanted = wanted_of(exchange, who);
    if (!wanted) return;
    if (!sees_all(who)) {
        const auto all = parts.engine.subscriptions(kind);
        const auto own = std::count_if(all.begin(), all.end(),
                                       [&](const Subscription& one) { return owns(who, one); });
        if (static_cast<std::size_t>(own) >= of_one_token) {
            return refuse(exchange, 429,
                          "this token has " + std::to_string(of_one_token) +
                              " webhooks already; delete some, or name more topics in one");
        }
    }
    auto made =
        applied(*wanted, fresh(id, who.name, parts.settings, parts.clock.utc_us()), true, 0, 0);
    if (!made) return refuse(exchange, 400, made.error());
    check_url(exchange, made->url,
              [self = shared_from_this(), exchange, who, made = *made, wanted = *wanted] {
                  if (!wanted.start) return self->put_new(exchange, who, made, std::nullopt);
                  self->find_start(exchange, who, made, *wanted.start);
              });
}

void WebhookHandler::Core::check_url(const Shared& exchange, const std::string& url,
                                     std::function<void()> then) {
    parts.engine.check_url(url,
                           [exchange, then = std::move(then)](const EngineResult<void>& checked) {
                               if (!checked) return refuse(exchange, checked.error());
                               then();
                           });
}

void WebhookHandler::Core::find_start(const Shared& exchange, const Principal& who,
                                      const Subscription& made, const reliability::Start& start) {
    const bool taken = parts.room.work([self = shared_from_this(), exchange, who, made,
                                        start](JournalThings& things) {
        const auto place =
            reliability::resolve(start, things.journal, reliability::TopicFilter(topics_of(made)),
                                 self->parts.clock.utc_us());
        if (!place) return refuse(exchange, place.error());
        self->put_new(exchange, who, made, place->id);
    });
    if (!taken) refuse(exchange, 503, "too much work on the journal waits; try again");
}

void WebhookHandler::Core::put_new(const Shared& exchange, const Principal& who,
                                   const Subscription& made, std::optional<JournalId> start) {
    parts.engine.put(
        made, start,
        [self = shared_from_this(), exchange, who, made](const EngineResult<void>& done) {
            if (!done) return refuse(exchange, done.error());
            const auto details = Details::parse(made.details);
            View secrets = details ? secrets_of(*details, self->parts.clock.utc_us()) : View();
            secrets.erase("previous");
            self->show(exchange, made.id, who, 201, std::move(secrets));
        });
}

void WebhookHandler::Core::change(const Shared& exchange, const std::string& id,
                                  const Principal& who) {
    auto changing_it = begin_change(exchange, id);
    if (!changing_it) return;
    const bool whole = exchange->request().method == "PUT";
    parts.engine.status(id, [self = shared_from_this(), exchange, id, who, whole,
                             changing_it](const EngineResult<SubscriptionStatus>& found) {
        if (!found && found.error().kind == EngineError::Kind::not_found && whole) {
            return self->create(exchange, id, who);
        }
        if (!found) return refuse(exchange, found.error());
        if (found->subscription.kind != kind || !owns(who, found->subscription)) {
            return refuse(exchange, 404, "there is no such webhook");
        }
        self->change_found(exchange, who, *found, whole, changing_it);
    });
}

void WebhookHandler::Core::change_found(const Shared& exchange, const Principal& who,
                                        const SubscriptionStatus& found, bool whole,
                                        const std::shared_ptr<void>& changing_it) {
    const auto wanted = wanted_of(exchange, who);
    if (!wanted) return;
    if (wanted->keys || wanted->start) {
        return refuse(exchange, 400,
                      wanted->keys ? "secret: POST …/rotate changes the secret of a webhook "
                                     "that is there"
                                   : "start: POST …/recover?since= moves a webhook that is "
                                     "there");
    }
    const Subscription& old = found.subscription;
    Subscription base = old;
    if (whole) {
        base = fresh(old.id, old.owner, parts.settings, old.created_us);
        base.interests = old.interests;
        base.state = old.state;
        base.reason = old.reason;
        Details kept;
        if (const auto details = Details::parse(old.details)) kept.keys = details->keys;
        base.details = kept.json();
        if (!wanted->url)
            return refuse(exchange, 400,
                          "url: PUT needs a whole webhook; PATCH "
                          "changes what it names");
        if (!wanted->topics)
            return refuse(exchange, 400,
                          "topics: PUT needs a whole webhook; "
                          "PATCH changes what it names");
    }
    const auto made =
        applied(*wanted, std::move(base), false, parts.bridge.journal().head, found.position);
    if (!made) return refuse(exchange, 400, made.error());
    check_url(exchange, made->url,
              [self = shared_from_this(), exchange, who, made = *made, changing_it] {
                  self->put_changed(exchange, who, made, changing_it);
              });
}

void WebhookHandler::Core::put_changed(const Shared& exchange, const Principal& who,
                                       const Subscription& made,
                                       const std::shared_ptr<void>& changing_it) {
    parts.engine.put(made, std::nullopt,
                     [self = shared_from_this(), exchange, who, id = made.id,
                      changing_it](const EngineResult<void>& done) {
                         if (!done) return refuse(exchange, done.error());
                         self->show(exchange, id, who);
                     });
}

void WebhookHandler::Core::remove(const Shared& exchange, const std::string& id,
                                  const Principal& who) {
    with(exchange, id, who, [self = shared_from_this(), exchange, id](const SubscriptionStatus&) {
        self->parts.engine.remove(id, [exchange](const EngineResult<void>& done) {
            if (!done) return refuse(exchange, done.error());
            Response gone;
            gone.status = 204;
            exchange->answer(std::move(gone));
        });
    });
}

}  // namespace weft::gateway::webhooks

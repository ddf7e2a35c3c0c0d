#include "gateway/delivery/live_engine.hpp"

#include <future>

#include "gateway/delivery/curl_sender.hpp"
#include "gateway/delivery/engine_core.hpp"
#include "gateway/delivery/record.hpp"
#include "reliability/journal/state_writer.hpp"

namespace weft::gateway::delivery {
namespace {

using reliability::JournalResult;
using reliability::StateStore;

EngineError stopped_error() {
    return {EngineError::Kind::stopped, "the gateway stops; ask again elsewhere"};
}

struct Kept {
    Subscription subscription;
    Progress progress;
    std::deque<Attempt> attempts{};
};
struct Loaded {
    std::vector<Kept> kept;
    std::vector<std::string> said;
    reliability::StateWriter* writer = nullptr;
};

/// Its ids are those of a journal that is no more: what is stored now is all new to it.
void begin_anew(Subscription& subscription, Progress& progress, reliability::JournalEpoch epoch) {
    progress.position = {epoch, 0};
    progress.failed.clear();
    std::erase_if(subscription.interests,
                  [](const Interest& one) { return one.through != UINT64_MAX; });
    for (Interest& interest : subscription.interests) interest.after = 0;
}

/// Nothing: it cannot be read, and `said` has why.
std::optional<Kept> load_one(JournalThings& things, const StateStore::Entry& entry,
                             std::vector<std::string>& said) {
    const std::string id = entry.first.substr(subscription_prefix.size());
    auto subscription = decode_subscription(entry.second);
    if (!subscription || subscription->id != id) {
        said.push_back("the subscription '" + id + "' cannot be read and is left out: " +
                       (subscription ? "it is another's" : subscription.error()));
        return std::nullopt;
    }
    Kept kept{std::move(*subscription), {}};
    const auto info = things.journal.info();
    if (const auto text = things.journal.state().get(std::string{progress_prefix} + id);
        text && *text) {
        auto progress = decode_progress(**text);
        if (progress) {
            kept.progress = std::move(*progress);
        } else {
            said.push_back("the counts of the subscription '" + id +
                           "' cannot be read and begin anew: " + progress.error());
        }
    }
    if (const auto text = things.journal.state().get(std::string{attempts_prefix} + id);
        text && *text) {
        auto attempts = decode_attempts(**text);
        if (attempts) {
            kept.attempts = std::move(*attempts);
        } else {
            said.push_back("the attempts of the subscription '" + id +
                           "' cannot be read and begin anew: " + attempts.error());
        }
    }
    const auto cursor = things.cursors.show(cursor_name(id));
    if (cursor) {
        kept.progress.position = cursor->position;
    } else {
        kept.progress.position = {info.epoch, info.head};
        said.push_back(
            "the subscription '" + id +
            "' has lost its cursor and goes on at the journal's head: " + cursor.error().sentence);
    }
    if (kept.progress.position.epoch != info.epoch) {
        said.push_back("the subscription '" + id +
                       "' was at a place in another journal; it begins with what this one has");
        begin_anew(kept.subscription, kept.progress, info.epoch);
        kept.attempts.clear();
    }
    return kept;
}

JournalResult<Loaded> load_all(JournalThings& things) {
    constexpr std::size_t at_a_time = 200;
    Loaded loaded;
    loaded.writer = dynamic_cast<reliability::StateWriter*>(&things.journal.state());
    std::string after;
    while (true) {
        const auto entries = things.journal.state().list(subscription_prefix, after, at_a_time);
        if (!entries) return tl::make_unexpected(entries.error());
        for (const StateStore::Entry& entry : *entries) {
            if (auto kept = load_one(things, entry, loaded.said)) {
                loaded.kept.push_back(std::move(*kept));
            }
        }
        if (entries->size() < at_a_time) return loaded;
        after = entries->back().first;
    }
}

}  // namespace

LiveEngine::LiveEngine(std::shared_ptr<Core> core) : core_(std::move(core)) {}

tl::expected<std::unique_ptr<LiveEngine>, std::string> LiveEngine::open(Parts parts) {
    auto guard = AddressGuard::make(parts.settings.allow_http, parts.settings.allow_networks);
    if (!guard) return tl::make_unexpected("gateway.webhooks.allow_networks: " + guard.error());
    if (!parts.sender) {
        auto sender = CurlSender::open(parts.settings, *guard);
        if (!sender) return tl::make_unexpected(std::move(sender.error()));
        parts.sender = std::move(*sender);
    }
    if (!parts.resolver) parts.resolver = std::make_shared<SystemResolver>();
    auto answer = std::make_shared<std::promise<JournalResult<Loaded>>>();
    auto answered = answer->get_future();
    if (!parts.room.work(
            [answer](JournalThings& things) { answer->set_value(load_all(things)); })) {
        return tl::make_unexpected(
            std::string{"the subscriptions cannot be read: the journal is busy or closed"});
    }
    auto loaded = answered.get();
    if (!loaded) {
        return tl::make_unexpected("the subscriptions cannot be read: " + loaded.error().sentence);
    }
    auto core = std::make_shared<Core>(std::move(parts), std::move(*guard));
    core->writer = loaded->writer;
    for (const std::string& line : loaded->said) {
        if (core->parts.warn) core->parts.warn(line);
    }
    for (Kept& kept : loaded->kept) {
        Entry& entry = core->adopt(std::move(kept.subscription), std::move(kept.progress));
        entry.attempts = std::move(kept.attempts);
        if (!entry.attempts.empty()) entry.attempt_numbers = entry.attempts.back().number;
    }
    return std::unique_ptr<LiveEngine>(new LiveEngine(std::move(core)));
}

LiveEngine::~LiveEngine() {
    stop();
}

void LiveEngine::add(const Presenter& presenter) {
    core_->presenters.emplace(presenter.kind(), &presenter);
}

void LiveEngine::start() {
    core_->thread = std::thread([core = core_.get()] {
        core->loop_thread = std::this_thread::get_id();
        for (const auto& [serial, entry] : core->entries) {
            const auto found = core->presenters.find(entry->courier.subscription().kind);
            if (found != core->presenters.end()) entry->presenter = found->second;
            core->pump(*entry);
        }
        core->run();
    });
}

void LiveEngine::stop(std::chrono::milliseconds patience) {
    core_->post([core = core_.get(), patience] {
        core->draining = true;
        core->drain_deadline = core->parts.clock.steady() + patience;
    });
    if (core_->thread.joinable()) core_->thread.join();
    core_->parts.sender->stop();
}

void LiveEngine::check_url(std::string url, OnDone done) {
    core_->check_url(url, done);
}

void LiveEngine::put(Subscription subscription, std::optional<reliability::JournalId> start,
                     OnDone done) {
    auto shared = std::make_shared<Subscription>(std::move(subscription));
    if (!core_->post([core = core_.get(), shared, start, done] {
            core->put(std::move(*shared), start, done);
        })) {
        done(tl::make_unexpected(stopped_error()));
    }
}

void LiveEngine::remove(std::string id, OnDone done) {
    if (!core_->post([core = core_.get(), id = std::move(id), done] { core->remove(id, done); })) {
        done(tl::make_unexpected(stopped_error()));
    }
}

void LiveEngine::status(std::string id, OnStatus done) {
    const auto ask = [core = core_.get(), id = std::move(id), done] {
        const Entry* entry = core->find(id);
        if (entry == nullptr) {
            return done(tl::make_unexpected(
                EngineError{EngineError::Kind::not_found, "there is no such subscription"}));
        }
        core->count_queued(*entry, core->status_of(*entry),
                           [done](SubscriptionStatus status) { done(std::move(status)); });
    };
    if (!core_->post(ask)) done(tl::make_unexpected(stopped_error()));
}

void LiveEngine::all(std::string kind, OnAll done) {
    if (!core_->post(
            [core = core_.get(), kind = std::move(kind), done] { core->all(kind, done); })) {
        done(tl::make_unexpected(stopped_error()));
    }
}

std::vector<Subscription> LiveEngine::subscriptions(std::string_view kind) {
    std::vector<Subscription> found;
    const std::scoped_lock lock(core_->shown_mutex);
    for (const auto& [id, subscription] : core_->shown) {
        if (subscription.kind == kind) found.push_back(subscription);
    }
    return found;
}

void LiveEngine::attempts(std::string id,
                          std::function<void(EngineResult<std::vector<Attempt>>)> done) {
    const auto ask = [core = core_.get(), id = std::move(id), done] {
        const Entry* entry = core->find(id);
        if (entry == nullptr) {
            return done(tl::make_unexpected(
                EngineError{EngineError::Kind::not_found, "there is no such subscription"}));
        }
        done(std::vector<Attempt>(entry->attempts.rbegin(), entry->attempts.rend()));
    };
    if (!core_->post(ask)) done(tl::make_unexpected(stopped_error()));
}

void LiveEngine::resend(std::string id, reliability::JournalId message, OnAttempt done) {
    if (!core_->post([core = core_.get(), id = std::move(id), message, done] {
            core->resend(id, message, done);
        })) {
        done(tl::make_unexpected(stopped_error()));
    }
}

void LiveEngine::send(std::string id, StoredEvent event, OnAttempt done) {
    auto shared = std::make_shared<StoredEvent>(std::move(event));
    const auto ask = [core = core_.get(), id = std::move(id), shared, done] {
        Entry* entry = core->find(id);
        if (core->stopped || entry == nullptr) {
            return done(tl::make_unexpected(
                core->stopped
                    ? stopped_error()
                    : EngineError{EngineError::Kind::not_found, "there is no such subscription"}));
        }
        core->send_aside(*entry, std::move(*shared), done);
    };
    if (!core_->post(ask)) done(tl::make_unexpected(stopped_error()));
}

void LiveEngine::recover(std::string id, std::uint64_t since_us, OnDone done) {
    if (!core_->post([core = core_.get(), id = std::move(id), since_us, done] {
            core->recover(id, since_us, done);
        })) {
        done(tl::make_unexpected(stopped_error()));
    }
}

void LiveEngine::confirm(std::string id, Fetched fetched, OnStatus done) {
    if (!core_->post([core = core_.get(), id = std::move(id), fetched, done] {
            core->confirm(id, fetched, done);
        })) {
        done(tl::make_unexpected(stopped_error()));
    }
}

void LiveEngine::set_state(std::string id, Subscription::State state, std::string reason,
                           OnDone done) {
    if (!core_->post([core = core_.get(), id = std::move(id), state, reason = std::move(reason),
                      done] { core->set_state(id, state, reason, done); })) {
        done(tl::make_unexpected(stopped_error()));
    }
}

std::vector<EngineFigure> LiveEngine::figures() const {
    const Core& core = *core_;
    const auto number = [](auto value) { return static_cast<double>(value); };
    return {
        {"weft_delivery_attempts_total",
         "Requests to receivers that were answered, or not.",
         number(core.attempts_ok.load()),
         {{"result", "succeeded"}}},
        {"weft_delivery_attempts_total",
         "Requests to receivers that were answered, or not.",
         number(core.attempts_failed.load()),
         {{"result", "failed"}}},
        {"weft_delivery_messages_total", "Messages that receivers have taken.",
         number(core.messages_sent.load())},
        {"weft_delivery_given_up_total", "Messages whose last attempt has failed.",
         number(core.given_up.load())},
        {"weft_delivery_disabled_total", "Subscriptions that were disabled by their failures.",
         number(core.disabled.load())},
        {"weft_delivery_on_request_total", "Resends and test events.",
         number(core.side_total.load())},
        {"weft_delivery_notes_total",
         "Writes of positions.",
         number(core.notes.load()),
         {{"result", "written"}}},
        {"weft_delivery_notes_total",
         "Writes of positions.",
         number(core.notes_failed.load()),
         {{"result", "failed"}}},
        {"weft_delivery_reads_total", "Pages read for subscriptions, however many shared them.",
         number(core.page_reads.load())},
        {"weft_delivery_in_flight", "Requests under way.", number(core.in_flight.load())},
        {"weft_delivery_failing", "Subscriptions whose last attempt has failed.",
         number(core.failing_now.load())},
        {"weft_delivery_parked", "Batches that wait aside for their next attempt.",
         number(core.parked_now.load())},
        {"weft_delivery_subscriptions",
         "Subscriptions.",
         number(core.active_now.load()),
         {{"state", "active"}}},
        {"weft_delivery_subscriptions",
         "Subscriptions.",
         number(core.paused_now.load()),
         {{"state", "paused"}}},
        {"weft_delivery_subscriptions",
         "Subscriptions.",
         number(core.disabled_now.load()),
         {{"state", "disabled"}}},
    };
}

}  // namespace weft::gateway::delivery

#include "gateway/esub/sub_desk.hpp"

#include <optional>
#include <utility>

#include "gateway/esub/answers.hpp"

namespace weft::gateway::esub {

SubDesk::SubDesk(const Settings& settings, Metrics& metrics, const fabric::Clock& clock,
                 Elsewhere& elsewhere)
    : settings_(settings), metrics_(metrics), clock_(clock), elsewhere_(elsewhere) {}

void SubDesk::observe(const Waiting& waiting, bool success) {
    metrics_.observe({Route::sub, success, waiting.has_token, clock_.steady() - waiting.since});
}

void SubDesk::refuse(const Waiting& waiting, unsigned status, std::string_view text) {
    waiting.exchange->answer(text_answer(settings_, status, text));
    observe(waiting, false);
}

void SubDesk::open(std::shared_ptr<Exchange> exchange, const Target& target,
                   PeerPlaces::Place place) {
    const Table::Id id = ++ids_;
    Waiting waiting{exchange, clock_.steady(), target.has_token, std::move(place)};
    Shard& shard = shard_of(target.key);
    Table::Opened opened;
    {
        const std::lock_guard lock(shard.mutex);
        opened = shard.table.open(id, target.key, target.token, std::move(waiting));
        // Under the lock: who is told hears it in the order in which it happened.
        if (opened.displaced) {
            elsewhere_.closed(Kind::sub, target.key, opened.displaced->first);
        } else if (opened.accepted) {
            ++metrics_.subs;
        }
        if (opened.accepted) {
            elsewhere_.opened(Kind::sub, target.key, target.token, false, id);
        }
    }
    if (!opened.accepted) return refuse(waiting, 403, "Sub already exists, token mismatch");
    if (opened.displaced) {
        refuse(opened.displaced->second, 500, "Failed to fullfil sub: context canceled");
    }
    exchange->on_gone([self = shared_from_this(), key = target.key, id] { self->leave(key, id); });
}

void SubDesk::leave(const std::string& key, Table::Id id) {
    Shard& shard = shard_of(key);
    std::optional<Waiting> left;
    {
        const std::lock_guard lock(shard.mutex);
        left = shard.table.leave(key, id);
        if (!left) return;
        --metrics_.subs;
        elsewhere_.closed(Kind::sub, key, id);
    }
    observe(*left, false);
}

Look SubDesk::look(std::string_view key, std::string_view token) {
    Shard& shard = shard_of(key);
    const std::lock_guard lock(shard.mutex);
    return shard.table.look(key, token);
}

Look SubDesk::deliver(std::string_view key, std::string_view token, std::string& body,
                      OnVerdict& done) {
    std::optional<std::pair<Table::Id, Waiting>> claimed;
    {
        Shard& shard = shard_of(key);
        const std::lock_guard lock(shard.mutex);
        const Look look = shard.table.claim(key, token, claimed);
        if (look != Look::found) return look;
        --metrics_.subs;
        elsewhere_.closed(Kind::sub, key, claimed->first);
    }
    const std::shared_ptr<Exchange> exchange = claimed->second.exchange;
    Response response = Response::of(200, "application/octet-stream", std::move(body));
    response.close = settings_.close_connections;
    response.report = WriteReport{
        [self = shared_from_this(), done = std::move(done), since = claimed->second.since,
         has_token = claimed->second.has_token](bool all_taken) {
            self->metrics_.observe(
                {Route::sub, all_taken, has_token, self->clock_.steady() - since});
            done(all_taken ? Verdict::delivered : Verdict::unknown_key);
        },
        settings_.stall_time};
    exchange->answer(std::move(response));
    return Look::found;
}

Look SubDesk::displace(const std::string& key, std::uint64_t id) {
    std::optional<Waiting> left;
    {
        Shard& shard = shard_of(key);
        const std::lock_guard lock(shard.mutex);
        left = shard.table.leave(key, id);
        if (!left) return Look::unknown;
        --metrics_.subs;
        elsewhere_.closed(Kind::sub, key, id);
    }
    refuse(*left, 500, "Failed to fullfil sub: context canceled");
    return Look::found;
}

void SubDesk::add_keys(std::vector<std::string>& keys) {
    for (Shard& shard : shards_) {
        const std::lock_guard lock(shard.mutex);
        shard.table.add_keys(keys);
    }
}

void SubDesk::stop() {
    for (Shard& shard : shards_) {
        std::vector<Waiting> all;
        {
            const std::lock_guard lock(shard.mutex);
            all = shard.table.take_all();
        }
        for (const Waiting& waiting : all) {
            --metrics_.subs;
            refuse(waiting, 503, "The server is stopping, try again");
        }
    }
}

}  // namespace weft::gateway::esub

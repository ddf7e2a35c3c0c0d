#include "gateway/esub/psub_room.hpp"

#include <algorithm>
#include <utility>

#include "gateway/esub/answers.hpp"
#include "gateway/http/websocket_request.hpp"

namespace weft::gateway::esub {
namespace {

constexpr std::uint16_t code_going_away = 1001;
constexpr std::chrono::milliseconds receipts_every{50};

}  // namespace

PsubRoom::PsubRoom(const Settings& settings, Metrics& metrics, const fabric::Clock& clock,
                   Timers& timers, Elsewhere& elsewhere)
    : settings_(settings),
      metrics_(metrics),
      clock_(clock),
      timers_(timers),
      elsewhere_(elsewhere) {}

void PsubRoom::start() {
    timers_.run(settings_.confirm ? receipts_every : settings_.ping, [weak = weak_from_this()] {
        const auto self = weak.lock();
        if (!self) return;
        self->look_round();
        self->start();
    });
}

void PsubRoom::look_round() {
    const fabric::Instant now = clock_.steady();
    for (Shard& shard : shards_) {
        std::vector<Member> all;
        {
            const std::lock_guard lock(shard.mutex);
            for (const auto& [key, pool] : shard.pools) {
                for (const auto& [id, member] : pool.members.members()) all.push_back(member);
            }
        }
        for (const Member& member : all) {
            if (settings_.confirm) {
                member->tick(now);
            } else if (now - member->heard_at() >= settings_.ping) {
                member->retire(code_going_away, "no pong came in time", false);
            }
        }
    }
}

std::string_view PsubRoom::enter(const Target& target, const Member& member, Member& displaced) {
    Shard& shard = shard_of(target.key);
    const std::lock_guard lock(shard.mutex);
    auto held = shard.pools.find(target.key);
    if (held != shard.pools.end()) {
        if (!may_join(held->second.token, target.token)) {
            return "psub already exists, token mismatch";
        }
        if (held->second.shared != target.shared) return "psub already exists, shared mismatch";
    } else {
        held = shard.pools.emplace(target.key, Pool{++ids_, "", target.shared}).first;
    }
    Pool& pool = held->second;
    pool.token = target.token;
    if (!pool.shared && !pool.members.empty()) {
        displaced = pool.members.next();
        pool.members.leave(displaced->of.id);
        elsewhere_.closed(Kind::psub, target.key, displaced->of.id);
    }
    pool.members.join(member->of.id, member);
    ++metrics_.psubs;
    elsewhere_.opened(Kind::psub, target.key, target.token, target.shared, member->of.id);
    return {};
}

void PsubRoom::open(std::shared_ptr<Exchange> exchange, const Target& target,
                    PeerPlaces::Place place) {
    const fabric::Instant since = clock_.steady();
    const auto refuse = [&](unsigned status, std::string_view why) {
        exchange->answer(text_answer(settings_, status, why));
        metrics_.observe({Route::psub, false, target.has_token, clock_.steady() - since});
    };
    if (const auto refusal = refuse_websocket(exchange->request())) {
        return refuse(refusal->status == 403 ? 403 : 400, "Bad Request: " + refusal->sentence);
    }
    const auto member = std::make_shared<PsubMember>(
        PsubMember::Of{target.key, ++ids_, target.has_token, since, std::move(place)},
        Parcels::Rules{settings_.confirm, target.shared && !settings_.confirm,
                       settings_.receipt_time},
        weak_from_this(), clock_);
    Member displaced;
    const std::string_view why = enter(target, member, displaced);
    if (!why.empty()) return refuse(403, why);
    if (displaced) displaced->retire(code_going_away, "another psub took over", true);
    if (!exchange->upgrade(member->hooks())) member->retire(code_going_away, "", true);
}

Look PsubRoom::look(std::string_view key, std::string_view token) {
    Shard& shard = shard_of(key);
    const std::lock_guard lock(shard.mutex);
    const auto held = shard.pools.find(key);
    if (held == shard.pools.end()) return Look::unknown;
    return held->second.token == token ? Look::found : Look::wrong_token;
}

Look PsubRoom::deliver(std::string_view key, std::string_view token, std::string& body,
                       OnVerdict& done) {
    Member member;
    std::uint64_t pool = 0;
    {
        Shard& shard = shard_of(key);
        const std::lock_guard lock(shard.mutex);
        const auto held = shard.pools.find(key);
        if (held == shard.pools.end()) return Look::unknown;
        if (held->second.token != token) return Look::wrong_token;
        member = held->second.members.next();
        pool = held->second.id;
    }
    member->take({std::make_shared<const std::string>(std::move(body)), std::move(done), pool});
    return Look::found;
}

void PsubRoom::pass_on(const std::string& key, Parcel parcel) {
    Member member;
    {
        Shard& shard = shard_of(key);
        const std::lock_guard lock(shard.mutex);
        const auto held = shard.pools.find(key);
        // A pool of the same name that was made later is somebody else's.
        if (held != shard.pools.end() && held->second.id == parcel.pool) {
            member = held->second.members.next();
        }
    }
    if (member) return member->take(std::move(parcel));
    if (parcel.done) parcel.done(Verdict::no_listeners);
}

void PsubRoom::left(const PsubMember& member) {
    {
        Shard& shard = shard_of(member.of.key);
        const std::lock_guard lock(shard.mutex);
        --metrics_.psubs;
        const auto held = shard.pools.find(member.of.key);
        if (held != shard.pools.end() && held->second.members.leave(member.of.id)) {
            elsewhere_.closed(Kind::psub, member.of.key, member.of.id);
            if (held->second.members.empty()) shard.pools.erase(held);
        }
    }
    metrics_.observe(
        {Route::psub, member.was_open(), member.of.has_token, clock_.steady() - member.of.since});
}

Look PsubRoom::displace(std::string_view key) {
    Member member;
    {
        Shard& shard = shard_of(key);
        const std::lock_guard lock(shard.mutex);
        const auto held = shard.pools.find(key);
        if (held == shard.pools.end() || held->second.shared) return Look::unknown;
        member = held->second.members.next();
    }
    member->retire(code_going_away, "another psub took over", true);
    return Look::found;
}

void PsubRoom::add_keys(std::vector<std::string>& keys) {
    for (Shard& shard : shards_) {
        const std::lock_guard lock(shard.mutex);
        for (const auto& [key, pool] : shard.pools) keys.push_back(key);
    }
}

}  // namespace weft::gateway::esub

#include "gateway/native/cursor_next.hpp"

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

#include "fabric/message/json_form.hpp"
#include "gateway/native/cursor_access.hpp"
#include "gateway/native/cursor_json.hpp"
#include "gateway/native/start_of.hpp"
#include "signing/certificate.hpp"

namespace weft::gateway::native {

using reliability::Cursor;
using reliability::GroupSettings;
using reliability::JournalId;
using std::chrono::milliseconds;

namespace {

void answer_nothing(const SharedExchange& exchange) {
    exchange->answer(Response::of(200, json_type, "{\"messages\":[]}"));
}

}  // namespace

void CursorNext::next(const SharedExchange& exchange, const std::string& name, const Query& query,
                      const Principal& who) {
    Next next;
    next.name = name;
    next.member = member_of({}, query, who);
    next.who = who;
    if (const std::string wrong = signing::name_error(next.member); !wrong.empty()) {
        return refuse(exchange, 400, "member: " + wrong);
    }
    if (const auto text = query.find("max")) {
        const auto [end, error] =
            std::from_chars(text->data(), text->data() + text->size(), next.max);
        if (error != std::errc{} || end != text->data() + text->size() || next.max < 1 ||
            next.max > reliability::GroupService::messages_max) {
            return refuse(exchange, 400, "max: a number from 1 to 1000");
        }
    }
    const auto wait = duration_parameter(query, "wait", milliseconds{0}, wait_max);
    if (!wait) return refuse(exchange, 400, wait.error());
    next.deadline = clock_.steady() + *wait;
    if (query.find("lease")) {
        const auto lease =
            duration_parameter(query, "lease", milliseconds{0}, GroupSettings::lease_max);
        if (!lease) return refuse(exchange, 400, lease.error());
        if (lease->count() <= 0) return refuse(exchange, 400, "lease: more than 0s");
        next.lease = *lease;
    }
    look(exchange, next);
}

void CursorNext::look(const SharedExchange& exchange, const Next& next) {
    auto self = shared_from_this();
    with_cursor(room_, exchange, next.name, next.who,
                [self, exchange, next](JournalThings& things, const Cursor& cursor) {
                    const bool some = cursor.group ? self->give_leased(exchange, next, things)
                                                   : self->give_page(exchange, next, things);
                    if (!some) self->wait(exchange, next, cursor, things.journal.info().head);
                });
}

bool CursorNext::give_leased(const SharedExchange& exchange, const Next& next,
                             JournalThings& things) {
    auto got = things.groups.next(next.name, next.member, next.max, next.lease);
    if (!got) return refuse(exchange, got.error()), true;
    if (got->messages.empty() && !got->gap && clock_.steady() < next.deadline) return false;
    std::vector<std::string> events;
    for (const auto& leased : got->messages) {
        for_each_believed(
            leased.message.run, leased.message.bytes, things.verifier,
            [&](const fabric::Message& message, JournalId id) {
                std::string json = fabric::to_json(message, id);
                json.pop_back();
                events.push_back(json + ",\"attempt\":" + std::to_string(leased.attempt) +
                                 ",\"lease_ms\":" + std::to_string(leased.lease.count()) + "}");
            });
    }
    std::string text = list_json("messages", events);
    if (got->gap) text += ",\"gap\":" + fabric::to_json(gap_value(*got->gap));
    if (!got->sentence.empty()) text += ",\"why\":" + fabric::json_string(got->sentence);
    exchange->answer(Response::of(200, json_type, text + "}"));
    return true;
}

bool CursorNext::give_page(const SharedExchange& exchange, const Next& next,
                           JournalThings& things) {
    reliability::ReadLimits limits;
    limits.messages = next.max;
    auto page = things.cursors.read(next.name, limits);
    if (!page) return refuse(exchange, page.error()), true;
    if (page->runs.empty() && !page->gap && clock_.steady() < next.deadline) return false;
    std::vector<std::string> events;
    for (const auto& run : page->runs) {
        for_each_believed(run, page->bytes, things.verifier,
                          [&](const fabric::Message& message, JournalId id) {
                              events.push_back(fabric::to_json(message, id));
                          });
    }
    std::string text = list_json("messages", events);
    if (page->gap) text += ",\"gap\":" + fabric::to_json(gap_value(*page->gap));
    exchange->answer(Response::of(200, json_type, text + "}"));
    return true;
}

void CursorNext::wait(const SharedExchange& exchange, const Next& next, const Cursor& cursor,
                      JournalId head) {
    constexpr milliseconds look_again{500};
    const auto left = std::chrono::duration_cast<milliseconds>(next.deadline - clock_.steady());
    auto one = std::make_shared<Waiting>(Waiting{exchange});
    bool late = false;
    {
        const std::scoped_lock lock(mutex_);
        late = stopped_;
        if (!late) waiting_.insert(one);
    }
    if (late) return answer_nothing(exchange);
    const auto ticket =
        bridge_.wait(head, cursor.filter(), std::clamp(left, milliseconds{1}, look_again),
                     [self = shared_from_this(), one, next](Woken woken) {
                         if (!self->take(one)) return;
                         if (woken == Woken::stopped) {
                             return answer_nothing(one->exchange);
                         }
                         self->look(one->exchange, next);
                     });
    bool over = false;
    {
        const std::scoped_lock lock(mutex_);
        one->ticket = ticket;
        over = !waiting_.contains(one);
    }
    if (over) bridge_.forget(ticket);
}

bool CursorNext::take(const std::shared_ptr<Waiting>& one) {
    const std::scoped_lock lock(mutex_);
    return waiting_.erase(one) != 0;
}

void CursorNext::stop() {
    std::set<std::shared_ptr<Waiting>> all;
    std::vector<FabricBridge::Ticket> tickets;
    {
        const std::scoped_lock lock(mutex_);
        stopped_ = true;
        all.swap(waiting_);
        for (const auto& one : all) tickets.push_back(one->ticket);
    }
    for (const auto ticket : tickets) {
        if (ticket != 0) bridge_.forget(ticket);
    }
    for (const auto& one : all) answer_nothing(one->exchange);
}

}  // namespace weft::gateway::native

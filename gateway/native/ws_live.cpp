#include "gateway/native/ws_live.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "fabric/message/json_form.hpp"

namespace weft::gateway::native {
namespace {

using reliability::Position;
using std::chrono::milliseconds;

constexpr milliseconds look_every{30'000};
constexpr milliseconds again_after{250};  ///< After an error of the journal.
constexpr std::uint64_t page_messages = 500;

}  // namespace

LivePage live_page(const EventPage& page) {
    LivePage live;
    live.gap = page.gap;
    live.next = page.next;
    live.events.reserve(page.events.size());
    for (const StoredEvent& event : page.events) {
        live.events.push_back({event.id, fabric::to_json(event.message, event.id)});
    }
    return live;
}

struct LiveReads::Shared : std::enable_shared_from_this<Shared> {
    Shared(FabricBridge& the_bridge, Timers& the_timers) : bridge(the_bridge), timers(the_timers) {}

    struct Group {
        LiveTopics topics;
        Position position;  ///< All members have everything up to here.
        std::map<Ticket, std::weak_ptr<Member>> members;
        FabricBridge::Ticket waiting = 0;
        bool over = false;  ///< Nobody is in it: it has left `groups` for good.
    };
    using GroupRef = std::shared_ptr<Group>;

    // ---- Who is in ----

    Ticket join(const LiveTopics& topics, Position at, std::weak_ptr<Member> member) {
        const std::scoped_lock lock(mutex);
        if (stopped) return ++last_ticket;  // nothing comes any more
        GroupRef& group = groups[topics.key];
        const bool is_new = !group;
        if (is_new) {
            group = std::make_shared<Group>();
            group->topics = topics;
            group->position = at;
        }
        if (at.epoch != group->position.epoch || at.id < group->position.id) return 0;
        const Ticket ticket = ++last_ticket;
        group->members.emplace(ticket, std::move(member));
        where.emplace(ticket, group);
        // Not from here: the bridge may call back at once, and the member is in a lock of its own.
        if (is_new) later(milliseconds{0}, [group](Shared& self) { self.wait(group); });
        return ticket;
    }

    void leave(Ticket ticket) {
        FabricBridge::Ticket waiting = 0;
        {
            const std::scoped_lock lock(mutex);
            const auto found = where.find(ticket);
            if (found == where.end()) return;
            const GroupRef group = found->second;
            where.erase(found);
            group->members.erase(ticket);
            if (!group->members.empty()) return;
            waiting = end(*group);
        }
        if (waiting != 0) bridge.forget(waiting);
    }

    /// Under the lock. The bridge's ticket to forget, or 0.
    FabricBridge::Ticket end(Group& group) {
        group.over = true;
        groups.erase(group.topics.key);
        return std::exchange(group.waiting, 0);
    }

    // ---- Round and round ----

    void wait(const GroupRef& group) {
        Position at;
        {
            const std::scoped_lock lock(mutex);
            if (group->over) return;
            at = group->position;
        }
        const auto ticket = bridge.wait(at.id, group->topics.filter, look_every,
                                        [weak = weak_from_this(), group](Woken woken) {
                                            const auto self = weak.lock();
                                            if (self) self->on_woken(group, woken);
                                        });
        bool over = false;
        {
            const std::scoped_lock lock(mutex);
            over = group->over;
            // Tickets rise: this one may have been answered, and the next one be waited on already.
            if (!over) group->waiting = std::max(group->waiting, ticket);
        }
        if (over && ticket != 0) bridge.forget(ticket);
    }

    void on_woken(const GroupRef& group, Woken woken) {
        if (stopped || woken == Woken::stopped) return;
        if (woken == Woken::full) {
            return later(again_after, [group](Shared& self) { self.read(group); });
        }
        read(group);  // After a while without a word, too.
    }

    void read(const GroupRef& group) {
        ReadRequest request;
        {
            const std::scoped_lock lock(mutex);
            if (group->over) return;
            request.after = group->position;
        }
        request.filter = group->topics.filter;
        request.messages = page_messages;
        request.keep = group->topics.keep;
        bridge.read(std::move(request),
                    [weak = weak_from_this(), group](BridgeResult<EventPage> page) {
                        const auto self = weak.lock();
                        if (self) self->on_page(group, std::move(page));
                    });
    }

    void on_page(const GroupRef& group, BridgeResult<EventPage> page) {
        if (stopped) return;
        if (!page) return later(again_after, [group](Shared& self) { self.read(group); });
        const LivePage live = live_page(*page);
        std::vector<std::pair<Ticket, std::shared_ptr<Member>>> members;
        {
            // Who joins after this is behind the page, or reads it by themselves.
            const std::scoped_lock lock(mutex);
            group->position = live.next;
            for (const auto& [ticket, member] : group->members) {
                members.emplace_back(ticket, member.lock());
            }
        }
        for (const auto& [ticket, member] : members) {
            if (!member || !member->on_live(ticket, live)) leave(ticket);
        }
        if (page->at_head) {
            wait(group);
        } else {
            read(group);
        }
    }

    template <class Work>
    void later(milliseconds after, Work work) {
        timers.run(after, [weak = weak_from_this(), work = std::move(work)] {
            const auto self = weak.lock();
            if (self && !self->stopped) work(*self);
        });
    }

    FabricBridge& bridge;
    Timers& timers;
    std::atomic<bool> stopped = false;
    mutable std::mutex mutex;  // guards what follows, and the groups' insides but for `topics`
    std::map<std::string, GroupRef> groups;
    std::unordered_map<Ticket, GroupRef> where;
    Ticket last_ticket = 0;
};

LiveReads::LiveReads(FabricBridge& bridge, Timers& timers)
    : shared_(std::make_shared<Shared>(bridge, timers)) {}

LiveReads::~LiveReads() {
    stop();
}

LiveReads::Ticket LiveReads::join(const LiveTopics& topics, Position at,
                                  std::weak_ptr<Member> member) {
    return shared_->join(topics, at, std::move(member));
}

void LiveReads::leave(Ticket ticket) {
    shared_->leave(ticket);
}

void LiveReads::stop() {
    if (shared_->stopped.exchange(true)) return;
    std::vector<FabricBridge::Ticket> waiting;
    {
        const std::scoped_lock lock(shared_->mutex);
        for (const auto& [key, group] : shared_->groups) {
            group->over = true;
            if (group->waiting != 0) waiting.push_back(std::exchange(group->waiting, 0));
        }
        shared_->groups.clear();
        shared_->where.clear();
    }
    for (const auto ticket : waiting) shared_->bridge.forget(ticket);
}

std::size_t LiveReads::groups() const {
    const std::scoped_lock lock(shared_->mutex);
    return shared_->groups.size();
}

}  // namespace weft::gateway::native

#include "gateway/native/tail_group.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <set>
#include <utility>
#include <vector>

namespace weft::gateway::native {
namespace {

using reliability::JournalId;
using reliability::Position;
using std::chrono::milliseconds;

constexpr milliseconds ping_every{15'000};
/// After an error of the journal.
constexpr milliseconds again_after{250};
/// Until we look again whether a reader of history has read: longer and longer while it does not.
constexpr milliseconds pause_least{2}, pause_most{250};
constexpr std::uint64_t page_messages = 500;
/// Where the newest N begin is looked for in so much, about.
constexpr std::size_t last_bytes = std::size_t{8} << 20;
/// A reader of history is given no more while so much waits for it to read; what is read of the
/// journal at a time has as much. Far less than limits.stream_queue, which cuts readers off.
constexpr std::size_t history_ahead = std::size_t{256} * 1024;
/// Of what is live it is given more, since who leaves the others reads alone; but less than that.
constexpr std::size_t live_ahead = 3 * history_ahead;

constexpr const char* stopping = "the gateway stops; come back";
constexpr const char* let_in_no_more =
    "the token of this stream was revoked, or has other grants now; come back with one that holds";

SharedBytes shared(std::string text) {
    return std::make_shared<const std::string>(std::move(text));
}

}  // namespace

// One lock for all: what is done under it is short, encoding and sending included.
struct TailGroups::Shared : std::enable_shared_from_this<Shared> {
    Shared(FabricBridge& the_bridge, Timers& the_timers) : bridge(the_bridge), timers(the_timers) {}

    struct Group;
    struct Reader {
        std::shared_ptr<Stream> stream;
        Wanted wanted;
        std::shared_ptr<Group> group;
        Position position;  ///< It has everything up to here, or does not want it.
        milliseconds pause = pause_least;

        [[nodiscard]] bool may_stay() const { return !wanted.still || wanted.still(); }
        /// Nothing comes after it.
        void end(std::string_view why) const {
            if (stream->send(shared(stream_end(wanted.form, why)))) stream->end();
        }
    };
    using ReaderRef = std::shared_ptr<Reader>;
    /// Those at the head.
    struct Group {
        StreamForm form;
        reliability::TopicFilter filter;
        std::function<bool(std::string_view)> may_read;
        /// All of them have everything up to here; some may be further.
        Position position;
        bool reading = false;
        FabricBridge::Ticket ticket = 0;
        std::vector<ReaderRef> members;
    };
    using Key = std::pair<StreamForm, std::string>;

    // ---- One reader's history ----

    void read_history(const ReaderRef& reader) {
        if (reader->stream->closed()) return leave(reader);
        const std::size_t unread = reader->stream->queued();
        if (unread > history_ahead / 2) return pause(reader);
        ReadRequest request;
        request.after = reader->position;
        request.filter = reader->wanted.parameters.filter;
        request.messages = page_messages;
        request.bytes = history_ahead - unread;
        request.stored_since_us = reader->wanted.parameters.stored_since_us;
        if (reader->wanted.parameters.last != 0) {
            request.order = ReadRequest::Order::newest;
            request.messages = reader->wanted.parameters.last;
            request.bytes = last_bytes;
        }
        request.keep = keep_for(*reader->group);
        bridge.read(std::move(request),
                    [weak = weak_from_this(), reader](BridgeResult<EventPage> page) {
                        const auto self = weak.lock();
                        if (self) self->on_history(reader, page);
                    });
    }

    void history_later(const ReaderRef& reader) {
        later(again_after, [reader](Shared& self) { self.read_history(reader); });
    }
    /// Its client shall read first.
    void pause(const ReaderRef& reader) {
        const milliseconds now = reader->pause;
        reader->pause = std::min(2 * now, pause_most);
        later(now, [reader](Shared& self) { self.read_history(reader); });
    }

    void on_history(const ReaderRef& reader, const BridgeResult<EventPage>& page) {
        if (stopped) return;
        if (!page) return history_later(reader);
        ReadParameters& parameters = reader->wanted.parameters;
        if (parameters.last != 0) {
            // Where the newest N begin; from there on it is a reader as any other.
            JournalId before = page->head;
            for (const StoredEvent& event : page->events) before = std::min(before, event.id - 1);
            reader->position = {page->next.epoch, std::max(before, reader->position.id)};
            parameters.last = 0;
            return read_history(reader);
        }
        const Sent sent = send_history(*reader, *page);
        if (sent == Sent::closed) return leave(reader);
        if (sent == Sent::some) return pause(reader);
        parameters.stored_since_us = 0;
        if (!page->at_head) return read_history(reader);
        const Joined joined = join(reader, page->head);
        if (joined == Joined::behind) read_history(reader);
        if (joined == Joined::other_life) history_later(reader);
    }

    enum class Sent { all, some, closed };

    /// As much as fits into its queue, and one message at least if that is empty.
    Sent send_history(Reader& reader, const EventPage& page) {
        std::string text;
        Position reached = reader.position;
        if (page.gap) {
            text += stream_gap(reader.wanted.form, *page.gap);
            reached = {page.next.epoch, page.gap->to};
        }
        bool all = true;
        const std::size_t unread = reader.stream->queued();
        for (const StoredEvent& event : page.events) {
            const std::string one = stream_event(reader.wanted.form, event);
            const std::size_t ahead = unread + text.size();
            all = ahead == 0 || ahead + one.size() <= history_ahead;
            if (!all) break;
            text += one;
            reached = {page.next.epoch, event.id};
        }
        const std::scoped_lock lock(mutex);
        if (stopped) return Sent::closed;  // it had its last word
        if (!text.empty()) {
            if (!reader.stream->send(shared(std::move(text)))) return Sent::closed;
            reader.pause = pause_least;
        }
        reader.position = all ? page.next : reached;
        return all ? Sent::all : Sent::some;
    }

    enum class Joined {
        joined,
        behind,      ///< Those at the head are further: what they have is there to be read.
        other_life,  ///< Of the journal; the group comes to this one by itself.
    };

    /// `head` is that of the journal, as the reader saw it.
    Joined join(const ReaderRef& reader, JournalId head) {
        const std::shared_ptr<Group>& group = reader->group;
        {
            const std::scoped_lock lock(mutex);
            if (stopped) return Joined::joined;
            if (group->members.empty() && !group->reading) {
                // It may ask for what is not there yet: others must not wait for that.
                group->position = {reader->position.epoch, std::min(reader->position.id, head)};
            } else if (group->position.epoch != reader->position.epoch) {
                return Joined::other_life;
            } else if (group->position.id > reader->position.id) {
                return Joined::behind;
            }
            alone.erase(reader);
            group->members.push_back(reader);
            if (group->reading) return Joined::joined;
            group->reading = true;
        }
        wait_for_more(group);
        return Joined::joined;
    }

    // ---- The group at the head ----

    void wait_for_more(const std::shared_ptr<Group>& group) {
        const FabricBridge::Ticket ticket =
            bridge.wait(group->position.id, group->filter, ping_every,
                        [weak = weak_from_this(), group](Woken woken) {
                            const auto self = weak.lock();
                            if (self) self->on_woken(group, woken);
                        });
        const std::scoped_lock lock(mutex);
        // It may have been woken, and wait again, before we are here: the newest ticket counts.
        group->ticket = std::max(group->ticket, ticket);
        if (stopped) bridge.forget(ticket);
    }

    void on_woken(const std::shared_ptr<Group>& group, Woken woken) {
        if (stopped || woken == Woken::stopped) return;
        if (woken == Woken::full) {
            return later(again_after, [group](Shared& self) { self.read_live(group); });
        }
        if (woken == Woken::timeout) send_ping(*group);
        read_live(group);  // After a while without a word, too: the journal may have begun anew.
    }

    void read_live(const std::shared_ptr<Group>& group) {
        ReadRequest request;
        request.after = group->position;
        request.filter = group->filter;
        request.messages = page_messages;
        request.bytes = history_ahead;
        request.keep = keep_for(*group);
        bridge.read(std::move(request),
                    [weak = weak_from_this(), group](BridgeResult<EventPage> page) {
                        const auto self = weak.lock();
                        if (self) self->on_live(group, page);
                    });
    }

    void on_live(const std::shared_ptr<Group>& group, const BridgeResult<EventPage>& page) {
        if (stopped) return;
        if (!page) return later(again_after, [group](Shared& self) { self.read_live(group); });
        const SharedBytes bytes = written(*group, *page, {});
        std::vector<ReaderRef> behind;
        {
            // Who joins after this is behind the page, or has it.
            const std::scoped_lock lock(mutex);
            const Position before = std::exchange(group->position, page->next);
            if (bytes) behind = move_behind(*group, bytes->size());
            drop_members(*group, [&](Reader& reader) {
                const Position had = std::exchange(reader.position, page->next);
                if (had.epoch != page->next.epoch || had.id <= before.id) {
                    return !bytes || reader.stream->send(bytes);
                }
                // It came from further on.
                reader.position.id = std::max(had.id, page->next.id);
                const SharedBytes rest = written(*group, *page, had);
                return !rest || reader.stream->send(rest);
            });
        }
        for (const ReaderRef& reader : behind) read_history(reader);
        if (!page->at_head) {
            read_live(group);
        } else {
            go_on(group);
        }
    }

    /// Under the lock. Members who have not read what they were sent before, and whom this might
    /// cut off: a burst is history to them, which they read as fast as they can and come back. The
    /// others wait for nobody.
    std::vector<ReaderRef> move_behind(Group& group, std::size_t bytes) {
        const auto keeps_up = [&](const ReaderRef& reader) {
            const std::size_t unread = reader->stream->queued();
            return unread == 0 || unread + bytes <= live_ahead;
        };
        const auto first =
            std::stable_partition(group.members.begin(), group.members.end(), keeps_up);
        std::vector<ReaderRef> behind(first, group.members.end());
        group.members.erase(first, group.members.end());
        alone.insert(behind.begin(), behind.end());
        return behind;
    }

    /// What of the page lies behind `after`; null: nothing.
    static SharedBytes written(const Group& group, const EventPage& page, Position after) {
        std::string text;
        if (page.gap && page.gap->to > after.id) text += stream_gap(group.form, *page.gap);
        for (const StoredEvent& event : page.events) {
            if (event.id > after.id) text += stream_event(group.form, event);
        }
        return text.empty() ? nullptr : shared(std::move(text));
    }

    void send_ping(Group& group) {
        const SharedBytes ping = shared(stream_ping(group.form));
        const std::scoped_lock lock(mutex);
        drop_members(group, [&](const Reader& reader) { return reader.stream->send(ping); });
    }

    /// Under the lock. Those that are closed, and those of whom `stays` says no.
    template <class Stays>
    void drop_members(Group& group, Stays stays) {
        readers -= std::erase_if(group.members, [&](const ReaderRef& reader) {
            return reader->stream->closed() || !stays(*reader);
        });
    }

    void go_on(const std::shared_ptr<Group>& group) {
        {
            const std::scoped_lock lock(mutex);
            if (group->members.empty()) {
                group->reading = false;
                return;
            }
        }
        wait_for_more(group);
    }

    // ---- Both ----

    [[nodiscard]] static std::function<bool(const StoredEvent&)> keep_for(const Group& group) {
        if (!group.may_read) return {};
        return [may_read = group.may_read](const StoredEvent& event) {
            return may_read(event.message.topic());
        };
    }

    template <class Work>
    void later(milliseconds after, Work work) {
        timers.run(after, [weak = weak_from_this(), work = std::move(work)] {
            const auto self = weak.lock();
            if (self && !self->stopped) work(*self);
        });
    }

    /// It was reading history.
    void leave(const ReaderRef& reader) {
        const std::scoped_lock lock(mutex);
        readers -= alone.erase(reader);
    }

    FabricBridge& bridge;
    Timers& timers;
    std::atomic<std::size_t> readers{0};
    std::atomic<bool> stopped = false;
    std::mutex mutex;  // guards what follows, and the members and positions of groups
    std::map<Key, std::shared_ptr<Group>> groups;
    std::set<ReaderRef> alone;  // those that read history
};

TailGroups::TailGroups(FabricBridge& bridge, Timers& timers)
    : shared_(std::make_shared<Shared>(bridge, timers)) {}

TailGroups::~TailGroups() {
    stop();
}

void TailGroups::add(std::shared_ptr<Stream> stream, Wanted wanted) {
    auto reader = std::make_shared<Shared::Reader>();
    reader->stream = std::move(stream);
    reader->position = wanted.parameters.after;
    // An id alone is one of the journal as it is now.
    if (reader->position.epoch == 0 && reader->position.id != 0) {
        reader->position.epoch = shared_->bridge.journal().epoch;
    }
    reader->wanted = std::move(wanted);
    const Wanted& kept = reader->wanted;
    {
        const std::scoped_lock lock(shared_->mutex);
        if (shared_->stopped) return reader->end(stopping);
        // Groups that nobody is in any more.
        std::erase_if(shared_->groups, [](const auto& entry) {
            return entry.second->members.empty() && !entry.second->reading &&
                   entry.second.use_count() == 1;
        });
        auto& group = shared_->groups[{kept.form, kept.right + "\n" + kept.parameters.filter_text}];
        if (!group) {
            group = std::make_shared<Shared::Group>();
            group->form = kept.form;
            group->filter = kept.parameters.filter;
            group->may_read = kept.may_read;
        }
        reader->group = group;
        shared_->alone.insert(reader);
        ++shared_->readers;
    }
    // The tokens may have changed since it was asked who this is, and review() not have seen it.
    if (!reader->may_stay()) {
        reader->end(let_in_no_more);
        return shared_->leave(reader);
    }
    shared_->read_history(reader);
}

void TailGroups::review() {
    std::vector<Shared::ReaderRef> all;
    {
        const std::scoped_lock lock(shared_->mutex);
        all.assign(shared_->alone.begin(), shared_->alone.end());
        for (const auto& [key, group] : shared_->groups) {
            all.insert(all.end(), group->members.begin(), group->members.end());
        }
    }
    // Who is ended here leaves when it is to be sent something next.
    for (const auto& reader : all) {
        if (!reader->may_stay()) reader->end(let_in_no_more);
    }
}

void TailGroups::stop() {
    if (shared_->stopped.exchange(true)) return;
    const std::scoped_lock lock(shared_->mutex);
    for (const auto& reader : shared_->alone) reader->end(stopping);
    for (const auto& [key, group] : shared_->groups) {
        if (group->ticket != 0) shared_->bridge.forget(group->ticket);
        for (const auto& reader : group->members) reader->end(stopping);
        group->members.clear();
    }
    shared_->alone.clear();
    shared_->groups.clear();
}

std::size_t TailGroups::readers() const {
    return shared_->readers;
}

}  // namespace weft::gateway::native

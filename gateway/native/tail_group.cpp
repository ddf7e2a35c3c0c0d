#include "gateway/native/tail_group.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <utility>
#include <vector>

#include "fabric/message/json_form.hpp"
#include "fabric/message/value.hpp"

namespace weft::gateway::native {
namespace {

using fabric::Value;
using reliability::JournalId;
using reliability::Position;
using std::chrono::milliseconds;

constexpr milliseconds ping_every{15'000};
/// After an error of the journal, and while a reader's own queue is full of history.
constexpr milliseconds again_after{250};
constexpr std::uint64_t page_messages = 500;
/// A reader of history is given no more while so much waits for it to read.
constexpr std::size_t history_ahead = std::size_t{256} * 1024;

SharedBytes shared(std::string text) {
    return std::make_shared<const std::string>(std::move(text));
}

}  // namespace

std::string stream_event(StreamForm form, const StoredEvent& event) {
    const std::string json = fabric::to_json(event.message, event.id);
    if (form == StreamForm::ndjson) return json + "\n";
    return "id: " + std::to_string(event.id) + "\ndata: " + json + "\n\n";
}

std::string stream_gap(StreamForm form, const reliability::JournalGap& gap) {
    const std::string json = fabric::to_json(
        Value(Value::Map{{"gap", Value::Map{{"from", gap.from},
                                            {"to", gap.to},
                                            {"lost", gap.lost ? Value(*gap.lost) : Value{}}}}}));
    if (form == StreamForm::ndjson) return json + "\n";
    return "event: gap\nid: " + std::to_string(gap.to) + "\ndata: " + json + "\n\n";
}

std::string stream_ping(StreamForm form) {
    return form == StreamForm::sse ? ": ping\n\n" : "\n";
}

std::string stream_end(StreamForm form, std::string_view why) {
    const std::string json = fabric::to_json(Value(Value::Map{{"end", why}}));
    if (form == StreamForm::ndjson) return json + "\n";
    return "event: end\ndata: " + json + "\n\n";
}

// One lock for all: what is done under it is short, encoding and sending included for the members
// of a group, who all get the same bytes.
struct TailGroups::Shared : std::enable_shared_from_this<Shared> {
    Shared(FabricBridge& the_bridge, Timers& the_timers) : bridge(the_bridge), timers(the_timers) {}

    struct Group;
    struct Reader {
        std::shared_ptr<Stream> stream;
        StreamForm form;
        ReadParameters parameters;
        std::shared_ptr<Group> group;
        Position position;
    };
    /// Those at the head.
    struct Group {
        StreamForm form;
        reliability::TopicFilter filter;
        std::function<bool(std::string_view)> may_read;
        Position position;  ///< All of them have everything up to here.
        bool reading = false;
        FabricBridge::Ticket ticket = 0;
        std::vector<std::shared_ptr<Stream>> members;
    };
    using Key = std::pair<StreamForm, std::string>;

    // ---- One reader's history ----

    void read_history(const std::shared_ptr<Reader>& reader) {
        if (reader->stream->closed()) return leave();
        if (reader->stream->queued() > history_ahead) {
            return later(again_after, [reader](Shared& self) { self.read_history(reader); });
        }
        ReadRequest request;
        request.after = reader->position;
        request.filter = reader->parameters.filter;
        request.messages = page_messages;
        request.stored_since_us = reader->parameters.stored_since_us;
        if (reader->parameters.last != 0) {
            request.order = ReadRequest::Order::newest;
            request.messages = reader->parameters.last;
        }
        request.keep = keep_for(*reader->group);
        bridge.read(std::move(request),
                    [weak = weak_from_this(), reader](BridgeResult<EventPage> page) {
                        const auto self = weak.lock();
                        if (self) self->on_history(reader, std::move(page));
                    });
    }

    void on_history(const std::shared_ptr<Reader>& reader, BridgeResult<EventPage> page) {
        if (stopped) return;
        if (!page) {
            return later(again_after, [reader](Shared& self) { self.read_history(reader); });
        }
        std::string text;
        if (page->gap) text += stream_gap(reader->form, *page->gap);
        if (reader->parameters.last != 0) {
            // The newest come first; the head that they were read at is where it goes on.
            reader->parameters.last = 0;
            std::reverse(page->events.begin(), page->events.end());
            page->next = {page->next.epoch, page->head};
            page->at_head = false;
        }
        reader->parameters.stored_since_us = 0;
        for (const StoredEvent& event : page->events) text += stream_event(reader->form, event);
        if (!text.empty() && !reader->stream->send(shared(std::move(text)))) return leave();
        reader->position = page->next;
        if (!page->at_head || !join(*reader)) read_history(reader);
    }

    /// False: it is not where the group is.
    bool join(Reader& reader) {
        std::shared_ptr<Group> group = reader.group;
        {
            const std::scoped_lock lock(mutex);
            if (stopped) return true;
            if (group->members.empty() && !group->reading) {
                group->position = reader.position;
            } else if (group->position.id != reader.position.id ||
                       group->position.epoch != reader.position.epoch) {
                // One that is ahead of the group waits for it: nothing is lost by that.
                if (reader.position.id > group->position.id) return join_ahead(reader);
                return false;
            }
            group->members.push_back(reader.stream);
            if (group->reading) return true;
            group->reading = true;
        }
        wait_for_more(group);
        return true;
    }

    /// The group has not come so far yet: the reader looks again in a moment. Under the lock.
    bool join_ahead(Reader& reader) {
        auto copy = std::make_shared<Reader>(reader);
        later(milliseconds{5}, [copy](Shared& self) {
            if (copy->stream->closed()) return self.leave();
            if (!self.join(*copy)) self.read_history(copy);
        });
        return true;
    }

    // ---- The group at the head ----

    void wait_for_more(const std::shared_ptr<Group>& group) {
        group->ticket = bridge.wait(group->position.id, group->filter, ping_every,
                                    [weak = weak_from_this(), group](Woken woken) {
                                        const auto self = weak.lock();
                                        if (self) self->on_woken(group, woken);
                                    });
    }

    void on_woken(const std::shared_ptr<Group>& group, Woken woken) {
        if (stopped || woken == Woken::stopped) return;
        if (woken == Woken::full) {
            return later(again_after, [group](Shared& self) { self.read_live(group); });
        }
        if (woken == Woken::stored) return read_live(group);
        send_to_all(*group, stream_ping(group->form), group->position);
        go_on(group);
    }

    void read_live(const std::shared_ptr<Group>& group) {
        ReadRequest request;
        request.after = group->position;
        request.filter = group->filter;
        request.messages = page_messages;
        request.keep = keep_for(*group);
        bridge.read(std::move(request),
                    [weak = weak_from_this(), group](BridgeResult<EventPage> page) {
                        const auto self = weak.lock();
                        if (self) self->on_live(group, std::move(page));
                    });
    }

    void on_live(const std::shared_ptr<Group>& group, BridgeResult<EventPage> page) {
        if (stopped) return;
        if (!page) return later(again_after, [group](Shared& self) { self.read_live(group); });
        std::string text;
        if (page->gap) text += stream_gap(group->form, *page->gap);
        for (const StoredEvent& event : page->events) text += stream_event(group->form, event);
        send_to_all(*group, std::move(text), page->next);
        if (!page->at_head) {
            read_live(group);
        } else {
            go_on(group);
        }
    }

    void send_to_all(Group& group, std::string text, Position position) {
        const SharedBytes bytes = text.empty() ? nullptr : shared(std::move(text));
        std::size_t gone = 0;
        {
            const std::scoped_lock lock(mutex);
            group.position = position;
            gone = std::erase_if(group.members, [&](const std::shared_ptr<Stream>& stream) {
                return stream->closed() || (bytes && !stream->send(bytes));
            });
        }
        leave(gone);
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

    void leave(std::size_t count = 1) { readers -= count; }

    FabricBridge& bridge;
    Timers& timers;
    std::atomic<std::size_t> readers{0};
    std::atomic<bool> stopped = false;
    std::mutex mutex;  // guards the groups and what is in them
    std::map<Key, std::shared_ptr<Group>> groups;
};

TailGroups::TailGroups(FabricBridge& bridge, Timers& timers)
    : shared_(std::make_shared<Shared>(bridge, timers)) {}

TailGroups::~TailGroups() {
    stop();
}

void TailGroups::add(std::shared_ptr<Stream> stream, StreamForm form, ReadParameters parameters,
                     std::string right, std::function<bool(std::string_view topic)> may_read) {
    auto reader = std::make_shared<Shared::Reader>();
    {
        const std::scoped_lock lock(shared_->mutex);
        if (shared_->stopped) return stream->end();
        // Groups that nobody is in any more.
        std::erase_if(shared_->groups, [](const auto& entry) {
            return entry.second->members.empty() && !entry.second->reading &&
                   entry.second.use_count() == 1;
        });
        auto& group = shared_->groups[{form, right + "\n" + parameters.filter_text}];
        if (!group) {
            group = std::make_shared<Shared::Group>();
            group->form = form;
            group->filter = parameters.filter;
            group->may_read = std::move(may_read);
        }
        reader->group = group;
    }
    ++shared_->readers;
    reader->stream = std::move(stream);
    reader->form = form;
    reader->position = parameters.after;
    reader->parameters = std::move(parameters);
    shared_->read_history(reader);
}

void TailGroups::stop() {
    if (shared_->stopped.exchange(true)) return;
    const std::scoped_lock lock(shared_->mutex);
    for (const auto& [key, group] : shared_->groups) {
        const SharedBytes word = shared(stream_end(group->form, "the gateway stops; come back"));
        if (group->ticket != 0) shared_->bridge.forget(group->ticket);
        for (const auto& stream : group->members) {
            if (stream->send(word)) stream->end();
        }
        group->members.clear();
    }
    shared_->groups.clear();
}

std::size_t TailGroups::readers() const {
    return shared_->readers;
}

}  // namespace weft::gateway::native

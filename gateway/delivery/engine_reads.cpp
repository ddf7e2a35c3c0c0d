// From the journal to couriers. A page that many subscriptions of the same topics want is read, and
// its signatures are checked, once: who asks while it is being read, or soon after, is given the
// same. What a subscription wants of it is its own matter.

#include <algorithm>

#include "gateway/delivery/engine_core.hpp"

namespace weft::gateway::delivery {

using reliability::JournalId;

namespace {

constexpr std::chrono::milliseconds wait_at_most{60'000};
constexpr std::size_t fetch_bytes = std::size_t{64} << 20;
constexpr std::size_t pages_kept = 64, page_bytes_kept = std::size_t{256} << 10;

bool is_small(const EventPage& page) {
    std::size_t bytes = 0;
    for (const StoredEvent& event : page.events) bytes += event.message.content().size();
    return bytes <= page_bytes_kept;
}

}  // namespace

void LiveEngine::Core::start_read(Entry& entry, const Courier::Read& read) {
    const PageKey key{entry.globs, read.after.epoch, read.after.id, read.messages, read.bytes};
    if (const auto kept = pages.find(key); kept != pages.end()) {
        const EventPage& page = **kept->second;
        // One that ended at the head is as good as new until something follows it.
        if (!page.at_head || parts.bridge.nothing_after(page.next.id, entry.filter)) {
            post([this, serial = entry.serial, token = read.token, page = kept->second] {
                take_page(serial, token, *page);
            });
            return;
        }
        pages.erase(kept);
    }
    auto& readers = reading[key];
    readers.push_back({entry.serial, read.token});
    if (readers.size() > 1) return;
    ReadRequest request;
    request.after = read.after;
    request.filter = entry.filter;
    request.messages = read.messages;
    request.bytes = read.bytes;
    ++page_reads;
    const auto answered = [weak = weak_from_this(), key](BridgeResult<EventPage> page) {
        const auto self = weak.lock();
        if (!self) return;
        auto shared = std::make_shared<const BridgeResult<EventPage>>(std::move(page));
        self->post([core = self.get(), key, shared] { core->on_page(key, shared); });
    };
    parts.bridge.read(std::move(request), answered);
}

void LiveEngine::Core::on_page(const PageKey& key, const SharedPage& page) {
    const auto found = reading.find(key);
    if (found == reading.end()) return;
    const std::vector<Reader> readers = std::move(found->second);
    reading.erase(found);
    // An empty one says nothing that lasts: who was woken would be given it again and again.
    if (*page && !(*page)->events.empty() && is_small(**page)) {
        if (pages.size() >= pages_kept) pages.clear();
        pages[key] = page;
    }
    for (const Reader& reader : readers) take_page(reader.serial, reader.token, *page);
}

void LiveEngine::Core::take_page(std::uint64_t serial, std::uint64_t token,
                                 const BridgeResult<EventPage>& page) {
    Entry* entry = find(serial);
    if (entry == nullptr) return;
    Courier& courier = entry->courier;
    if (!page || entry->presenter == nullptr) {
        courier.on_read_failed(token, moment());
        return pump(*entry);
    }
    std::vector<StoredEvent> wanted;
    for (const StoredEvent& event : page->events) {
        if (interested(*entry->interests, event) &&
            entry->presenter->wants(courier.subscription(), event)) {
            wanted.push_back(event);
        }
    }
    courier.on_page(token, std::move(wanted), *page, moment());
    pump(*entry);
}

void LiveEngine::Core::start_wait(Entry& entry, const Courier::Read& read) {
    const std::uint64_t serial = entry.serial;
    entry.waiter =
        parts.bridge.wait(read.after.id, entry.filter, wait_at_most,
                          [weak = weak_from_this(), serial, token = read.token](Woken woken) {
                              const auto self = weak.lock();
                              if (!self) return;
                              self->post([core = self.get(), serial, token, woken] {
                                  Entry* found = core->find(serial);
                                  if (found == nullptr) return;
                                  if (woken == Woken::stored || woken == Woken::timeout) {
                                      found->courier.woken(token);
                                  } else {
                                      found->courier.on_read_failed(token, core->moment());
                                  }
                                  core->pump(*found);
                              });
                          });
}

void LiveEngine::Core::start_fetch(Entry& entry, Courier::Fetch fetch) {
    ReadRequest request;
    auto ids = std::make_shared<const std::vector<JournalId>>(std::move(fetch.ids));
    request.after.id = ids->front() - 1;
    request.through = ids->back();
    request.messages = ids->size();
    request.bytes = fetch_bytes;
    request.keep = [ids](const StoredEvent& event) {
        return std::binary_search(ids->begin(), ids->end(), event.id);
    };
    parts.bridge.read(std::move(request), [weak = weak_from_this(), serial = entry.serial,
                                           delivery = std::move(fetch.delivery)](
                                              BridgeResult<EventPage> page) {
        const auto self = weak.lock();
        if (!self) return;
        auto shared = std::make_shared<BridgeResult<EventPage>>(std::move(page));
        self->post([core = self.get(), serial, delivery, shared] {
            Entry* found = core->find(serial);
            if (found == nullptr) return;
            if (*shared) {
                found->courier.on_fetched(delivery, std::move((*shared)->events), core->moment());
            } else {
                found->courier.on_fetch_failed(delivery, core->moment());
            }
            core->pump(*found);
        });
    });
}

}  // namespace weft::gateway::delivery

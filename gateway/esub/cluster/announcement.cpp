#include "gateway/esub/cluster/announcement.hpp"

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

namespace weft::gateway::esub {
namespace {

using fabric::Value;

constexpr std::array<std::string_view, 4> types{"beat", "delta", "full", "ask"};
constexpr std::size_t text_max = 4096, entries_max = 2 * announced_max;

bool read_open(const Value& value, OpenKey& open) {
    const Value::List* fields = value.list();
    if (fields == nullptr || fields->size() < 6) return false;
    const auto& [kind, key, hash, shared, sid, stamp] = std::tie(
        (*fields)[0], (*fields)[1], (*fields)[2], (*fields)[3], (*fields)[4], (*fields)[5]);
    const std::int64_t which = kind.integer_or(-1);
    if (which != 0 && which != 1) return false;
    if (key.binary() == nullptr || hash.text() == nullptr) return false;
    if (key.binary()->bytes.empty() || key.binary()->bytes.size() > text_max) return false;
    if (!hash.text()->empty() && hash.text()->size() != 64) return false;
    open.kind = which == 0 ? Kind::sub : Kind::psub;
    open.key = key.binary()->bytes;
    open.token_hash = *hash.text();
    open.shared = shared.flag() != nullptr && *shared.flag();
    const std::int64_t number = sid.integer_or(-1), since = stamp.integer_or(-1);
    if (number < 0 || since < 0) return false;
    open.sid = static_cast<std::uint64_t>(number);
    open.stamp_us = static_cast<std::uint64_t>(since);
    return true;
}

}  // namespace

bool is_address(std::string_view text) noexcept {
    const std::string_view place = host_port_of(text);
    return text.size() <= 255 && !place.empty() && place.find(':') != std::string_view::npos &&
           std::all_of(text.begin(), text.end(), [](char byte) {
               return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                      (byte >= '0' && byte <= '9') ||
                      std::string_view{".-:[]_/%~"}.find(byte) != std::string_view::npos;
           });
}

std::string_view host_port_of(std::string_view address) noexcept {
    return address.substr(0, address.find('/'));
}

Value encode(const Announcement& announcement) {
    Value::List open, done;
    for (const OpenKey& key : announcement.open) {
        open.emplace_back(Value::List{key.kind == Kind::sub ? 0 : 1, fabric::Binary{key.key},
                                      key.token_hash, key.shared, key.sid, key.stamp_us});
    }
    for (const std::uint64_t sid : announcement.done) done.emplace_back(sid);
    return Value::Map{{"type", types[static_cast<std::size_t>(announcement.type)]},
                      {"epoch", announcement.epoch},
                      {"seq", announcement.seq},
                      {"addr", announcement.address},
                      {"keys", announcement.keys},
                      {"open", std::move(open)},
                      {"done", std::move(done)},
                      {"part", announcement.part},
                      {"parts", announcement.parts},
                      {"to", announcement.to}};
}

tl::expected<Announcement, std::string> decode_announcement(const Value& value) {
    const auto wrong = [](const char* what) {
        return tl::make_unexpected(std::string{"an announcement of esub needs "} + what);
    };
    Announcement read;
    const auto* const type = std::find(types.begin(), types.end(), value["type"].text_or(""));
    if (type == types.end()) return wrong("a type: beat, delta, full or ask");
    read.type = static_cast<Announcement::Type>(type - types.begin());
    const std::int64_t epoch = value["epoch"].integer_or(-1), seq = value["seq"].integer_or(-1);
    if (epoch < 0 || seq < 0) return wrong("an epoch and a seq, numbers from 0");
    read.epoch = static_cast<std::uint64_t>(epoch);
    read.seq = static_cast<std::uint64_t>(seq);
    read.address = value["addr"].text_or("");
    read.to = value["to"].text_or("");
    if (!read.address.empty() && !is_address(read.address)) return wrong("host:port as its addr");
    if (read.to.size() > 300) return wrong("a short name of whom it asks");
    read.keys = static_cast<std::uint64_t>(std::max<std::int64_t>(value["keys"].integer_or(0), 0));
    const std::int64_t part = value["part"].integer_or(0), parts = value["parts"].integer_or(1);
    if (parts < 1 || parts > 1000 || part < 0 || part >= parts) return wrong("part below parts");
    read.part = static_cast<std::uint32_t>(part);
    read.parts = static_cast<std::uint32_t>(parts);
    if (const Value::List* open = value["open"].list()) {
        if (open->size() > entries_max) return wrong("at most 4,000 keys");
        read.open.resize(open->size());
        for (std::size_t i = 0; i < open->size(); ++i) {
            if (!read_open((*open)[i], read.open[i])) return wrong("open keys of six fields");
        }
    }
    if (const Value::List* done = value["done"].list()) {
        if (done->size() > entries_max) return wrong("at most 4,000 sids");
        for (const Value& sid : *done) {
            read.done.push_back(static_cast<std::uint64_t>(sid.integer_or(0)));
        }
    }
    return read;
}

}  // namespace weft::gateway::esub

#include "gateway/esub/cluster/roster.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace weft::gateway::esub {
namespace {

constexpr std::size_t on_fabric_max = 1000, turns_max = 10'000;

}  // namespace

Roster::Roster(std::string self, const Rules& rules)
    : local(rules.clustered),
      directory(self, rules.limits),
      self_(std::move(self)),
      rules_(rules) {}

void Roster::begin(std::uint64_t epoch, fabric::Instant now) {
    epoch_ = epoch;
    next_beat_ = now;
    last_full_ = now - rules_.full_every;
}

void Roster::use_address(std::string address) {
    address_ = std::move(address);
    address_is_new_ = true;
}

std::vector<Roster::Lost> Roster::hear(const std::string& node, const Announcement& said,
                                       fabric::Instant now, std::uint64_t now_us) {
    std::vector<Lost> lost;
    if (node == self_) return lost;
    if (on_fabric_.size() < on_fabric_max) on_fabric_.insert(node);
    const Directory::Heard heard = directory.hear(node, said, now, now_us);
    if (heard.ask) to_ask_.push_back(node);
    if (heard.asks_us) full_wanted_ = true;
    // What is not counted as one of its keys takes nothing away either.
    if (!heard.counts) return lost;
    for (const OpenKey& open : said.open) {
        const auto held = local.find(open.kind, open.key);
        if (!held || held->shared || open.shared) continue;
        if (std::tie(held->stamp_us, self_) < std::tie(open.stamp_us, node)) {
            lost.push_back({open.kind, open.key, held->id});
        }
    }
    return lost;
}

std::optional<Directory::Heard> Roster::hear_outsider(const std::string& node,
                                                      const Announcement& said, fabric::Instant now,
                                                      std::uint64_t now_us) {
    if (node == self_ || on_fabric_.contains(node)) return std::nullopt;
    return directory.hear(node, said, now, now_us);
}

bool Roster::is_due(fabric::Instant now) const {
    return local.has_changes() || !to_ask_.empty() || address_is_new_ ||
           (full_wanted_ && now - last_full_ >= rules_.full_every);
}

std::vector<Announcement> Roster::due(fabric::Instant now) {
    std::vector<Announcement> said;
    say_changes(said);
    if (full_wanted_ && now - last_full_ >= rules_.full_every) {
        full_wanted_ = false;
        last_full_ = now;
        say_everything(said, local.all());
    }
    for (std::string& node : std::exchange(to_ask_, {})) {
        Announcement ask;
        ask.type = Announcement::Type::ask;
        ask.to = std::move(node);
        say(said, std::move(ask));
    }
    if (std::exchange(address_is_new_, false) || now >= next_beat_) {
        say(said, {});
        next_beat_ = now + rules_.beat;
    }
    directory.expire(now);
    return said;
}

std::vector<Announcement> Roster::farewell() {
    std::vector<Announcement> said;
    ++seq_;
    say_everything(said, {});
    return said;
}

void Roster::say(std::vector<Announcement>& said, Announcement announcement) const {
    announcement.epoch = epoch_;
    announcement.seq = seq_;
    announcement.address = address_;
    announcement.keys = local.size();
    said.push_back(std::move(announcement));
}

void Roster::say_changes(std::vector<Announcement>& said) {
    LocalKeys::Changes changes = local.take_changes();
    std::size_t open = 0, done = 0;
    while (open < changes.open.size() || done < changes.done.size()) {
        Announcement delta;
        delta.type = Announcement::Type::delta;
        while (open < changes.open.size() && delta.open.size() < announced_max) {
            delta.open.push_back(std::move(changes.open[open++]));
        }
        while (done < changes.done.size() && delta.done.size() < announced_max) {
            delta.done.push_back(changes.done[done++]);
        }
        ++seq_;
        say(said, std::move(delta));
    }
}

void Roster::say_everything(std::vector<Announcement>& said,
                            std::vector<OpenKey> everything) const {
    const std::size_t parts =
        std::max<std::size_t>((everything.size() + announced_max - 1) / announced_max, 1);
    for (std::size_t part = 0; part < parts; ++part) {
        Announcement full;
        full.type = Announcement::Type::full;
        full.part = static_cast<std::uint32_t>(part);
        full.parts = static_cast<std::uint32_t>(parts);
        const std::size_t end = std::min(everything.size(), (part + 1) * announced_max);
        for (std::size_t i = part * announced_max; i < end; ++i) {
            full.open.push_back(std::move(everything[i]));
        }
        say(said, std::move(full));
    }
}

bool Roster::takes_turn_elsewhere(std::string_view key) {
    const std::size_t here = local.pooled(key);
    if (here == 0) return false;
    const std::size_t there = directory.pooled(key);
    if (there == 0) return false;
    if (turns_.size() >= turns_max) turns_.clear();
    return turns_[std::string{key}]++ % (here + there) >= here;
}

}  // namespace weft::gateway::esub

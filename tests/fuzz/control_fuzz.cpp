// Subscriptions of strangers, beside a model that keeps them in a list: the table gives the same
// answers, and says when they may have changed.
//
//   input, again and again:  u8 subscribe (odd) or not | u8 length, prefix

#include <algorithm>
#include <cassert>
#include <string>
#include <vector>

#include "fabric/node/control.hpp"
#include "fabric/node/subscription_table.hpp"
#include "signing/wire.hpp"
#include "tests/fuzz/targets.hpp"

namespace weft::fuzz {
namespace {

class Model {
public:
    void add(std::string_view prefix) { prefixes_.emplace_back(prefix); }
    void remove(std::string_view prefix) {
        const auto found = std::find(prefixes_.begin(), prefixes_.end(), prefix);
        if (found != prefixes_.end()) prefixes_.erase(found);
    }
    /// Topics have at most 255 bytes, and control is none.
    [[nodiscard]] bool matches(std::string_view topic) const {
        return std::any_of(prefixes_.begin(), prefixes_.end(), [&](const std::string& prefix) {
            return !fabric::is_control(prefix) && prefix.size() <= 255 && topic.starts_with(prefix);
        });
    }
    [[nodiscard]] std::size_t peers() const {
        return static_cast<std::size_t>(
            std::count(prefixes_.begin(), prefixes_.end(), fabric::barrier_prefix));
    }

private:
    std::vector<std::string> prefixes_;
};

void check_nonces(std::string_view topic) {
    int found = 0;
    for (const std::string_view prefix :
         {fabric::barrier_prefix, fabric::echo_prefix, fabric::probe_prefix}) {
        const std::string_view nonce = fabric::nonce_of(topic, prefix);
        if (nonce.empty()) continue;
        ++found;
        assert(fabric::is_control(topic) && nonce.size() == fabric::nonce_bytes);
        assert(std::string(prefix).append(nonce) == topic);
    }
    assert(found <= 1);
}

}  // namespace

void control(std::string_view input) {
    fabric::SubscriptionTable table;
    Model model;
    signing::WireReader reader(input);
    while (reader.remaining() > 0) {
        const bool subscribe = reader.u8() % 2 == 1;
        const std::size_t size = reader.u8();
        const std::string prefix{reader.bytes(std::min(size, reader.remaining()))};
        check_nonces(prefix);
        const std::vector<std::string> topics{"org.weft.dev.a", prefix, prefix + "x",
                                              prefix.substr(0, prefix.size() / 2)};
        const std::uint64_t generation = table.generation();
        std::vector<bool> before;
        for (const std::string& topic : topics) before.push_back(table.matches(topic));

        subscribe ? table.add(prefix) : table.remove(prefix);
        subscribe ? model.add(prefix) : model.remove(prefix);
        assert(table.peers() == model.peers() && !table.overflowed());
        for (std::size_t i = 0; i < topics.size(); ++i) {
            if (topics[i].size() > 255) continue;
            assert(table.matches(topics[i]) == model.matches(topics[i]));
            if (generation == table.generation()) assert(table.matches(topics[i]) == before[i]);
        }
    }
}

}  // namespace weft::fuzz

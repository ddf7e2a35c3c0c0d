#include "gateway/rse/reach.hpp"

#include <utility>

#include "fabric/message/topic.hpp"
#include "gateway/rse/event.hpp"

namespace weft::gateway::rse {
namespace {

/// Granted a channel and everything below it, whatever it is called.
bool may_read_below(const Principal& who, const std::string& topic) {
    return who.may_read(topic) && who.may_read(topic + ".~") && who.may_read(topic + ".~.~");
}

}  // namespace

std::vector<std::string> globs_of(const ChannelTopics& topics, const Reach& reach) {
    if (reach.parameters.scope == Scope::all) {
        if (!may_read_below(reach.who, topics.topic_of(reach.channel))) return {};
        return {topics.glob_within(reach.channel)};
    }
    auto levels = reach.channel.with_ancestors();
    if (reach.parameters.scope == Scope::exact) levels.resize(1, reach.channel);
    std::vector<std::string> globs;
    for (const Channel& level : levels) {
        std::string topic = topics.topic_of(level);
        if (topic.size() <= fabric::Topic::bytes_max && reach.who.may_read(topic)) {
            globs.push_back(std::move(topic));
        }
    }
    return globs;
}

std::function<bool(const StoredEvent&)> keep_of(const std::shared_ptr<RseHandler::Core>& core,
                                                const Reach& reach) {
    return [core, all = reach.parameters.scope == Scope::all, channel = reach.channel.quoted(),
            who = reach.who, uuid = reach.parameters.echo ? std::string{} : reach.client.uuid](
               const StoredEvent& event) {
        if (is_own(event.message, uuid)) return false;
        if (!all) return true;
        const auto name = core->topics.channel_of(event.message);
        return name && is_within(*name, channel) && who.may_read(event.message.topic());
    };
}

}  // namespace weft::gateway::rse

#include "reliability/hub/plugin_host.hpp"

#include <utility>

#include "fabric/message/json_form.hpp"
#include "fabric/node/current_message.hpp"
#include "reliability/hub/line_cutter.hpp"

namespace weft::reliability::hub {
/// A call of the plugin that close() waits for.
class PluginHost::Visit {
public:
    explicit Visit(PluginHost& host) : host_(host) {
        const std::scoped_lock lock(host.mutex_);
        welcome_ = !host.closed_;
        if (welcome_) ++host.inside_;
    }
    ~Visit() {
        if (!welcome_) return;
        const std::scoped_lock lock(host_.mutex_);
        --host_.inside_;
        host_.left_.notify_all();
    }
    Visit(const Visit&) = delete;
    Visit& operator=(const Visit&) = delete;
    [[nodiscard]] bool welcome() const noexcept { return welcome_; }

private:
    PluginHost& host_;
    bool welcome_ = false;
};

PluginHost::PluginHost(const ConsumerSettings& settings, Surroundings& surroundings)
    : name_(settings.name),
      hub_(surroundings.hub_name()),
      settings_(settings.settings_json),
      surroundings_(surroundings) {}

void PluginHost::say(Surroundings::Level level, std::string_view text) {
    const Visit visit(*this);
    if (visit.welcome()) log_lines(surroundings_, level, name_, text);
}

std::string PluginHost::publish(const plugin::Outgoing& message) {
    const Visit visit(*this);
    if (!visit.welcome()) {
        throw plugin::PublishFailed("the consumer has been stopped; publish before stop() returns");
    }
    if (message.content_type == "application/json") {
        if (const auto json = fabric::compact_json(message.body); !json) {
            throw plugin::PublishFailed("the body is not JSON: " + json.error() +
                                        " Name its content_type if it is something else.");
        }
    }
    Wanted wanted;
    wanted.topic = message.topic;
    wanted.body = message.body;
    if (message.content_type != "application/msgpack") wanted.content_type = message.content_type;
    wanted.headers = message.headers;
    wanted.durable = message.durable;
    const auto id = surroundings_.publish(wanted, fabric::CurrentMessage::id());
    if (!id) throw plugin::PublishFailed(id.error());
    return id->text();
}

void PluginHost::close(std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex_);
    closed_ = true;
    left_.wait_for(lock, patience, [&] { return inside_ == 0; });
}

void log_lines(Surroundings& surroundings, Surroundings::Level level, std::string_view consumer,
               std::string_view text) {
    LineCutter lines(PluginHost::line_bytes_max, [&](std::string_view line, bool cut) {
        log_line(surroundings, level, consumer, line, cut);
    });
    lines.take(text);
    lines.finish();
}

void log_line(Surroundings& surroundings, Surroundings::Level level, std::string_view consumer,
              std::string_view line, bool cut) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    cut = cut || line.size() > PluginHost::line_bytes_max;
    if (!cut) return surroundings.log(level, consumer, line);
    const std::string shown{line.substr(0, PluginHost::line_bytes_max)};
    surroundings.log(level, consumer, shown + " ... (the line is longer)");
}

}  // namespace weft::reliability::hub

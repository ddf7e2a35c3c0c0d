#include "reliability/hub/plugin_message.hpp"

#include "fabric/message/json_form.hpp"
#include "reliability/hub/value_path.hpp"

namespace weft::reliability::hub {
namespace {

template <class Kept, class Make>
const Kept& made_once(std::optional<Kept>& kept, Make make) {
    if (!kept) kept = make();
    return *kept;
}

}  // namespace

std::string_view PluginMessage::id() const {
    return made_once(id_, [&] { return message_.id().text(); });
}

std::string_view PluginMessage::parent() const {
    return made_once(parent_,
                     [&] { return message_.parent() ? message_.parent()->text() : std::string{}; });
}

std::string_view PluginMessage::body_json() const {
    return made_once(body_json_, [&] { return fabric::body_to_json(message_); });
}

std::string_view PluginMessage::json() const {
    return made_once(json_, [&] { return fabric::to_json(message_); });
}

const fabric::Value* PluginMessage::at(std::string_view path) const {
    return find(made_once(value_, [&] { return message_.value(); }), path);
}

std::optional<std::string> PluginMessage::text(std::string_view path) const {
    const fabric::Value* const value = at(path);
    if (value == nullptr || value->text() == nullptr) return std::nullopt;
    return *value->text();
}

std::optional<std::int64_t> PluginMessage::integer(std::string_view path) const {
    const fabric::Value* const value = at(path);
    if (value == nullptr || value->signed_number() == nullptr) return std::nullopt;
    return *value->signed_number();
}

std::optional<double> PluginMessage::number(std::string_view path) const {
    const fabric::Value* const value = at(path);
    return value == nullptr ? std::nullopt : number_of(*value);
}

std::optional<bool> PluginMessage::flag(std::string_view path) const {
    const fabric::Value* const value = at(path);
    if (value == nullptr || value->flag() == nullptr) return std::nullopt;
    return *value->flag();
}

}  // namespace weft::reliability::hub

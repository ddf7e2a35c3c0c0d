#include "fabric/message/topic.hpp"

#include "signing/refusal.hpp"
#include "signing/topic_glob.hpp"

namespace weft::fabric {

tl::expected<Topic, std::string> Topic::parse(std::string_view text) {
    std::string wrong = signing::topic_error(text);
    if (!wrong.empty()) {
        return tl::make_unexpected("topic '" + signing::escape(text, 80) + "': " + wrong);
    }
    return Topic{std::string{text}};
}

std::string TopicSpace::complete(std::string_view text) const {
    const bool full = text == prefix || (text.starts_with(prefix) && text.size() > prefix.size() &&
                                         text[prefix.size()] == '.');
    return full ? std::string{text} : root() + "." + std::string{text};
}

std::string TopicSpace::complete_glob(std::string_view text) const {
    const std::string_view first = text.substr(0, text.find('.'));
    if (first.find_first_of("*?[") != std::string_view::npos) return std::string{text};
    return complete(text);
}

}  // namespace weft::fabric

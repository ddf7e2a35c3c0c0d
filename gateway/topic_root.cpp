#include "gateway/topic_root.hpp"

#include "signing/topic_glob.hpp"

namespace weft::gateway {
namespace {

/// Leaves room for a dot and the longest name, and for the hash of a long channel.
constexpr std::size_t root_bytes_max = 160;

}  // namespace

std::string read_topic_root(const config::Section& whole, std::string_view protocol) {
    const std::string key = "gateway." + std::string{protocol} + ".topic_root";
    std::string root = whole.text("topic_prefix") + "." + whole.text("environment");
    if (const std::string below = whole.text(key); !below.empty()) root += "." + below;
    const auto glob = signing::TopicGlob::parse(root);
    if (!glob || !glob->is_literal() || root.size() > root_bytes_max) {
        whole.refuse(key, "the topics would begin with " + config::in_quotes(root) +
                              "; that must be tokens between dots, without wildcards, of at most " +
                              std::to_string(root_bytes_max) + " bytes");
    }
    return root;
}

}  // namespace weft::gateway

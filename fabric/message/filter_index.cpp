#include "fabric/message/filter_index.hpp"

#include <algorithm>
#include <cassert>
#include <functional>
#include <map>
#include <string>
#include <utility>

namespace weft::fabric {

/// A trie over the tokens of globs. A way from the root to a node is a glob; its handles stand in
/// the node.
struct FilterIndex::Node {
    struct Wildcard {
        TopicGlob token;  // one token with *, ? or [ ]
        std::unique_ptr<Node> node;
    };

    std::map<std::string, std::unique_ptr<Node>, std::less<>> literals;
    std::vector<Wildcard> wildcards;
    std::unique_ptr<Node> any_tokens;  // "**"
    bool takes_any_token = false;      // this node is the "**" of its parent
    std::vector<Handle> handles;

    [[nodiscard]] bool unused() const {
        return literals.empty() && wildcards.empty() && !any_tokens && handles.empty();
    }
};

namespace {

/// The first token of `text`, which is shortened by it and its dot. Once nothing is left, `text`
/// becomes a view of null: an empty view may still be the empty last token of a bad topic.
std::string_view take_token(std::string_view& text) {
    const std::size_t dot = text.find('.');
    const std::string_view token = text.substr(0, dot);
    text = dot == std::string_view::npos ? std::string_view{} : text.substr(dot + 1);
    return token;
}

bool has_wildcard(std::string_view token) {
    return token.find_first_of("*?[") != std::string_view::npos;
}

}  // namespace

FilterIndex::FilterIndex() = default;
FilterIndex::~FilterIndex() = default;
FilterIndex::FilterIndex(FilterIndex&& other) noexcept
    : root_(std::move(other.root_)), size_(std::exchange(other.size_, 0)) {}
FilterIndex& FilterIndex::operator=(FilterIndex&& other) noexcept {
    root_ = std::move(other.root_);
    size_ = std::exchange(other.size_, 0);
    return *this;
}

struct FilterIndex::Access {
    /// The child for one token of a glob; made if it is not there and `make` is set.
    static std::unique_ptr<Node>* child(Node& node, std::string_view token, bool make) {
        if (token == "**") {
            if (!node.any_tokens && make) {
                node.any_tokens = std::make_unique<Node>();
                node.any_tokens->takes_any_token = true;
            }
            return node.any_tokens ? &node.any_tokens : nullptr;
        }
        if (!has_wildcard(token)) {
            auto found = node.literals.find(token);
            if (found == node.literals.end()) {
                if (!make) return nullptr;
                found = node.literals.emplace(token, std::make_unique<Node>()).first;
            }
            return &found->second;
        }
        for (auto& wildcard : node.wildcards) {
            if (wildcard.token.text() == token) return &wildcard.node;
        }
        if (!make) return nullptr;
        auto glob = TopicGlob::parse(token);
        assert(glob);  // each token of a glob is a glob
        node.wildcards.push_back({*std::move(glob), std::make_unique<Node>()});
        return &node.wildcards.back().node;
    }

    static void drop_unused_child(Node& node, std::string_view token) {
        if (token == "**") {
            if (node.any_tokens->unused()) node.any_tokens.reset();
        } else if (!has_wildcard(token)) {
            const auto found = node.literals.find(token);
            if (found->second->unused()) node.literals.erase(found);
        } else {
            std::erase_if(node.wildcards,
                          [](const Node::Wildcard& wildcard) { return wildcard.node->unused(); });
        }
    }

    /// Recursion as deep as the glob has tokens: at most 128.
    static bool remove(Node& node, std::string_view rest, Handle handle) {
        if (rest.data() == nullptr) {
            const auto found = std::find(node.handles.begin(), node.handles.end(), handle);
            if (found == node.handles.end()) return false;
            node.handles.erase(found);
            return true;
        }
        const std::string_view token = take_token(rest);
        std::unique_ptr<Node>* next = child(node, token, false);
        if (next == nullptr || !remove(**next, rest, handle)) return false;
        drop_unused_child(node, token);
        return true;
    }

    /// The nodes whose globs match the topic, found by going down all ways at once, so that several
    /// "**" in one glob never multiply the ways. Valid until the calling thread's next call.
    static const std::vector<const Node*>& matching(const Node& root, std::string_view topic) {
        thread_local std::vector<const Node*> current, next;
        current.clear();
        enter(root, current);
        while (topic.data() != nullptr && !current.empty()) {
            const std::string_view token = take_token(topic);
            next.clear();
            bool ways_may_meet = false;
            for (const Node* node : current) {
                if (node->takes_any_token) {
                    next.push_back(node);
                    ways_may_meet = true;
                }
                const auto literal = node->literals.find(token);
                if (literal != node->literals.end()) enter(*literal->second, next);
                for (const auto& wildcard : node->wildcards) {
                    if (wildcard.token.matches(token)) enter(*wildcard.node, next);
                }
            }
            if (ways_may_meet) {
                std::sort(next.begin(), next.end(), std::less<>{});
                next.erase(std::unique(next.begin(), next.end()), next.end());
            }
            std::swap(current, next);
        }
        return current;
    }

private:
    /// A "**" matches no token too, so whoever reaches a node also reaches the "**" below it.
    static void enter(const Node& node, std::vector<const Node*>& nodes) {
        const Node* reached = &node;
        while (reached != nullptr) {
            nodes.push_back(reached);
            reached = reached->any_tokens.get();
        }
    }
};

void FilterIndex::add(const TopicGlob& glob, Handle handle) {
    if (!root_) root_ = std::make_unique<Node>();
    Node* node = root_.get();
    for (std::string_view rest = glob.text(); rest.data() != nullptr;) {
        node = Access::child(*node, take_token(rest), true)->get();
    }
    node->handles.push_back(handle);
    ++size_;
}

bool FilterIndex::remove(const TopicGlob& glob, Handle handle) {
    if (!root_ || !Access::remove(*root_, glob.text(), handle)) return false;
    --size_;
    return true;
}

void FilterIndex::match(std::string_view topic, std::vector<Handle>& handles) const {
    if (!root_ || topic.empty()) return;
    const auto first = static_cast<std::ptrdiff_t>(handles.size());
    for (const Node* node : Access::matching(*root_, topic)) {
        handles.insert(handles.end(), node->handles.begin(), node->handles.end());
    }
    if (handles.size() - static_cast<std::size_t>(first) < 2) return;
    std::sort(handles.begin() + first, handles.end());
    handles.erase(std::unique(handles.begin() + first, handles.end()), handles.end());
}

bool FilterIndex::matches_any(std::string_view topic) const {
    if (!root_ || topic.empty()) return false;
    const auto& nodes = Access::matching(*root_, topic);
    return std::any_of(nodes.begin(), nodes.end(),
                       [](const Node* node) { return !node->handles.empty(); });
}

std::size_t FilterIndex::size() const noexcept {
    return size_;
}

}  // namespace weft::fabric

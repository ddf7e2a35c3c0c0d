#pragma once
// Many globs, one lookup: which of them match a topic? Used by everything that serves many
// subscriptions at once. Pure.
// Threads: not synchronised; const use from any thread while nobody changes it.

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "signing/topic_glob.hpp"

namespace weft::fabric {

using signing::TopicGlob;

class FilterIndex {
public:
    using Handle = std::uint64_t;  ///< Chosen by the caller; several globs may share one.

    FilterIndex();
    ~FilterIndex();
    FilterIndex(FilterIndex&&) noexcept;
    FilterIndex& operator=(FilterIndex&&) noexcept;

    void add(const TopicGlob& glob, Handle handle);
    /// Removes one (glob, handle) pair that add() put in; false if there is none.
    bool remove(const TopicGlob& glob, Handle handle);
    /// Appends each handle with a matching glob, once, in no order. Cost grows with the topic's
    /// tokens and the globs that share its literal tokens, not with all globs.
    void match(std::string_view topic, std::vector<Handle>& handles) const;
    [[nodiscard]] bool matches_any(std::string_view topic) const;
    [[nodiscard]] std::size_t size() const noexcept;

private:
    struct Node;
    struct Access;
    std::unique_ptr<Node> root_;
    std::size_t size_ = 0;
};

}  // namespace weft::fabric

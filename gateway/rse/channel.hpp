#pragma once
// Channels, and the topics that they are: /a/b is <root>.a.b.
//
// A channel name is '/' and tokens of letters, digits, '_' and '-' between slashes, none empty, at
// most bytes_max. A topic has at most 255 bytes: of a channel that is longer the first tokens that
// fit stay, so that globs and grants still cover it, and the last token is '~' and the SHA-256 of
// the whole name. No channel can be named so, and the name itself travels in a header.
// Threads: values and pure functions.

#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "fabric/message/message.hpp"
#include "reliability/journal/journal.hpp"

namespace weft::gateway::rse {

class Channel {
public:
    static constexpr std::size_t bytes_max = 1024;

    /// `raw_path` as in the request, below the prefix. `extra`: Settings::extra_characters; what
    /// means something in topics or globs is never allowed. The error is a sentence.
    [[nodiscard]] static tl::expected<Channel, std::string> parse(std::string_view raw_path,
                                                                  std::string_view extra = {});

    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    /// As a path that names it again.
    [[nodiscard]] std::string quoted() const;
    /// /a/b/c, /a/b, /a.
    [[nodiscard]] std::vector<Channel> with_ancestors() const;
    friend bool operator==(const Channel&, const Channel&) = default;

private:
    explicit Channel(std::string name) : name_(std::move(name)) {}
    std::string name_;
};

/// Both as Channel::quoted() has them: `name` is the channel, or one below it.
[[nodiscard]] bool is_within(std::string_view name, std::string_view channel) noexcept;

/// The header that holds the name where the topic cannot.
inline constexpr std::string_view channel_header = "rse-channel";

class ChannelTopics {
public:
    explicit ChannelTopics(std::string root) : root_(std::move(root)) {}

    [[nodiscard]] std::string topic_of(const Channel& channel) const;
    /// The topic does not say which channel it is: the header must.
    [[nodiscard]] bool is_hashed(const Channel& channel) const;
    /// Covers the channel and everything below it; maybe others, where names are long.
    [[nodiscard]] std::string glob_within(const Channel& channel) const;
    /// Everything of this root.
    [[nodiscard]] std::string glob_all() const { return root_ + ".**"; }
    /// The channel's name, its tokens escaped where a topic has characters that a channel cannot
    /// have; nothing: it is none of this root, or its header is wrong.
    [[nodiscard]] std::optional<std::string> channel_of(const fabric::Message& message) const;

private:
    /// The root and as many tokens as leave room for a hash.
    [[nodiscard]] std::string kept(const Channel& channel) const;

    std::string root_;
};

/// Literal topics and globs, which must be valid (asserted).
[[nodiscard]] reliability::TopicFilter filter_of(const std::vector<std::string>& globs);

}  // namespace weft::gateway::rse

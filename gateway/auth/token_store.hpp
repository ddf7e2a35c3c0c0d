#pragma once
// The tokens of a file, as an Authenticator: read at the start, and again when the file changes. A
// file that is gone, empty or wrong keeps the old tokens in force, and that is told.
// Threads: find() from any thread; refresh() by one.

#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <tl/expected.hpp>
#include <unordered_map>

#include "config/file_stamp.hpp"
#include "fabric/message/topic.hpp"
#include "gateway/auth/authenticator.hpp"
#include "gateway/auth/token.hpp"

namespace weft::gateway {

class TokenStore final : public Authenticator {
public:
    /// A file that is not there has no tokens. The error names file and line.
    [[nodiscard]] static tl::expected<std::unique_ptr<TokenStore>, std::string> open(
        std::filesystem::path file, fabric::TopicSpace space,
        std::function<void(const std::string&)> warn);

    [[nodiscard]] std::optional<Principal> find(std::string_view token) override;
    /// Looks whether the file is another one: cheap, call it about four times a second.
    /// True: there are other tokens now.
    bool refresh();
    [[nodiscard]] std::size_t tokens() const;

private:
    struct Entry {
        std::string hash;
        Principal principal;
    };
    using Entries = std::unordered_map<std::string, Entry>;

    TokenStore(std::filesystem::path file, fabric::TopicSpace space,
               std::function<void(const std::string&)> warn)
        : file_(std::move(file)), space_(std::move(space)), warn_(std::move(warn)) {}
    [[nodiscard]] tl::expected<std::shared_ptr<const Entries>, std::string> load() const;

    const std::filesystem::path file_;
    const fabric::TopicSpace space_;
    const std::function<void(const std::string&)> warn_;
    config::FileStamp seen_;
    mutable std::mutex mutex_;  // guards the pointer
    std::shared_ptr<const Entries> entries_;
};

/// The records of the file; none if it is not there. The error names file and line.
[[nodiscard]] tl::expected<std::vector<TokenRecord>, std::string> read_token_file(
    const std::filesystem::path& file);
/// Whole or not at all, readable by its owner alone.
[[nodiscard]] tl::expected<void, std::string> write_token_file(
    const std::filesystem::path& file, const std::vector<TokenRecord>& records);

}  // namespace weft::gateway

#include "gateway/auth/token_store.hpp"

#include <cerrno>
#include <utility>

#include "config/yaml_reader.hpp"
#include "signing/durable_file.hpp"
#include "signing/sodium.hpp"

namespace weft::gateway {
namespace {

constexpr mode_t owner_only = 0600;
/// Compared with where no token has the id: a stranger's costs as much as a wrong secret (H2).
const std::string nobodys_hash(64, '0');

}  // namespace

tl::expected<std::vector<TokenRecord>, std::string> read_token_file(
    const std::filesystem::path& file) {
    std::error_code error;
    if (!std::filesystem::exists(file, error) && !error) return std::vector<TokenRecord>{};
    auto text = signing::read_file(file, config::yaml_bytes_max);
    if (!text) return tl::make_unexpected(text.error());
    config::Problems problems;
    auto records = read_tokens(*text, file.string(), problems);
    if (!problems.empty()) return tl::make_unexpected(config::text_of(problems));
    return records;
}

tl::expected<void, std::string> write_token_file(const std::filesystem::path& file,
                                                 const std::vector<TokenRecord>& records) {
    return signing::write_file(file, write_tokens(records), owner_only,
                               signing::WhenFileExists::replace);
}

tl::expected<std::shared_ptr<const TokenStore::Entries>, std::string> TokenStore::load() const {
    auto records = read_token_file(file_);
    if (!records) return tl::make_unexpected(records.error());
    auto entries = std::make_shared<Entries>();
    for (const TokenRecord& record : *records) {
        (*entries)[record.id] = {record.hash, principal_of(record, space_)};
    }
    return entries;
}

tl::expected<std::unique_ptr<TokenStore>, std::string> TokenStore::open(
    std::filesystem::path file, fabric::TopicSpace space,
    std::function<void(const std::string&)> warn) {
    auto store = std::unique_ptr<TokenStore>(
        new TokenStore(std::move(file), std::move(space), std::move(warn)));
    store->seen_ = config::FileStamp::look(store->file_);
    auto entries = store->load();
    if (!entries) return tl::make_unexpected(entries.error());
    store->entries_ = std::move(*entries);
    return store;
}

std::optional<Principal> TokenStore::find(std::string_view token) {
    std::shared_ptr<const Entries> entries;
    {
        const std::scoped_lock lock(mutex_);
        entries = entries_;
    }
    const auto parts = token_parts(token);
    if (!parts) return std::nullopt;
    const std::string hash = token_hash(*parts);
    const auto entry = entries->find(std::string{parts->id});
    const bool known = entry != entries->end();
    const bool equal =
        signing::equal_in_constant_time(hash, known ? entry->second.hash : nobodys_hash);
    if (!known || !equal) return std::nullopt;
    return entry->second.principal;
}

bool TokenStore::refresh() {
    const config::FileStamp now = config::FileStamp::look(file_);
    if (now == seen_) return false;
    seen_ = now;
    if (now.error == ENOENT && tokens() != 0) {
        warn_("the tokens of " + file_.string() +
              " stay in force although the file is gone: to remove the last one, use `weft token "
              "revoke`");
        return false;
    }
    auto entries = load();
    if (!entries) {
        warn_("tokens not reloaded, the old ones stay in force: " + entries.error());
        return false;
    }
    const std::scoped_lock lock(mutex_);
    entries_ = std::move(*entries);
    return true;
}

std::size_t TokenStore::tokens() const {
    const std::scoped_lock lock(mutex_);
    return entries_->size();
}

}  // namespace weft::gateway

#include "gateway/auth/token.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "config/flag.hpp"
#include "config/yaml_reader.hpp"
#include "config/yaml_writer.hpp"
#include "signing/certificate.hpp"
#include "signing/digest.hpp"
#include "signing/refusal.hpp"
#include "signing/sodium.hpp"

namespace weft::gateway {
namespace {

using config::Value;

constexpr std::string_view prefix = "wt_";
constexpr std::size_t id_bytes = 5, secret_bytes = 32;
constexpr std::size_t id_digits = 2 * id_bytes, secret_digits = 2 * secret_bytes;
constexpr std::size_t token_bytes = prefix.size() + id_digits + 1 + secret_digits;

bool is_hex(std::string_view text) {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

/// Reads one record and complains about whatever is wrong with it.
class RecordReader {
public:
    RecordReader(const Value& map, config::Problems& problems) : map_(map), problems_(problems) {}

    TokenRecord read() {
        for (const config::Entry& entry : map_.entries) {
            static const std::set<std::string, std::less<>> known{
                "id", "name", "hash", "publish", "read", "admin", "created"};
            if (!known.contains(entry.key)) {
                complain(entry.origin, "unknown key '" + entry.key + "' of a token");
            }
        }
        TokenRecord record;
        record.id = digits("id", id_digits);
        record.hash = digits("hash", secret_digits);
        record.name = text("name");
        if (const std::string wrong = signing::name_error(record.name); !wrong.empty()) {
            complain(map_.origin, "name: " + wrong);
        }
        record.publish = globs("publish");
        record.read = globs("read");
        if (const Value* admin = map_.find("admin")) {
            const auto flag = config::parse_flag(admin->text);
            if (!flag) complain(admin->origin, "admin: " + flag.error());
            record.admin = flag.value_or(false);
        }
        if (map_.find("created") != nullptr) record.created = text("created");
        return record;
    }

private:
    void complain(const config::Origin& origin, std::string sentence) {
        problems_.push_back({origin, "", std::move(sentence)});
    }

    std::string text(const char* key) {
        const Value* value = map_.find(key);
        if (value != nullptr && value->is_scalar()) return value->text;
        complain(map_.origin, std::string{key} + " is missing: `weft token add` writes such files");
        return {};
    }

    std::string digits(const char* key, std::size_t count) {
        std::string found = text(key);
        if (found.size() == count && is_hex(found)) return found;
        complain(map_.origin, std::string{key} + " has " + std::to_string(count) +
                                  " hexadecimal digits in lower case");
        return {};
    }

    std::vector<std::string> globs(const char* key) {
        std::vector<std::string> globs;
        const Value* list = map_.find(key);
        if (list == nullptr || list->is_null()) return globs;
        for (const Value& item : list->items) {
            const auto glob = signing::TopicGlob::parse(item.text);
            if (item.is_scalar() && glob) {
                globs.push_back(item.text);
            } else {
                complain(item.origin, std::string{key} + ": '" + signing::escape(item.text) +
                                          "' is not a glob over topics" +
                                          (glob ? "" : ": " + glob.error()));
            }
        }
        if (!list->is_list()) complain(list->origin, std::string{key} + " is a list of globs");
        return globs;
    }

    const Value& map_;
    config::Problems& problems_;
};

Value text_value(const std::string& text) {
    return Value::scalar(text, config::Origin::defaults(), true);
}

}  // namespace

NewToken make_token() {
    std::array<char, id_bytes> id;
    std::array<char, secret_bytes> secret;
    signing::random_bytes(id.data(), id.size());
    signing::random_bytes(secret.data(), secret.size());
    NewToken token;
    token.record.id = signing::hex({id.data(), id.size()});
    token.text =
        std::string{prefix} + token.record.id + "_" + signing::hex({secret.data(), secret.size()});
    token.record.hash = token_hash(*token_parts(token.text));
    signing::wipe(secret.data(), secret.size());
    return token;
}

std::optional<TokenParts> token_parts(std::string_view text) noexcept {
    if (text.size() != token_bytes || !text.starts_with(prefix)) return std::nullopt;
    const TokenParts parts{text.substr(prefix.size(), id_digits),
                           text.substr(prefix.size() + id_digits + 1)};
    const bool good =
        text[prefix.size() + id_digits] == '_' && is_hex(parts.id) && is_hex(parts.secret);
    return good ? std::optional{parts} : std::nullopt;
}

std::string token_hash(const TokenParts& parts) {
    const signing::Digest digest = signing::TaggedHash("weft1.token")
                                       .add_prefixed(parts.id)
                                       .add_prefixed(parts.secret)
                                       .finish();
    return signing::hex(signing::bytes_of(digest));
}

std::vector<TokenRecord> read_tokens(std::string_view yaml, const std::string& file,
                                     config::Problems& problems) {
    std::vector<TokenRecord> records;
    const auto origin = config::Origin::file(file);
    config::ReadYaml read = config::read_yaml(yaml, origin);
    problems.insert(problems.end(), read.problems.begin(), read.problems.end());
    if (read.broken || read.value.is_null()) return records;
    const Value* list = read.value.find("tokens");
    if (list == nullptr || !list->is_list()) {
        problems.push_back(
            {origin, "", "it needs a list `tokens`: `weft token add` writes such files"});
        return records;
    }
    std::set<std::string> ids, names;
    for (const Value& item : list->items) {
        if (!item.is_map()) {
            problems.push_back({item.origin, "", "a token is a map with id, name and hash"});
            continue;
        }
        TokenRecord record = RecordReader(item, problems).read();
        if (!ids.insert(record.id).second || !names.insert(record.name).second) {
            problems.push_back({item.origin, "", "a token with this id or name stands above"});
        }
        records.push_back(std::move(record));
    }
    return records;
}

std::string write_tokens(const std::vector<TokenRecord>& records) {
    const config::Origin none = config::Origin::defaults();
    Value list = Value::list(none);
    for (const TokenRecord& record : records) {
        Value map = Value::map(none);
        const auto add = [&](const char* key, Value value) {
            map.entries.push_back({key, none, std::move(value)});
        };
        const auto globs = [&](const std::vector<std::string>& texts) {
            Value all = Value::list(none);
            for (const std::string& text : texts) all.items.push_back(text_value(text));
            return all;
        };
        add("id", text_value(record.id));
        add("name", text_value(record.name));
        add("hash", text_value(record.hash));
        add("publish", globs(record.publish));
        add("read", globs(record.read));
        add("admin", Value::scalar(record.admin ? "true" : "false", none));
        add("created", text_value(record.created));
        list.items.push_back(std::move(map));
    }
    Value root = Value::map(none);
    root.entries.push_back({"tokens", none, std::move(list)});
    return config::yaml_block(root);
}

Principal principal_of(const TokenRecord& record, const fabric::TopicSpace& space) {
    Principal principal;
    principal.name = record.name;
    principal.admin = record.admin;
    const auto completed = [&](const std::vector<std::string>& texts) {
        std::vector<signing::TopicGlob> globs;
        for (const std::string& text : texts) {
            if (auto glob = signing::TopicGlob::parse(space.complete_glob(text))) {
                globs.push_back(std::move(*glob));
            }
        }
        return globs;
    };
    principal.publish = completed(record.publish);
    principal.read = completed(record.read);
    return principal;
}

}  // namespace weft::gateway

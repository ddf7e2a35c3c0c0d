#include "config/section.hpp"

#include <utility>

#include "config/decimal.hpp"
#include "config/duration.hpp"
#include "config/flag.hpp"
#include "config/size.hpp"

namespace weft::config {

namespace {

std::string below(std::string_view key, std::string_view name) {
    if (key.empty() || name.empty()) return std::string(key) + std::string(name);
    return std::string(key) + "." + std::string(name);
}

tl::expected<std::string, std::string> as_text(std::string_view text) {
    return std::string(text);
}

}  // namespace

Section::Section(const Configuration& configuration, std::string_view key, Problems& problems)
    : Section(configuration, configuration.find(key), std::string(key), problems) {}

Section::Section(const Configuration& configuration, const Value* value, std::string key,
                 Problems& problems)
    : configuration_(&configuration), value_(value), key_(std::move(key)), problems_(&problems) {}

bool Section::has(std::string_view key) const noexcept {
    const Value* value = find(key);
    return value != nullptr && !value->is_null();
}

const Value* Section::find(std::string_view key) const noexcept {
    return value_ == nullptr ? nullptr : value_->find_path(key);
}

Origin Section::origin(std::string_view key) const {
    if (const Value* value = find(key)) return value->origin;
    return value_ == nullptr ? Origin::defaults() : value_->origin;
}

std::string Section::full_key(std::string_view key) const {
    return below(key_, key);
}

void Section::refuse(std::string_view key, std::string sentence) const {
    problems_->push_back({origin(key), full_key(key), std::move(sentence)});
}

const Value* Section::required(std::string_view key) const {
    if (has(key)) return find(key);
    refuse(key, "a value is needed here, but there is none");
    return nullptr;
}

const Value* Section::list(std::string_view key) const {
    if (!has(key)) return nullptr;
    const Value* value = find(key);
    if (value->is_list()) return value;
    refuse(key, "a list such as [first, second] is needed here, but this is " +
                    std::string(kind_name(value->kind)));
    return nullptr;
}

template <typename Parse>
auto Section::parsed(std::string_view key, const Value& value, Parse parse) const {
    using Result = typename decltype(parse(std::string_view{}))::value_type;
    if (!value.is_scalar()) {
        problems_->push_back(
            {value.origin, full_key(key),
             "a single value is needed here, but this is " + std::string(kind_name(value.kind))});
        return Result{};
    }
    auto result = parse(value.text);
    if (result) return std::move(*result);
    problems_->push_back({value.origin, full_key(key), std::move(result.error())});
    return Result{};
}

template <typename Parse>
auto Section::parsed_list(std::string_view key, Parse parse) const {
    using Result = typename decltype(parse(std::string_view{}))::value_type;
    std::vector<Result> results;
    const Value* values = list(key);
    if (values == nullptr) return results;
    for (std::size_t i = 0; i < values->items.size(); ++i) {
        const std::size_t before = problems_->size();
        Result result = parsed(below(key, std::to_string(i)), values->items[i], parse);
        if (problems_->size() == before) results.push_back(std::move(result));
    }
    return results;
}

std::string Section::text(std::string_view key) const {
    const Value* value = required(key);
    return value == nullptr ? std::string{} : parsed(key, *value, as_text);
}

std::string Section::text(std::string_view key, std::string_view fallback) const {
    return has(key) ? text(key) : std::string(fallback);
}

bool Section::flag(std::string_view key) const {
    const Value* value = required(key);
    return value != nullptr && parsed(key, *value, parse_flag);
}

bool Section::flag(std::string_view key, bool fallback) const {
    return has(key) ? flag(key) : fallback;
}

std::uint64_t Section::count(std::string_view key) const {
    const Value* value = required(key);
    return value == nullptr ? 0 : parsed(key, *value, parse_decimal);
}

std::uint64_t Section::count(std::string_view key, std::uint64_t fallback) const {
    return has(key) ? count(key) : fallback;
}

std::chrono::milliseconds Section::duration(std::string_view key) const {
    const Value* value = required(key);
    return value == nullptr ? std::chrono::milliseconds{} : parsed(key, *value, parse_duration);
}

std::chrono::milliseconds Section::duration(std::string_view key,
                                            std::chrono::milliseconds fallback) const {
    return has(key) ? duration(key) : fallback;
}

std::uint64_t Section::size(std::string_view key) const {
    const Value* value = required(key);
    return value == nullptr ? 0 : parsed(key, *value, parse_size);
}

std::uint64_t Section::size(std::string_view key, std::uint64_t fallback) const {
    return has(key) ? size(key) : fallback;
}

Endpoint Section::endpoint(std::string_view key) const {
    const Value* value = required(key);
    return value == nullptr ? Endpoint{} : parsed(key, *value, Endpoint::parse);
}

Address Section::address(std::string_view key) const {
    const Value* value = required(key);
    return value == nullptr ? Address{} : parsed(key, *value, Address::parse);
}

std::filesystem::path Section::path(std::string_view key) const {
    const Value* value = required(key);
    if (value == nullptr) return {};
    const std::filesystem::path path = parsed(key, *value, as_text);
    if (path.empty()) return {};
    return (configuration_->base_of(value->origin) / path).lexically_normal();
}

std::vector<std::string> Section::texts(std::string_view key) const {
    return parsed_list(key, as_text);
}

std::vector<Endpoint> Section::endpoints(std::string_view key) const {
    return parsed_list(key, Endpoint::parse);
}

std::vector<std::chrono::milliseconds> Section::durations(std::string_view key) const {
    return parsed_list(key, parse_duration);
}

std::vector<Section> Section::items(std::string_view key) const {
    std::vector<Section> sections;
    const Value* values = list(key);
    if (values == nullptr) return sections;
    for (std::size_t i = 0; i < values->items.size(); ++i) {
        sections.push_back(Section(*configuration_, &values->items[i],
                                   below(full_key(key), std::to_string(i)), *problems_));
    }
    return sections;
}

std::vector<std::string> Section::keys(std::string_view key) const {
    std::vector<std::string> names;
    if (!has(key)) return names;
    const Value* value = find(key);
    if (!value->is_map()) {
        refuse(key, "a map of keys to values is needed here, but this is " +
                        std::string(kind_name(value->kind)));
        return names;
    }
    for (const Entry& entry : value->entries) names.push_back(entry.key);
    return names;
}

Section Section::section(std::string_view key) const {
    return {*configuration_, find(key), full_key(key), *problems_};
}

}  // namespace weft::config

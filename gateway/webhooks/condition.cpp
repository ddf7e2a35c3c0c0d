#include "gateway/webhooks/condition.hpp"

#include <algorithm>
#include <array>
#include <compare>
#include <optional>
#include <utility>

#include "reliability/hub/value_path.hpp"

namespace weft::gateway::webhooks {
namespace {

using fabric::Value;
using nlohmann::json;
using Operator = Condition::Operator;

constexpr std::array<std::string_view, 10> names{"eq", "ne", "in",     "gt",     "ge",
                                                 "lt", "le", "exists", "prefix", "matches"};
constexpr const char* form =
    R"(a condition is an object such as {"path": "commit.branch", "eq": "main"}, with one of eq, )"
    "ne, in, gt, ge, lt, le, exists, prefix and matches";

tl::unexpected<std::string> wrong(std::string sentence) {
    return tl::make_unexpected(std::move(sentence));
}

/// Nothing: a list, an object, or a text that is too long.
std::optional<Value> scalar_of(const json& from) {
    switch (from.type()) {
        case json::value_t::null:
            return Value{};
        case json::value_t::boolean:
            return Value(from.get<bool>());
        case json::value_t::number_integer:
            return Value(from.get<std::int64_t>());
        case json::value_t::number_unsigned:
            return Value(from.get<std::uint64_t>());
        case json::value_t::number_float:
            return Value(from.get<double>());
        case json::value_t::string: {
            const auto& text = from.get_ref<const std::string&>();
            if (text.size() > Condition::operand_bytes_max) return std::nullopt;
            return Value(text);
        }
        default:
            return std::nullopt;
    }
}

bool equal(const Value& one, const Value& other) {
    if (one == other) return true;
    if (one.real() == nullptr && other.real() == nullptr) return false;
    const auto left = reliability::hub::number_of(one), right = reliability::hub::number_of(other);
    return left && right && *left == *right;
}

/// Unordered: not of one sort.
std::partial_ordering compare(const Value& one, const Value& other) {
    if (one.text() != nullptr && other.text() != nullptr) return *one.text() <=> *other.text();
    if (one.signed_number() != nullptr && other.signed_number() != nullptr) {
        return *one.signed_number() <=> *other.signed_number();
    }
    const auto left = reliability::hub::number_of(one), right = reliability::hub::number_of(other);
    if (!left || !right) return std::partial_ordering::unordered;
    return *left <=> *right;
}

bool is_operand_of(Operator is, const json& operand) {
    switch (is) {
        case Operator::eq:
        case Operator::ne:
            return true;
        case Operator::in:
            return operand.is_array() && !operand.empty() &&
                   operand.size() <= Condition::values_max;
        case Operator::gt:
        case Operator::ge:
        case Operator::lt:
        case Operator::le:
            return operand.is_number() || operand.is_string();
        case Operator::exists:
            return operand.is_boolean();
        case Operator::prefix:
        case Operator::matches:
            return operand.is_string();
    }
    return false;
}

std::string path_in(const json& from) {
    const auto found = from.find("path");
    return found == from.end() || !found->is_string() ? std::string{} : found->get<std::string>();
}

std::size_t character_bytes(std::string_view text, std::size_t at) noexcept {
    std::size_t bytes = 1;
    while (at + bytes < text.size() && (static_cast<unsigned char>(text[at + bytes]) >> 6) == 2) {
        ++bytes;
    }
    return bytes;
}

}  // namespace

bool matches_whole(std::string_view pattern, std::string_view text) noexcept {
    std::size_t at = 0, in_text = 0;
    std::size_t star = std::string_view::npos, star_text = 0;  // where the last `*` may grow
    while (in_text < text.size()) {
        if (at < pattern.size() && pattern[at] == '*') {
            star = at++;
            star_text = in_text;
        } else if (at < pattern.size() && pattern[at] == '?') {
            in_text += character_bytes(text, in_text);
            ++at;
        } else if (at < pattern.size() && pattern[at] == text[in_text]) {
            ++at;
            ++in_text;
        } else if (star != std::string_view::npos) {
            at = star + 1;
            star_text += character_bytes(text, star_text);
            in_text = star_text;
        } else {
            return false;
        }
    }
    while (at < pattern.size() && pattern[at] == '*') ++at;
    return at == pattern.size();
}

tl::expected<Condition, std::string> Condition::parse(const nlohmann::json& from) {
    if (!from.is_object()) return wrong(std::string{"where: "} + form);
    Condition condition;
    condition.path_ = path_in(from);
    if (condition.path_.empty() || condition.path_.size() > path_bytes_max) {
        return wrong("where: `path` must be a text of 1 to " + std::to_string(path_bytes_max) +
                     " bytes, such as commit.branch or files.0.name");
    }
    if (from.size() != 2) return wrong("where, path '" + condition.path_ + "': " + form);
    const auto entry = from.begin().key() == "path" ? std::next(from.begin()) : from.begin();
    const auto named = std::find(names.begin(), names.end(), entry.key());
    if (named == names.end()) return wrong("where, path '" + condition.path_ + "': " + form);
    condition.is_ = static_cast<Operator>(named - names.begin());
    const nlohmann::json& operand = entry.value();
    bool fits = is_operand_of(condition.is_, operand);
    const auto add = [&](const nlohmann::json& one) {
        if (auto value = scalar_of(one)) return condition.operands_.push_back(std::move(*value));
        fits = false;
    };
    if (fits && condition.is_ == Operator::in) {
        for (const nlohmann::json& one : operand) add(one);
    } else if (fits) {
        add(operand);
    }
    if (!fits) {
        return wrong("where, path '" + condition.path_ + "': `" + std::string{*named} +
                     "` does not take this; eq and ne take a text, number, flag or null, `in` a "
                     "list of at most 100 of them, gt, ge, lt and le a number or text, exists "
                     "true or false, prefix and matches a text; texts have at most 1024 bytes");
    }
    condition.written_ = from;
    return condition;
}

nlohmann::json Condition::json() const {
    return written_;
}

bool Condition::holds(const Value& body) const {
    const Value* found = reliability::hub::find(body, path_);
    const Value& operand = operands_.front();
    if (is_ == Operator::exists) return (found != nullptr) == *operand.flag();
    if (is_ == Operator::ne) return found == nullptr || !equal(*found, operand);
    if (found == nullptr) return false;
    const std::string* text = found->text();
    switch (is_) {
        case Operator::eq:
        case Operator::in:
            return std::any_of(operands_.begin(), operands_.end(),
                               [&](const Value& one) { return equal(*found, one); });
        case Operator::gt:
            return compare(*found, operand) > 0;
        case Operator::ge:
            return compare(*found, operand) >= 0;
        case Operator::lt:
            return compare(*found, operand) < 0;
        case Operator::le:
            return compare(*found, operand) <= 0;
        case Operator::prefix:
            return text != nullptr && text->starts_with(*operand.text());
        case Operator::matches:
            return text != nullptr && text->size() <= text_bytes_max &&
                   matches_whole(*operand.text(), *text);
        case Operator::ne:
        case Operator::exists:
            break;
    }
    return false;
}

tl::expected<Conditions, std::string> Conditions::parse(const nlohmann::json& from) {
    if (!from.is_array() || from.size() > most) {
        return wrong("where: a list of at most " + std::to_string(most) + " conditions");
    }
    Conditions conditions;
    for (const auto& one : from) {
        auto condition = Condition::parse(one);
        if (!condition) return tl::make_unexpected(condition.error());
        conditions.all_.push_back(std::move(*condition));
    }
    return conditions;
}

nlohmann::json Conditions::json() const {
    auto list = nlohmann::json::array();
    for (const Condition& condition : all_) list.push_back(condition.json());
    return list;
}

bool Conditions::hold(const Value& body) const {
    return std::all_of(all_.begin(), all_.end(),
                       [&](const Condition& condition) { return condition.holds(body); });
}

}  // namespace weft::gateway::webhooks

// JSON text that others wrote, beside nlohmann-json as a second opinion: the same texts are JSON,
// and they mean the same. They may differ where json_form.hpp says so: depth, numbers beyond a
// double, which nlohmann refuses and compact_json() keeps, and a byte order mark.

#include <algorithm>
#include <bit>
#include <cassert>
#include <nlohmann/json.hpp>
#include <string>

#include "fabric/message/json_form.hpp"
#include "fabric/message/json_number.hpp"
#include "fabric/message/utf8_text.hpp"
#include "tests/fuzz/targets.hpp"

namespace weft::fuzz {
namespace {

constexpr std::size_t depth_max = 32;

/// What a text says, one mark after the other.
class Marks {
public:
    std::string text;
    void integer(std::string_view digits) { text.append("i").append(digits).append(" "); }
    void real(double number) {
        // One zero: which one stands for "-0" is not agreed upon.
        const double shown = number == 0 ? 0 : number;
        text += 'd' + std::to_string(std::bit_cast<std::uint64_t>(shown)) + ' ';
    }
    void string(char mark, std::string_view what) {
        text += mark + std::to_string(what.size()) + ':';
        text += what;
    }
};

class Oracle : public nlohmann::json_sax<nlohmann::json> {
public:
    Marks marks;
    std::size_t deepest = 0;
    bool number_too_large = false;

    bool null() override { return put('n'); }
    bool boolean(bool flag) override { return put(flag ? 't' : 'f'); }
    bool number_integer(number_integer_t number) override {
        marks.integer(std::to_string(number));
        return true;
    }
    bool number_unsigned(number_unsigned_t number) override {
        marks.integer(std::to_string(number));
        return true;
    }
    bool number_float(number_float_t number, const string_t&) override {
        marks.real(number);
        return true;
    }
    bool string(string_t& text) override {
        marks.string('s', text);
        return true;
    }
    bool binary(binary_t&) override { return false; }
    bool start_object(std::size_t) override { return open('{'); }
    bool key(string_t& text) override {
        marks.string('k', text);
        return true;
    }
    bool end_object() override { return close('}'); }
    bool start_array(std::size_t) override { return open('['); }
    bool end_array() override { return close(']'); }
    bool parse_error(std::size_t, const std::string&,
                     const nlohmann::detail::exception& error) override {
        number_too_large = error.id == 406;
        return false;
    }

private:
    bool put(char mark) {
        marks.text += mark;
        return true;
    }
    bool open(char mark) {
        deepest = std::max(deepest, ++depth_);
        return put(mark);
    }
    bool close(char mark) {
        --depth_;
        return put(mark);
    }
    std::size_t depth_ = 0;
};

void mark(const fabric::Value& value, Marks& marks) {
    if (const bool* flag = value.flag()) {
        marks.text += *flag ? 't' : 'f';
    } else if (const std::int64_t* number = value.signed_number()) {
        marks.integer(std::to_string(*number));
    } else if (const std::uint64_t* large = value.unsigned_number()) {
        marks.integer(std::to_string(*large));
    } else if (const double* real = value.real()) {
        marks.real(*real);
    } else if (const std::string* text = value.text()) {
        marks.string('s', *text);
    } else if (const fabric::Value::List* list = value.list()) {
        marks.text += '[';
        for (const fabric::Value& element : *list) mark(element, marks);
        marks.text += ']';
    } else if (const fabric::Value::Map* map = value.map()) {
        marks.text += '{';
        for (const auto& [key, element] : *map) {
            marks.string('k', key);
            mark(element, marks);
        }
        marks.text += '}';
    } else {
        assert(value.is_nil());
        marks.text += 'n';
    }
}

}  // namespace

void json(std::string_view input) {
    const auto compact = fabric::compact_json(input);
    const auto value = fabric::from_json(input);
    if (value) assert(compact);

    // nlohmann takes a zero byte for the end of the text.
    if (input.find('\0') != std::string_view::npos) {
        assert(!compact && !value);
        return;
    }
    Oracle oracle;
    const bool has_mark = input.starts_with("\xEF\xBB\xBF");
    const bool is_json = nlohmann::json::sax_parse(input, &oracle) && !has_mark;
    if (is_json && oracle.deepest <= depth_max) {
        assert(compact && value);
        Marks marks;
        mark(*value, marks);
        assert(marks.text == oracle.marks.text);
    } else if (!oracle.number_too_large || has_mark) {
        assert(!compact && !value);
    } else {
        assert(!value);
    }
    if (!compact) {
        assert(fabric::is_utf8(compact.error()) && compact.error().ends_with('.'));
        return;
    }
    assert(compact->size() <= input.size() && fabric::compact_json(*compact) == *compact);
    if (!value) return;
    const std::string printed = to_json(*value);
    const auto reread = fabric::from_json(printed);
    assert(reread && *reread == *value && to_json(*reread) == printed);
}

}  // namespace weft::fuzz

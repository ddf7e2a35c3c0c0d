#include "config/yaml_reader.hpp"

#include <array>
#include <sstream>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include "config/utf8.hpp"

namespace weft::config {

namespace {

/// Leaves the parser; what is wrong has been noted already.
struct Stop {};

/// Builds the tree from the parser's events rather than from its node tree: there duplicate keys
/// have become one and aliases have become copies.
class TreeBuilder final : public YAML::EventHandler {
public:
    TreeBuilder(const Origin& origin, Problems& problems) : origin_(origin), problems_(problems) {}

    [[nodiscard]] Value take() { return std::move(root_); }
    /// Whether the last scalar was quoted, if not perhaps to its end.
    [[nodiscard]] bool ends_quoted() const noexcept { return ends_quoted_; }

    void OnDocumentStart(const YAML::Mark& mark) override {
        if (++documents_ == 1) return;
        refuse(mark,
               "a second document begins here, but a configuration has one: remove the line "
               "'---', or what follows the end of the value");
        throw Stop{};
    }
    void OnDocumentEnd() override {}

    void OnNull(const YAML::Mark& mark, YAML::anchor_t) override {
        if (expects_key()) {
            refuse(mark, "this key is empty: write key: value");
            start_key(mark, {}, true);
            return;
        }
        Value value;
        value.origin = at(mark);
        put(std::move(value));
    }

    void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
        refuse(mark, alias_sentence);
        if (expects_key()) return start_key(mark, {}, true);
        put(Value{});
    }

    void OnAnchor(const YAML::Mark& mark, const std::string& name) override {
        // The library calls this for every node; only named ones have an anchor.
        if (!name.empty()) refuse(mark, anchor_sentence);
    }

    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                  const std::string& text) override {
        ends_quoted_ = tag == "!";
        check_escapes(mark, text);
        if (expects_key()) return start_key(mark, text, false);
        check_tag(mark, tag);
        put(Value::scalar(text, at(mark), tag == "!"));
    }

    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                         YAML::EmitterStyle::value) override {
        open(mark, tag, Value::list(at(mark)));
    }
    void OnSequenceEnd() override { close(); }

    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                    YAML::EmitterStyle::value) override {
        open(mark, tag, Value::map(at(mark)));
    }
    void OnMapEnd() override { close(); }

    static constexpr const char* alias_sentence =
        "'*' begins an alias in YAML, and configurations have none: write the value out, or put a "
        "text that begins with '*' in quotes";
    static constexpr const char* anchor_sentence =
        "'&' begins an anchor in YAML, and configurations have none: write the value out where it "
        "is needed, or put a text that begins with '&' in quotes";

private:
    struct Frame {
        Value value;
        bool has_key = false;  ///< of a map: the key is read, its value comes next
        bool discard = false;  ///< the value that comes next has no place
        std::string key;
        Origin key_origin;
        std::unordered_map<std::string, std::size_t> lines;  ///< of the keys seen
    };

    [[nodiscard]] Origin at(const YAML::Mark& mark) const {
        Origin origin = origin_;
        if (origin.kind == Origin::Kind::file) origin.line = line_of(mark);
        return origin;
    }

    static std::size_t line_of(const YAML::Mark& mark) {
        return mark.line < 0 ? 1 : static_cast<std::size_t>(mark.line) + 1;
    }

    [[nodiscard]] bool expects_key() const {
        return !frames_.empty() && frames_.back().value.is_map() && !frames_.back().has_key;
    }

    /// The dotted key of what is being read, for messages.
    [[nodiscard]] std::string here() const {
        std::string path;
        for (const Frame& frame : frames_) {
            std::string step;
            if (frame.value.is_list()) step = std::to_string(frame.value.items.size());
            if (frame.has_key) step = frame.key;
            if (!step.empty()) path += (path.empty() ? "" : ".") + step;
        }
        return path;
    }

    void refuse(const YAML::Mark& mark, std::string sentence) {
        problems_.push_back({at(mark), here(), std::move(sentence)});
        if (problems_.size() >= yaml_problems_max) throw Stop{};
    }

    void check_tag(const YAML::Mark& mark, const std::string& tag) {
        if (tag.empty() || tag == "?" || tag == "!") return;
        refuse(mark,
               "'!' begins a tag in YAML, and configurations have none: remove it, or put a "
               "text that begins with '!' in quotes");
    }

    /// yaml-cpp 0.7 makes half a character of the escapes \N and \_.
    void check_escapes(const YAML::Mark& mark, const std::string& text) {
        if (is_utf8(text)) return;
        refuse(mark, "the escapes \\N and \\_ are not supported: write \\u0085 or \\u00a0 instead");
    }

    void start_key(const YAML::Mark& mark, const std::string& key, bool discard) {
        Frame& frame = frames_.back();
        frame.has_key = true;
        frame.discard = discard;
        frame.key = key;
        frame.key_origin = at(mark);
        if (discard) return;
        if (key == "<<") {
            refuse(mark, "'<<' merges maps in YAML, and configurations do not: write the keys out");
            frame.discard = true;
            return;
        }
        const auto [first, is_new] = frame.lines.emplace(key, line_of(mark));
        if (is_new) return;
        frame.discard = true;
        std::string where;
        if (origin_.kind == Origin::Kind::file) {
            where = first->second == line_of(mark) ? " on line " + std::to_string(first->second)
                                                   : ", on lines " + std::to_string(first->second) +
                                                         " and " + std::to_string(line_of(mark));
        }
        refuse(mark, "the key " + in_quotes(key) + " stands here twice" + where + ": keep one");
    }

    void open(const YAML::Mark& mark, const std::string& tag, Value value) {
        if (expects_key()) {
            refuse(mark,
                   "a list or map cannot be a key: write key: value, close every [ and {, and "
                   "put a key that begins with one of them in quotes");
            throw Stop{};
        }
        check_tag(mark, tag);
        if (frames_.size() >= yaml_depth_max) {
            refuse(mark, "lists and maps are nested more than " + std::to_string(yaml_depth_max) +
                             " deep: no setting needs that");
            throw Stop{};
        }
        frames_.push_back(Frame{std::move(value), false, false, {}, {}, {}});
    }

    void close() {
        Value value = std::move(frames_.back().value);
        frames_.pop_back();
        put(std::move(value));
    }

    void put(Value value) {
        if (frames_.empty()) {
            root_ = std::move(value);
            return;
        }
        Frame& frame = frames_.back();
        if (frame.value.is_list()) {
            frame.value.items.push_back(std::move(value));
            return;
        }
        // Whoever is sent to a list, a map or an empty value wants to see its key.
        if (!value.is_scalar()) value.origin = frame.key_origin;
        frame.has_key = false;
        if (frame.discard) return;
        frame.value.entries.push_back({std::move(frame.key), frame.key_origin, std::move(value)});
    }

    const Origin& origin_;
    Problems& problems_;
    std::vector<Frame> frames_;
    Value root_;
    int documents_ = 0;
    bool ends_quoted_ = false;
};

void parse(std::string_view text, YAML::EventHandler& handler) {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(handler)) {
    }
}

std::string_view without_trailing_space(std::string_view text) {
    const std::size_t last = text.find_last_not_of(" \t\r\n");
    return last == std::string_view::npos ? std::string_view{} : text.substr(0, last + 1);
}

/// What the parser's terse messages mostly mean.
struct Hint {
    std::string_view message;
    std::string_view advice;
};
constexpr std::array<Hint, 7> hints = {{
    {"illegal map value",
     "put a text that has ': ' in it in quotes, and indent with spaces, the keys of a map alike"},
    {"end of map not found", "indent the keys of a map alike, and put odd text in double quotes"},
    {"end of sequence not found", "indent the items of a list alike"},
    {"end of sequence flow", "a list that begins with '[' ends with ']'"},
    {"end of map flow", "a map that begins with '{' ends with '}'"},
    {"EOF in scalar", "close every quote that is opened"},
    {"unknown token", "put a text that begins with this character in quotes"},
}};

Problem syntax_problem(const YAML::Exception& error, const Origin& origin) {
    Origin place = origin;
    if (place.kind == Origin::Kind::file && !error.mark.is_null()) {
        place.line = static_cast<std::size_t>(error.mark.line) + 1;
        place.column = static_cast<std::size_t>(error.mark.column) + 1;
    }
    std::string sentence = "this is not YAML: " + error.msg;
    for (const Hint& hint : hints) {
        if (error.msg.find(hint.message) != std::string::npos) {
            sentence += "; " + std::string(hint.advice);
            break;
        }
    }
    if (error.msg.find("alias") != std::string::npos ||
        error.msg.find("referenced anchor") != std::string::npos) {
        sentence = TreeBuilder::alias_sentence;
    } else if (error.msg.find("anchor") != std::string::npos) {
        sentence = TreeBuilder::anchor_sentence;
    } else if (place.kind != Origin::Kind::file) {
        sentence += "; put a text that has special characters in it in double quotes";
    }
    return {std::move(place), {}, std::move(sentence)};
}

}  // namespace

ReadYaml read_yaml(std::string_view text, const Origin& origin) {
    ReadYaml result;
    const auto refuse = [&](Problem problem) {
        result.problems.push_back(std::move(problem));
        result.broken = true;
        return std::move(result);
    };
    if (text.size() > yaml_bytes_max) {
        return refuse({origin, {}, "this is larger than 1 MiB: no configuration needs that"});
    }
    if (auto bad = find_bad_text(text)) {
        Origin place = origin;
        if (place.kind == Origin::Kind::file) place.line = bad->line;
        return refuse({std::move(place), {}, std::move(bad->sentence)});
    }
    TreeBuilder builder(origin, result.problems);
    Problems of_second_look;
    try {
        parse(text, builder);
        // yaml-cpp 0.7 lets a quote that is never closed pass if a line end follows it, so that a
        // file cut short would look whole. Without the line end it notices.
        if (builder.ends_quoted()) {
            TreeBuilder again(origin, of_second_look);
            parse(without_trailing_space(text), again);
        }
        result.value = builder.take();
    } catch (const Stop&) {
        result.broken = true;
        // Nobody may leave without a word: what is broken is left out of the configuration.
        if (result.problems.empty()) result.problems = std::move(of_second_look);
    } catch (const YAML::Exception& error) {
        return refuse(syntax_problem(error, origin));
    }
    return result;
}

}  // namespace weft::config

#pragma once
// Finds what is defined in more than one file under one name: functions of the same namespace,
// name and parameters, and types. Inline functions of headers are the dangerous ones: the linker
// takes any of them for all, without a word.
//
// It reads C++ roughly, as this tree is written: no macros that open braces, one definition each;
// parameters of templates are compared as they are called.
// Threads: pure.

#include <algorithm>
#include <cctype>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace weft::testing {

/// Comments, texts in quotes and preprocessor lines are gone, what is left means the same.
inline std::string bare_code(std::string_view text) {
    std::string out;
    bool line_begins = true;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const std::string_view rest = text.substr(i);
        const auto skip_past = [&](std::string_view end, std::size_t from) {
            const std::size_t at = text.find(end, i + from);
            i = at == std::string_view::npos ? text.size() - 1 : at + end.size() - 1;
        };
        if (rest.starts_with("//")) {
            skip_past("\n", 2);
            line_begins = true;
        } else if (rest.starts_with("/*")) {
            skip_past("*/", 2);
        } else if (line_begins && rest.front() == '#') {
            // A line that ends with a backslash goes on.
            do {
                skip_past("\n", 0);
            } while (i > 0 && text[i - 1] == '\\' && ++i < text.size());
        } else if (rest.starts_with("R\"")) {
            const std::string end = ")" + std::string{rest.substr(2, rest.find('(') - 2)} + "\"";
            skip_past(end, 2);
            out += "\"\"";
        } else if (rest.front() == '"' ||
                   (rest.front() == '\'' &&
                    (out.empty() || std::isalnum(static_cast<unsigned char>(out.back())) == 0))) {
            const char quote = rest.front();
            for (++i; i < text.size() && text[i] != quote; ++i) {
                if (text[i] == '\\') ++i;
            }
            out += "\"\"";
        } else {
            if (rest.front() == '\n') {
                line_begins = true;
            } else if (rest.front() != ' ') {
                line_begins = false;
            }
            out += rest.front();
        }
    }
    return out;
}

class ExternalNames {
public:
    /// What one file defines with external linkage: "weft::tools::open(Context&)", "type X".
    static std::set<std::string> of(std::string_view text) {
        ExternalNames names(bare_code(text));
        names.scope("", false);
        return names.found_;
    }

private:
    explicit ExternalNames(std::string code) : code_(std::move(code)) {}

    /// Up to the closing brace of this scope, or the end.
    void scope(const std::string& name, bool hidden) {
        std::string head;
        for (; at_ < code_.size(); ++at_) {
            const char byte = code_[at_];
            if (byte == '}') return;
            if (byte == ';') {
                head.clear();
            } else if (byte != '{') {
                head += byte;
            } else {
                ++at_;
                // A brace within parentheses is a default value.
                if (std::count(head.begin(), head.end(), '(') !=
                    std::count(head.begin(), head.end(), ')')) {
                    skip();
                    continue;
                }
                open(head, name, hidden);
                head.clear();
            }
        }
    }
    void open(const std::string& head, const std::string& name, bool hidden) {
        static const std::regex space(R"(^\s*(?:inline\s+)?namespace(?:\s+([\w:]+))?\s*$)");
        static const std::regex type(
            R"(^\s*(?:template\s*<[^{}]*>\s*)?(?:class|struct|union|enum)\b[^()=]*$)");
        static const std::regex type_name(
            R"((?:class|struct|union|enum)\s+(?:class\s+|struct\s+)?([\w:]+))");
        std::smatch match;
        if (std::regex_match(head, match, space)) {
            return scope(name + match[1].str() + "::", hidden || !match[1].matched);
        }
        if (std::regex_match(head, type) && !hidden) {
            // Of a template the last one is it.
            std::string last;
            for (auto one = std::sregex_iterator(head.begin(), head.end(), type_name);
                 one != std::sregex_iterator(); ++one) {
                last = (*one)[1];
            }
            if (!last.empty()) found_.insert("type " + name + last);
        } else if (!hidden) {
            function(head, name);
        }
        skip();
    }
    void function(const std::string& head, const std::string& name) {
        static const std::regex internal(
            R"(^\s*(?:\[\[\w+\]\]\s*)?(?:inline\s+|constexpr\s+)*static\b)");
        if (std::regex_search(head, internal)) return;
        const std::size_t open = opening_of(head);
        if (open == std::string::npos) return;
        static const std::regex called(R"((~?[\w:]*\w|operator\s*[^\s\w]+)\s*$)");
        const std::string until = head.substr(0, open);
        std::smatch match;
        if (!std::regex_search(until, match, called)) return;
        const std::string before = match.prefix();
        // The value of a variable.
        if (before.find('=') != std::string::npos) return;
        std::string parameters;
        std::size_t depth = 1;
        for (std::size_t i = open + 1; i < head.size() && depth > 0; ++i) {
            if (head[i] == '(') ++depth;
            if (head[i] == ')') --depth;
            if (depth > 0) parameters += head[i];
        }
        const bool is_template = before.find("template") != std::string::npos;
        found_.insert(name + match[1].str() + (is_template ? "<>" : "") + "(" +
                      types_of(parameters) + ")");
    }
    /// Where the parameters begin: the first parenthesis outside of template arguments.
    static std::size_t opening_of(const std::string& head) {
        const std::size_t named = head.find("operator");
        if (named != std::string::npos) {
            const bool is_call = head.find("()", named) == named + 8;
            return head.find('(', named + (is_call ? 10 : 8));
        }
        int angles = 0;
        for (std::size_t i = 0; i < head.size(); ++i) {
            if (head[i] == '<') ++angles;
            if (head[i] == '>') --angles;
            if (head[i] == '(' && angles == 0) return i;
        }
        return std::string::npos;
    }
    /// Without names, default values and spaces.
    static std::string types_of(const std::string& parameters) {
        std::vector<std::string> all(1);
        int depth = 0;
        for (const char byte : parameters) {
            if (byte == '<' || byte == '(') ++depth;
            if (byte == '>' || byte == ')') --depth;
            if (byte == ',' && depth == 0) {
                all.emplace_back();
            } else {
                all.back() += byte;
            }
        }
        static const std::regex value(R"(\s*=[\s\S]*$)"), spaces(R"(\s+)"),
            name(R"(([>&*\w])(?:\s+|(?=&))[A-Za-z_]\w*\s*$)"), after_sign(R"(([>&*])\s*\w+\s*$)");
        std::string types;
        for (std::string one : all) {
            one = std::regex_replace(one, value, "");
            one = std::regex_replace(one, after_sign, "$1");
            std::smatch match;
            static const std::regex two_words(R"(^\s*((?:const\s+|unsigned\s+)*[\w:]+)\s+\w+\s*$)");
            if (std::regex_match(one, match, two_words)) one = match[1];
            one = std::regex_replace(one, spaces, " ");
            one.erase(0, one.find_first_not_of(' ') == std::string::npos
                             ? one.size()
                             : one.find_first_not_of(' '));
            types += (types.empty() ? "" : ", ") + one;
        }
        return types;
    }
    /// Stands behind an opening brace, and then at the one that closes it.
    void skip() {
        std::size_t depth = 1;
        for (; at_ < code_.size(); ++at_) {
            if (code_[at_] == '{') ++depth;
            if (code_[at_] == '}' && --depth == 0) return;
        }
    }

    const std::string code_;
    std::size_t at_ = 0;
    std::set<std::string> found_;
};

/// "NAME: a.cpp, b.hpp" for each name that more than one of the files define.
inline std::vector<std::string> defined_twice(const std::map<std::string, std::string>& files) {
    std::map<std::string, std::string> where;
    std::set<std::string> twice;
    for (const auto& [file, text] : files) {
        for (const std::string& name : ExternalNames::of(text)) {
            std::string& places = where[name];
            if (!places.empty()) twice.insert(name);
            places += (places.empty() ? "" : ", ") + file;
        }
    }
    std::vector<std::string> lines;
    for (const std::string& name : twice) lines.push_back(name + ": " + where[name]);
    return lines;
}

}  // namespace weft::testing

#include "tests/integration/transcript.hpp"

#include <regex>
#include <set>
#include <sstream>

namespace weft::testing {
namespace {

constexpr const char* any = "…";

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) {
        while (!line.empty() && (line.back() == ' ' || line.back() == '\r')) line.pop_back();
        lines.push_back(std::move(line));
    }
    while (!lines.empty() && lines.back().empty()) lines.pop_back();
    return lines;
}

/// What differs from run to run stands for its kind.
std::string normalised(std::string text) {
    static const std::vector<std::pair<std::regex, std::string>> kinds{
        {std::regex("[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"), "<uuid>"},
        {std::regex("[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]+)?Z"),
         "<time>"},
        {std::regex("\\b[0-9a-f]{16}\\b"), "<epoch>"},
        {std::regex("tcp://[a-z0-9.]+:[0-9]+"), "<endpoint>"}};
    for (const auto& [pattern, kind] : kinds) text = std::regex_replace(text, pattern, kind);
    return text;
}

bool lines_fit(const std::vector<std::string>& shown, std::size_t from,
               const std::vector<std::string>& printed, std::size_t at) {
    if (from == shown.size()) return at == printed.size();
    if (shown[from] == any) {
        for (std::size_t skip = at; skip <= printed.size(); ++skip) {
            if (lines_fit(shown, from + 1, printed, skip)) return true;
        }
        return false;
    }
    return at < printed.size() && normalised(shown[from]) == normalised(printed[at]) &&
           lines_fit(shown, from + 1, printed, at + 1);
}

}  // namespace

bool TranscriptBlock::goes_on() const {
    static const std::regex endless(
        "(curl ([^\n|]* )?-N |weft tail )[^\n&]*('[^'\n]*'[^\n&]*)*(#[^\n]*)?\n$");
    return std::regex_search(script, endless);
}

std::vector<TranscriptBlock> transcript_of(const std::string& document) {
    std::vector<TranscriptBlock> blocks;
    std::istringstream stream(document);
    std::string* into = nullptr;
    bool fresh = false;  // nothing but empty lines since a block of shell lines
    int number = 0;
    for (std::string line; std::getline(stream, line);) {
        ++number;
        if (into != nullptr) {
            if (line == "```") {
                fresh = into == &blocks.back().script;
                into = nullptr;
            } else {
                *into += line + "\n";
            }
        } else if (line == "```sh") {
            blocks.push_back({});
            blocks.back().line = number;
            into = &blocks.back().script;
        } else if (fresh && (line == "```json" || line == "```text")) {
            blocks.back().is_json = line == "```json";
            into = &blocks.back().shown;
        } else if (!line.empty()) {
            fresh = false;
        }
    }
    return blocks;
}

std::vector<nlohmann::json> json_values(const std::string& text) {
    std::vector<nlohmann::json> values;
    std::istringstream stream(text);
    while (stream >> std::ws && stream.peek() != std::istringstream::traits_type::eof()) {
        nlohmann::json value;
        stream >> value;
        values.push_back(std::move(value));
    }
    return values;
}

std::string json_difference(const nlohmann::json& shown, const nlohmann::json& printed,
                            const std::string& at) {
    static const std::set<std::string> vary{"age", "after_ms", "per_second", "seq", "readers"};
    if (shown == any) return "";
    const auto differ = [&] {
        return at + ": shown is " + shown.dump() + ", printed " + printed.dump();
    };
    if (shown.is_number() && printed.is_number() && vary.contains(at.substr(at.rfind('.') + 1))) {
        return "";
    }
    if (shown.type_name() != std::string{printed.type_name()}) return differ();
    if (shown.is_string()) {
        return normalised(shown) == normalised(printed) ? "" : differ();
    }
    if (shown.is_array()) {
        if (shown.size() != printed.size()) return differ();
        for (std::size_t i = 0; i < shown.size(); ++i) {
            auto wrong = json_difference(shown[i], printed[i], at + "[" + std::to_string(i) + "]");
            if (!wrong.empty()) return wrong;
        }
        return "";
    }
    if (!shown.is_object()) return shown == printed ? "" : differ();
    for (const auto& [name, member] : shown.items()) {
        if (name == any) continue;
        if (!printed.contains(name)) return at + "." + name + " is shown, and not printed";
        auto wrong = json_difference(member, printed[name], at + "." + name);
        if (!wrong.empty()) return wrong;
    }
    for (const auto& [name, unused] : printed.items()) {
        if (!shown.contains(name) && !shown.contains(any)) {
            return at + "." + name + " is printed, and not shown";
        }
    }
    return "";
}

std::string difference(const TranscriptBlock& block, const std::string& printed) {
    if (block.shown.empty()) return "";
    const std::string said = "\nprinted was:\n" + printed;
    if (!block.is_json) {
        return lines_fit(lines_of(block.shown), 0, lines_of(printed), 0) ? ""
                                                                         : "lines differ" + said;
    }
    try {
        const nlohmann::json shown = json_values(block.shown), got = json_values(printed);
        const std::string wrong = json_difference(shown, got);
        return wrong.empty() ? "" : wrong + said;
    } catch (const nlohmann::json::exception& error) {
        return error.what() + said;
    }
}

}  // namespace weft::testing

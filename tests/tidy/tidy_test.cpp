// What reviewers forget: the order of includes between directories, where third-party headers may
// stand, words and paths that must not be in the tree, and documents that name what is gone.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "signing/refusal.hpp"
#include "tests/tidy/external_names.hpp"

namespace {

namespace fs = std::filesystem;
using ::testing::IsEmpty;

const fs::path root = WEFT_SOURCE_DIR;

/// Files that git knows or would take, so that build folders do not count.
std::vector<fs::path> files() {
    const std::string command =
        "git -C '" + root.string() + "' ls-files --cached --others --exclude-standard";
    std::vector<fs::path> found;
    FILE* pipe = ::popen(command.c_str(), "r");
    if (pipe == nullptr) return found;
    std::array<char, 4096> line{};
    while (std::fgets(line.data(), line.size(), pipe) != nullptr) {
        std::string name = line.data();
        name.erase(name.find_last_not_of('\n') + 1);
        if (fs::is_regular_file(root / name)) found.emplace_back(name);
    }
    ::pclose(pipe);
    return found;
}

std::string text_of(const fs::path& file) {
    std::ifstream input(root / file, std::ios::binary);
    std::ostringstream text;
    text << input.rdbuf();
    return text.str();
}

bool is_source(const fs::path& file) {
    return file.extension() == ".hpp" || file.extension() == ".cpp";
}

std::vector<std::string> includes_of(const fs::path& file) {
    static const std::regex pattern("^\\s*#include\\s+([\"<][^\">]+)[\">]");
    std::vector<std::string> found;
    std::istringstream lines(text_of(file));
    for (std::string line; std::getline(lines, line);) {
        std::smatch match;
        if (std::regex_search(line, match, pattern)) found.push_back(match[1]);
    }
    return found;
}

TEST(Tidy, FindsTheSourceTree) {
    ASSERT_GT(files().size(), 50U);
}

TEST(Tidy, DirectoriesIncludeOnlyWhatStandsToTheirLeft) {
    const std::vector<std::string> order = {"config",      "signing", "fabric",
                                            "reliability", "gateway", "tools"};
    const auto place = [&](const std::string& directory) {
        return std::find(order.begin(), order.end(), directory) - order.begin();
    };
    std::vector<std::string> wrong;
    for (const fs::path& file : files()) {
        const auto own = place(file.begin()->string());
        if (!is_source(file) || own == static_cast<std::ptrdiff_t>(order.size())) continue;
        for (const std::string& include : includes_of(file)) {
            if (include.front() != '"') continue;
            const std::string directory = fs::path(include.substr(1)).begin()->string();
            const bool known = place(directory) < static_cast<std::ptrdiff_t>(order.size());
            if (!known || place(directory) > own) {
                wrong.push_back(file.string() + " includes " + include.substr(1));
            }
        }
    }
    EXPECT_THAT(wrong, IsEmpty());
}

TEST(Tidy, EachThirdPartyLibraryStaysInItsFewFiles) {
    const std::map<std::string, std::regex> allowed = {
        {"yaml-cpp/", std::regex("config/yaml_reader\\.cpp|config/yaml_writer\\.cpp")},
        {"sodium.h", std::regex("signing/(sodium|secret)\\.cpp")},
        {"openssl/",
         std::regex("signing/digest\\.cpp|gateway/http/(asio_tls|websocket_accept)\\.cpp")},
        {"boost/", std::regex("gateway/http/asio(_.*|\\.hpp)")},
        {"zlib.h", std::regex("gateway/http/compression\\.cpp")},
        {"curl/", std::regex("gateway/delivery/curl_[a-z_]*\\.cpp|tools/http_call\\.cpp")},
        {"zmq", std::regex("fabric/transport/zmq_.*|fabric/node/relay\\.cpp")},
        {"ares", std::regex("fabric/transport/dns_resolver\\.cpp")},
        {"msgpack", std::regex("fabric/message/[a-z_]*\\.cpp")},
        {"simdjson", std::regex("fabric/message/json_text\\.cpp")},
        {"CLI/", std::regex("tools/.*")},
        {"spdlog/", std::regex("tools/.*")},
        {"rocksdb/", std::regex("reliability/journal/rocksdb_.*")},
    };
    std::vector<std::string> wrong;
    for (const fs::path& file : files()) {
        const std::string top = file.begin()->string();
        if (!is_source(file) || top == "tests" || top == "examples") continue;
        for (const std::string& include : includes_of(file)) {
            for (const auto& [library, places] : allowed) {
                if (include.starts_with("<" + library) &&
                    !std::regex_match(file.string(), places)) {
                    wrong.push_back(file.string() + " includes " + include.substr(1));
                }
            }
        }
    }
    EXPECT_THAT(wrong, IsEmpty());
}

TEST(Tidy, WhatIsDefinedTwiceIsFoundAndWhatOnlyLooksAlikeIsNot) {
    const std::map<std::string, std::string> planted = {
        {"a.hpp", R"(namespace weft::tools {
inline std::unique_ptr<Fabric> open_fabric(Context& context, int tries = 3) { return {}; }
inline void alone(int) {}
struct Shown { int a{}; };
template <class T> T first(const std::vector<T>& of) { return of[0]; }
namespace { void hidden() {} }
static void own() {}
constexpr auto table = std::to_array({1, 2});
const auto called = [](int) { return 1; };
})"},
        {"b.cpp", R"(// inline void alone(int) {}
#define OPEN {
namespace weft::tools {
std::unique_ptr<Fabric> open_fabric(
    Context& other, int) try { return {}; } catch (...) {}
void alone(std::string text) { const char c = '{'; const auto big = 1'000; puts("{"); }
struct Shown { int b{}; };
template <class T> T first(const std::vector<T>& all) { return all[0]; }
namespace { void hidden() {} struct Inner {}; }
static void own() {}
struct Declared;
int declared(int);
Made::Made(int a) : a_{a}, b_(1) { run(); }
})"},
        {"c.cpp", R"(namespace weft::other { struct Shown {}; void alone(int) {} }
namespace weft::tools { struct Declared {}; int declared(int b) { return b; }
namespace { struct Inner {}; } })"}};
    EXPECT_THAT(weft::testing::defined_twice(planted),
                ::testing::ElementsAre("type weft::tools::Shown: a.hpp, b.cpp",
                                       "weft::tools::first<>(const std::vector<T>&): a.hpp, b.cpp",
                                       "weft::tools::open_fabric(Context&, int): a.hpp, b.cpp"));
}

TEST(Tidy, NothingWithExternalLinkageIsDefinedInTwoFilesOfTheProgram) {
    const std::set<std::string> linked = {"config",      "signing", "fabric",
                                          "reliability", "gateway", "tools"};
    std::map<std::string, std::string> sources;
    for (const fs::path& file : files()) {
        if (is_source(file) && linked.contains(file.begin()->string())) {
            sources[file.string()] = text_of(file);
        }
    }
    ASSERT_GT(sources.size(), 100U);
    EXPECT_THAT(weft::testing::defined_twice(sources), IsEmpty());
}

TEST(Tidy, EveryRefusalHasATestThatNamesIt) {
    std::string tests;
    for (const fs::path& file : files()) {
        const std::string name = file.filename().string();
        if (file.string().starts_with("tests/unit/") && is_source(file) &&
            name != "refusal_test.cpp" && name != "refusal_log_test.cpp") {
            tests += text_of(file);
        }
    }
    std::vector<std::string> without;
    for (std::size_t i = 0; i < weft::signing::refusal_count; ++i) {
        const std::string name{weft::signing::name_of(static_cast<weft::signing::Refusal>(i))};
        if (!std::regex_search(tests, std::regex("Refusal::" + name + "\\b"))) {
            without.push_back(name);
        }
    }
    EXPECT_THAT(without, IsEmpty());
}

TEST(Tidy, NoSourceSleepsOrLeavesWorkBehind) {
    const std::regex loose(
        "\\bTODO\\b|\\bFIXME\\b|\\bXXX\\b|sleep_for|\\busleep\\(|\\bnanosleep\\(");
    std::vector<std::string> wrong;
    for (const fs::path& file : files()) {
        if (!is_source(file) || file.filename() == "tidy_test.cpp") continue;
        std::smatch match;
        const std::string text = text_of(file);
        if (std::regex_search(text, match, loose)) {
            wrong.push_back(file.string() + ": " + match[0].str());
        }
    }
    EXPECT_THAT(wrong, IsEmpty());
}

TEST(Tidy, HeadersBeginWithPragmaOnceAndSayWhatTheyAreFor) {
    std::vector<std::string> wrong;
    for (const fs::path& file : files()) {
        const std::string top = file.begin()->string();
        if (file.extension() != ".hpp" || top == "tests") continue;
        if (!text_of(file).starts_with("#pragma once\n//")) wrong.push_back(file.string());
    }
    EXPECT_THAT(wrong, IsEmpty());
}

TEST(Tidy, DocumentsNameOnlyFilesThatAreThere) {
    // Paths in backticks that start with a directory of ours and have an extension.
    const std::regex path(
        "`((?:config|signing|fabric|reliability|tools|tests|examples|docs|scripts|cmake)/"
        "[A-Za-z0-9_/"
        ".-]+\\.[a-z]+)`");
    std::vector<std::string> gone;
    for (const fs::path& file : files()) {
        if (file.extension() != ".md") continue;
        const std::string text = text_of(file);
        for (auto match = std::sregex_iterator(text.begin(), text.end(), path);
             match != std::sregex_iterator(); ++match) {
            if (!fs::exists(root / (*match)[1].str())) {
                gone.push_back(file.string() + " names " + (*match)[1].str());
            }
        }
    }
    EXPECT_THAT(gone, IsEmpty());
}

std::string trimmed(const std::string& line) {
    const auto begin = line.find_first_not_of(' ');
    return begin == std::string::npos ? "" : line.substr(begin);
}

TEST(Tidy, TheReadmesProgramsAreTheExamplesThatAreBuilt) {
    const std::string readme = text_of("README.md");
    std::vector<std::string> missing;
    std::size_t end = 0;
    for (const char* name :
         {"examples/publish_and_receive.cpp", "examples/publish_acknowledged.cpp"}) {
        const std::string example = text_of(name);
        const auto begin = readme.find("```cpp\n", end) + 7;
        ASSERT_GT(begin, end + 7) << "README has no block for " << name;
        end = readme.find("```", begin) + 3;
        std::istringstream lines(readme.substr(begin, end - 3 - begin));
        for (std::string line; std::getline(lines, line);) {
            line = trimmed(line);
            // An outside program names the installed header.
            if (line == "#include <weft/fabric/fabric.hpp>")
                line = "#include \"fabric/fabric.hpp\"";
            if (example.find(line) == std::string::npos) missing.push_back(line);
        }
    }
    EXPECT_THAT(missing, IsEmpty());
}

TEST(Tidy, EveryMakeTargetThatADocumentNamesExists) {
    const std::string makefile = text_of("Makefile");
    const std::regex command("`make ([a-z]+)`");
    std::vector<std::string> gone;
    for (const fs::path& file : files()) {
        if (file.extension() != ".md") continue;
        const std::string text = text_of(file);
        for (auto match = std::sregex_iterator(text.begin(), text.end(), command);
             match != std::sregex_iterator(); ++match) {
            if (makefile.find("\n" + (*match)[1].str() + ":") == std::string::npos) {
                gone.push_back(file.string() + " names make " + (*match)[1].str());
            }
        }
    }
    EXPECT_THAT(gone, IsEmpty());
}

}  // namespace

// fuzz_replay TARGET DIRECTORY: gives each file of a corpus to its target, in the order of names.
// For builds without libFuzzer, so that every test run tries what fuzzing has found worth keeping.

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "tests/fuzz/targets.hpp"

namespace {

namespace fs = std::filesystem;
namespace fuzz = weft::fuzz;

using Target = void (*)(std::string_view);

constexpr auto targets = std::to_array<std::pair<std::string_view, Target>>({
    {"proof", fuzz::proof},
    {"contents", fuzz::contents},
    {"verifier", fuzz::verifier},
    {"certificate", fuzz::certificate},
    {"revocation_list", fuzz::revocation_list},
    {"armor", fuzz::armor},
    {"content", fuzz::content},
    {"msgpack", fuzz::msgpack},
    {"json", fuzz::json},
    {"json_query", fuzz::json_query},
    {"yaml", fuzz::yaml},
    {"texts", fuzz::texts},
    {"glob", fuzz::glob},
    {"beacon", fuzz::beacon},
    {"control", fuzz::control},
    {"ack_request", fuzz::ack_request},
    {"ack_statement", fuzz::ack_statement},
    {"recipients", fuzz::recipients},
    {"journal_request", fuzz::journal_request},
    {"journal_answer", fuzz::journal_answer},
    {"cursor_fields", fuzz::cursor_fields},
    {"exec_answer", fuzz::exec_answer},
    {"dead_letter", fuzz::dead_letter},
    {"plugin_frames", fuzz::plugin_frames},
    {"rse_request", fuzz::rse_request},
    {"rse_body", fuzz::rse_body},
    {"uri", fuzz::uri},
    {"http_request", fuzz::http_request},
    {"cloud_events", fuzz::cloud_events},
    {"ws_frames", fuzz::ws_frames},
    {"esub_frames", fuzz::esub_frames},
    {"routemaster_event", fuzz::routemaster_event},
    {"subscribe_request", fuzz::subscribe_request},
    {"webhook_request", fuzz::webhook_request},
});

std::vector<fs::path> files_in(const fs::path& directory) {
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(directory)) files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    return files;
}

}  // namespace

int main(int count, char** arguments) {
    if (count != 3) {
        std::cerr << "usage: fuzz_replay TARGET DIRECTORY\n";
        return 2;
    }
    const std::string_view name = arguments[1];
    const auto target = std::find_if(targets.begin(), targets.end(),
                                     [&](const auto& known) { return known.first == name; });
    if (target == targets.end()) {
        std::cerr << "fuzz_replay: there is no target '" << name << "'\n";
        return 2;
    }
    const std::vector<fs::path> files = files_in(arguments[2]);
    if (files.empty()) {
        std::cerr << "fuzz_replay: '" << arguments[2] << "' is empty; a corpus has files\n";
        return 1;
    }
    target->second({});
    for (const fs::path& file : files) {
        std::ifstream input(file, std::ios::binary);
        const std::string bytes{std::istreambuf_iterator<char>(input), {}};
        // Flushed before, so that a crash has a name.
        std::cout << file.filename().string() << ' ' << bytes.size() << " bytes" << std::endl;
        target->second(bytes);
    }
    return 0;
}

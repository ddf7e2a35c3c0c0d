// tally_program FILE [BADNESS]: an executable consumer that counts what it is given, or behaves
// badly: hangs, exits, crashes, garbage, forks.

#include <sys/types.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <string>

#include "tests/bench/hub/tally.hpp"

namespace {

/// "seq" is a number at the top level of the message's one line.
std::uint64_t number_of(const std::string& line) {
    const std::size_t at = line.find("\"seq\":");
    return at == std::string::npos ? 0 : std::strtoull(line.c_str() + at + 6, nullptr, 10);
}

void misbehave(const std::string& badness) {
    if (badness == "hangs") ::pause();
    if (badness == "exits") std::exit(3);
    if (badness == "crashes") std::abort();
    if (badness == "garbage") std::cout << std::string(1 << 20, 'x') << std::endl;
    if (badness == "forks" && ::fork() == 0) ::pause();  // holds our pipes open
    if (badness == "forks") std::exit(0);
}

}  // namespace

int main(int argc, char** argv) {
    std::ios::sync_with_stdio(false);
    if (argc < 2) return 2;
    weft::bench::Tally& tally = weft::bench::Tally::open(argv[1]);
    const std::string badness = argc > 2 ? argv[2] : "";
    for (std::string line; std::getline(std::cin, line);) {
        misbehave(badness);
        tally.add(number_of(line));
        std::cout << "ok" << std::endl;
    }
}

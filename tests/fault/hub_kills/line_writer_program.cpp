// An executable consumer: appends "<topic> <number>" to the file of its settings, then says ok.

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

int main() {
    std::ios::sync_with_stdio(false);
    const char* settings = std::getenv("WEFT_SETTINGS");
    const std::string path =
        nlohmann::json::parse(settings != nullptr ? settings : "{}")["file"].get<std::string>();
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (file < 0) return 1;
    for (std::string line; std::getline(std::cin, line);) {
        const auto message = nlohmann::json::parse(line);
        const std::string text = message["topic"].get<std::string>() + " " +
                                 std::to_string(message["body"]["n"].get<std::uint64_t>()) + "\n";
        if (::write(file, text.data(), text.size()) != static_cast<ssize_t>(text.size())) return 1;
        std::cout << "ok" << std::endl;
    }
    return 0;
}

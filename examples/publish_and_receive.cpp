// The README's first example as a whole program: publishes a map and receives it back, with the
// configuration of ./weft.d. tests/tidy checks that the README shows these very lines.

#include <chrono>
#include <iostream>

#include "fabric/fabric.hpp"

int main() {
    try {
        auto fabric = weft::fabric::Fabric::open();  // reads weft.d/*.yaml
        auto commits = fabric->subscribe({"git.**"});
        if (!commits->wait_ready(std::chrono::seconds(2)).ready) {
            std::cerr << "no relay: start `weft relay` first\n";
            return 1;
        }
        fabric->publish("git.commit", {{"hash", "2f1c9e"}, {"author", "ann"}, {"files", 3}});

        while (auto message = commits->receive(std::chrono::seconds(2))) {
            std::cout << message->signer() << ": " << message->value()["hash"].text_or("?") << '\n';
        }
        return 0;
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
        return 2;
    }
}
